//! What each step does, case by case.

use super::world::*;
use heliotrope_core::rightsizing::plan::{Bounds, Missing, Plan, PlanMemory, PlanSpec, Reason, Stage, Step};
use heliotrope_core::rightsizing::schedule::{ClockZone, Days, Effect, Entry, Event, Level, Schedule};
use heliotrope_core::rightsizing::{Ceiling, Health, PowerRule, PrewarmRule, Signal, Trigger};
use jiff::SignedDuration;

fn once(spec: &PlanSpec, given: &Given) -> Plan {
    given.plan(spec, &mut PlanMemory::default(), START)
}

fn reason(plan: &Plan, stage: Stage) -> Reason {
    plan.step(stage).unwrap().reason
}

fn local(seconds: i64) -> jiff::civil::DateTime {
    at(seconds).to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

/// For ten minutes from the start.
fn level(min: Option<i32>, max: Option<i32>) -> Schedule {
    Schedule {
        levels: vec![Level {
            days: Days::ALL,
            from: local(0).time(),
            until: local(600).time(),
            zone: ClockZone::UTC,
            min,
            max,
            ramp: SignedDuration::ZERO,
        }],
        events: Vec::new(),
    }
}

#[test]
fn every_step_is_told_in_order_with_its_number() {
    let mut spec = unhurried();
    spec.latency = Some(latency());
    spec.carbon = Some(carbon());
    spec.power = Some(power());
    spec.prewarm = Some(prewarm());
    spec.schedule = level(Some(3), None);
    let mut given = Given::load(6, 80);
    given.intensity = Signal::Fresh(grams(500.0));
    given.room = Signal::Fresh(watts(1300.0));
    let plan = once(&spec, &given);
    let stages: Vec<Stage> = plan.steps.iter().map(|step| step.stage).collect();
    assert_eq!(stages, Stage::ALL);
    let numbers: Vec<i32> = plan.steps.iter().map(|step| step.replicas).collect();
    assert_eq!(numbers, [8, 8, 8, 8, 5, 5, 5, 5, 5], "{plan:?}");
    assert_eq!(plan.bounds, Bounds { floor: 3, ceiling: 5 });
    let told = serde_json::to_value(plan.step(Stage::Carbon).unwrap()).unwrap();
    assert_eq!(
        told,
        serde_json::json!({"stage": "carbon", "replicas": 5, "reason": "Dirty", "now": 500.0, "ceiling": 5})
    );
    let read: Vec<Step> = serde_json::from_value(serde_json::to_value(&plan.steps).unwrap()).unwrap();
    assert_eq!(read, plan.steps.to_vec());
    let line = plan.step(Stage::Carbon).unwrap().to_string();
    assert_eq!(line, "carbon: 5 (at most 5 while the grid is dirty at 500 g/kWh)");
}

#[test]
fn absent_stale_and_zero_load_are_three_things() {
    let spec = unhurried();
    let mut given = Given::load(6, 0);
    let plan = once(&spec, &given);
    assert_eq!(
        (plan.desired, reason(&plan, Stage::Metrics)),
        (1, Reason::Metric { metric: 0 })
    );
    for (load, missing) in [
        (
            Signal::Absent,
            Missing {
                absent: 1,
                ..Missing::default()
            },
        ),
        (
            Signal::Stale(secs(90)),
            Missing {
                stale: 1,
                ..Missing::default()
            },
        ),
    ] {
        given.load = load;
        let plan = once(&spec, &given);
        assert_eq!(
            (plan.desired, reason(&plan, Stage::Metrics)),
            (6, Reason::Held { missing })
        );
    }
}

#[test]
fn while_metrics_are_missing_schedules_raise_and_no_ceiling_lowers() {
    let mut given = Given::load(6, 0);
    given.load = Signal::Absent;
    let mut spec = unhurried();
    spec.schedule = level(Some(9), None);
    assert_eq!(once(&spec, &given).desired, 9);
    spec.schedule = level(None, Some(2));
    assert_eq!(once(&spec, &given).desired, 6);
    spec.schedule = Schedule::default();
    (spec.latency, spec.carbon) = (Some(latency()), Some(carbon()));
    given.intensity = Signal::Fresh(grams(500.0));
    let plan = once(&spec, &given);
    assert_eq!((plan.desired, reason(&plan, Stage::Carbon)), (6, Reason::NotLowered));
}

#[test]
fn the_schedule_sets_floors_ceilings_and_factors() {
    let mut spec = unhurried();
    for (schedule, load, desired) in [
        (level(Some(9), None), 20, 9),
        (level(Some(9), None), 120, 12),
        (level(None, Some(4)), 80, 4),
        (level(None, Some(4)), 20, 2),
        (level(Some(9), Some(4)), 80, 9),
    ] {
        spec.schedule = schedule;
        assert_eq!(
            once(&spec, &Given::load(6, load)).desired,
            desired,
            "{:?} {load}",
            spec.schedule
        );
    }
    let event = Event {
        from: local(-60),
        until: local(60),
        zone: ClockZone::UTC,
        effect: Effect::Factor(1.5),
        ramp: SignedDuration::ZERO,
    };
    spec.schedule = Schedule {
        levels: Vec::new(),
        events: vec![event],
    };
    let plan = once(&spec, &Given::load(6, 90));
    let entry = Entry::Event(0);
    assert_eq!(
        (plan.desired, reason(&plan, Stage::Schedule)),
        (14, Reason::Multiplied { factor: 1.5, entry })
    );
}

#[test]
fn without_metrics_the_plan_is_the_schedules() {
    let mut spec = unhurried();
    spec.hpa.metrics.clear();
    assert_eq!(once(&spec, &Given::load(6, 90)).desired, 1);
    spec.schedule = level(Some(4), None);
    assert_eq!(once(&spec, &Given::load(6, 90)).desired, 4);
}

#[test]
fn a_forecast_only_raises() {
    let spec = unhurried();
    for (forecast, desired) in [(None, 5), (Some(3), 5), (Some(8), 8), (Some(50), 20)] {
        let given = Given {
            forecast,
            ..Given::load(6, 50)
        };
        assert_eq!(once(&spec, &given).desired, desired, "{forecast:?}");
    }
}

#[test]
fn latency_vetoes_and_steps_and_is_no_ratio() {
    let mut spec = unhurried();
    spec.latency = Some(latency());
    let mut given = Given::load(10, 40);
    for (millis, desired, health) in [
        (399, 4, None),
        (400, 10, Some(Health::Strained)),
        (499, 10, Some(Health::Strained)),
        (500, 12, None),
        // Ten times the limit asks for no more than the limit itself.
        (5000, 12, None),
    ] {
        given.latency = Signal::Fresh(SignedDuration::from_millis(millis));
        let plan = once(&spec, &given);
        assert_eq!(plan.desired, desired, "{millis} ms: {plan:?}");
        if let Some(health) = health {
            assert_eq!(reason(&plan, Stage::Latency), Reason::Veto { health });
        }
    }
    for unknown in [Signal::Absent, Signal::Stale(secs(60))] {
        given.latency = unknown;
        assert_eq!(once(&spec, &given).desired, 10);
    }
    given.queue_age = Signal::Fresh(secs(30));
    assert_eq!(
        once(&spec, &given).desired,
        12,
        "one limit that is reached counts for itself"
    );
}

#[test]
fn steps_leave_time_to_start() {
    let mut spec = unhurried();
    spec.latency = Some(latency());
    let mut memory = PlanMemory::default();
    let mut given = Given::load(10, 40);
    given.latency = Signal::Fresh(secs(1));
    let mut found = Vec::new();
    for seconds in [0, 15, 45, 59, 60, 75] {
        given.current = given.plan(&spec, &mut memory, at(seconds)).desired;
        found.push(given.current);
    }
    assert_eq!(found, [12, 12, 12, 12, 15, 15]);
}

fn carbon_spec() -> PlanSpec {
    let mut spec = unhurried();
    (spec.latency, spec.carbon) = (Some(latency()), Some(carbon()));
    spec
}

#[test]
fn carbon_bounds_with_hysteresis() {
    let spec = carbon_spec();
    let mut memory = PlanMemory::default();
    let mut given = Given::load(10, 100);
    let mut found = Vec::new();
    for (tick, value) in (0..).zip([100.0, 399.0, 400.0, 350.0, 301.0, 300.0, 350.0, 0.0]) {
        given.intensity = Signal::Fresh(grams(value));
        found.push(given.plan(&spec, &mut memory, at(tick * 15)).desired);
    }
    assert_eq!(found, [10, 10, 5, 5, 5, 10, 10, 10]);
    for unknown in [Signal::Absent, Signal::Stale(secs(7200))] {
        given.intensity = unknown;
        let plan = once(&spec, &given);
        assert_eq!(
            (plan.desired, reason(&plan, Stage::Carbon)),
            (10, Reason::IntensityUnknown)
        );
    }
}

#[test]
fn a_bound_that_was_found_stays_while_the_grid_is_awaited() {
    let spec = carbon_spec();
    let mut dirty = PlanMemory::default();
    let mut given = Given::load(10, 100);
    given.intensity = Signal::Fresh(grams(500.0));
    assert_eq!(given.plan(&spec, &mut dirty, at(0)).desired, 5);

    // Whoever takes over knows nothing of the grid yet: nothing is added above the bound, and nothing taken away.
    given.intensity = Signal::Absent;
    given.awaited = true;
    for (current, held) in [(4, 5), (5, 5), (7, 7)] {
        given.current = current;
        let mut memory = dirty.clone();
        let plan = given.plan(&spec, &mut memory, at(15));
        let awaited = Reason::IntensityAwaited { ceiling: held };
        assert_eq!((plan.desired, reason(&plan, Stage::Carbon)), (held, awaited));
        assert!(memory.carbon.dirty, "the first word may be between leave and enter");
    }
    // The service comes first all the same.
    given.queue_age = Signal::Fresh(secs(24));
    let plan = given.plan(&spec, &mut dirty.clone(), at(15));
    assert_eq!(plan.desired, 10);
    given.queue_age = Signal::Fresh(secs(0));
    // Where there was no bound there is none now, and none that nobody waits for.
    assert_eq!(given.plan(&spec, &mut PlanMemory::default(), at(15)).desired, 10);
    given.awaited = false;
    assert_eq!(given.plan(&spec, &mut dirty.clone(), at(15)).desired, 10);
}

#[test]
fn carbon_yields_to_latency_and_queue_age_and_rests() {
    let spec = carbon_spec();
    let mut memory = PlanMemory::default();
    let mut given = Given::load(10, 100);
    given.intensity = Signal::Fresh(grams(500.0));
    assert_eq!(given.plan(&spec, &mut memory, at(0)).desired, 5);
    given.queue_age = Signal::Fresh(secs(24));
    let plan = given.plan(&spec, &mut memory, at(15));
    let yielded = Reason::Yielded {
        health: Health::Strained,
        until: at(615),
    };
    assert_eq!((plan.desired, reason(&plan, Stage::Carbon)), (10, yielded));
    given.queue_age = Signal::Fresh(secs(0));
    assert_eq!(given.plan(&spec, &mut memory, at(30)).desired, 10, "it rests");
    assert_eq!(given.plan(&spec, &mut memory, at(614)).desired, 10);
    assert_eq!(given.plan(&spec, &mut memory, at(615)).desired, 5);
}

#[test]
fn carbon_keeps_what_the_schedule_asks_for() {
    let mut spec = carbon_spec();
    spec.schedule = level(Some(8), None);
    let mut given = Given::load(10, 100);
    given.intensity = Signal::Fresh(grams(500.0));
    assert_eq!(once(&spec, &given).desired, 8);
    spec.schedule = Schedule::default();
    if let Some(rule) = &mut spec.carbon {
        rule.ceiling = Ceiling::ShareOfMax(ratio(0.26));
    }
    assert_eq!(once(&spec, &given).desired, 6, "26 % of 20, rounded up");
}

#[test]
fn carbon_looks_ahead_and_says_nothing_where_no_better_hour_is_in_sight() {
    let mut spec = carbon_spec();
    if let Some(rule) = &mut spec.carbon {
        rule.when = Trigger::Saving {
            enter: ratio(0.2),
            leave: ratio(0.1),
            ahead: secs(3600),
            stretch: secs(1800),
        };
    }
    let desired = |now: f64, ahead: &[(i64, f64)]| {
        let mut given = Given::load(10, 100);
        given.intensity = Signal::Fresh(grams(now));
        given.ahead = ahead
            .iter()
            .map(|(minutes, value)| (at(minutes * 60), grams(*value)))
            .collect();
        once(&spec, &given).desired
    };
    assert_eq!(desired(500.0, &[(30, 390.0)]), 5, "in half an hour it is 22 % less");
    assert_eq!(desired(500.0, &[(30, 410.0)]), 10, "18 % is not worth it");
    assert_eq!(desired(500.0, &[(90, 100.0)]), 10, "beyond what the work can wait for");
    assert_eq!(
        desired(500.0, &[(30, 100.0), (31, 600.0), (90, 600.0)]),
        10,
        "one good minute is no window"
    );
    assert_eq!(desired(500.0, &[]), 10, "nothing is known ahead");
    assert_eq!(desired(0.0, &[(30, 0.0)]), 10, "nothing is cleaner than nothing");
}

#[test]
fn replicas_start_before_the_grid_turns_clean() {
    let mut spec = carbon_spec();
    spec.prewarm = Some(prewarm());
    let mut memory = PlanMemory::default();
    let mut given = Given::load(5, 100);
    given.intensity = Signal::Fresh(grams(500.0));
    given.ahead = vec![(at(600), grams(350.0)), (at(900), grams(200.0))];
    let mut step = |spec: &PlanSpec, seconds| {
        let plan = given.plan(spec, &mut memory, at(seconds));
        (plan.desired, reason(&plan, Stage::Prewarm))
    };
    assert_eq!(step(&spec, 0), (5, Reason::NoWindow));
    assert_eq!(step(&spec, 599), (5, Reason::NoWindow), "350 is not clean yet");
    assert_eq!(step(&spec, 600), (10, Reason::WindowAt { at: at(900) }));
    spec.prewarm = Some(PrewarmRule {
        lead: secs(300),
        replicas: Some(15),
    });
    assert_eq!(step(&spec, 615).0, 15);
    spec.power = Some(PowerRule {
        per_replica: watts(400.0),
        budget: Some(watts(2800.0)),
    });
    assert_eq!(step(&spec, 630).0, 7, "within what has power");
}

#[test]
fn power_bounds_by_budget_and_by_room() {
    let mut spec = unhurried();
    let rule = |budget: Option<f64>| PowerRule {
        per_replica: watts(400.0),
        budget: budget.map(watts),
    };
    for (budget, room, desired) in [
        (None, Signal::Absent, 12),
        (None, Signal::Fresh(watts(799.0)), 7),
        (None, Signal::Fresh(watts(0.0)), 6),
        (None, Signal::Stale(secs(600)), 12),
        (Some(1600.0), Signal::Absent, 4),
        (Some(4000.0), Signal::Fresh(watts(800.0)), 8),
    ] {
        spec.power = Some(rule(budget));
        let given = Given {
            room,
            ..Given::load(6, 120)
        };
        assert_eq!(once(&spec, &given).desired, desired, "{budget:?} {room:?}");
    }
}

#[test]
fn bounds_of_another_autoscaler_are_what_holds_apart_from_metrics() {
    let mut spec = carbon_spec();
    spec.schedule = level(Some(4), Some(15));
    let mut given = Given::load(6, 200);
    assert_eq!(once(&spec, &given).bounds, Bounds { floor: 4, ceiling: 15 });
    given.intensity = Signal::Fresh(grams(500.0));
    assert_eq!(once(&spec, &given).bounds, Bounds { floor: 4, ceiling: 5 });
    given.latency = Signal::Fresh(secs(1));
    assert_eq!(once(&spec, &given).bounds, Bounds { floor: 8, ceiling: 15 });
}

#[test]
fn what_cannot_be_meant_is_told_all_at_once_with_keys() {
    let mut spec = unhurried();
    assert_eq!(spec.problems(), []);
    spec.hpa.max = 0;
    spec.schedule = level(None, None);
    spec.schedule.levels[0].days = Days::of(&[]);
    spec.schedule.levels[0].ramp = SignedDuration::from_hours(13);
    spec.schedule.events.push(Event {
        from: local(0),
        until: local(0),
        zone: ClockZone::UTC,
        effect: Effect::Factor(f64::NAN),
        ramp: SignedDuration::ZERO,
    });
    spec.carbon = Some(carbon());
    if let Some(rule) = &mut spec.carbon {
        rule.when = Trigger::Above {
            enter: grams(100.0),
            leave: grams(200.0),
        };
    }
    spec.prewarm = Some(PrewarmRule {
        lead: SignedDuration::ZERO,
        replicas: None,
    });
    let keys: Vec<String> = spec.problems().into_iter().map(|problem| problem.key).collect();
    assert_eq!(
        keys,
        [
            "maxReplicas",
            "schedule.levels[0].days",
            "schedule.levels[0].min",
            "schedule.levels[0].ramp",
            "schedule.events[0].until",
            "schedule.events[0].factor",
            "carbon",
            "carbon.when.leave",
            "prewarm.lead",
        ]
    );
    let mut nothing = latency();
    (nothing.latency, nothing.queue_age) = (None, None);
    spec.latency = Some(nothing);
    assert!(spec.problems().iter().any(|problem| problem.key == "latency"));
}
