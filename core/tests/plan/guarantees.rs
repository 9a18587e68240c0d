//! G6, G7 and what else must hold of every plan, over random rules and random days.

use super::world::*;
use heliotrope_core::rightsizing::Signal;
use heliotrope_core::rightsizing::hpa::{
    Behavior, HpaVersion, Memory, MetricReading, Observation, Policy, PolicyKind, Rules, Select, Timing, decide,
};
use heliotrope_core::rightsizing::plan::{Action, Mode, Plan, PlanMemory, PlanSpec, Refusal};
use heliotrope_core::rightsizing::schedule::{Days, Level, Schedule};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn signal<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Signal<T>> {
    prop_oneof![
        1 => Just(Signal::Absent),
        1 => (1i64..9000).prop_map(|age| Signal::Stale(secs(age))),
        8 => value.prop_map(Signal::Fresh),
    ]
    .boxed()
}

fn given() -> impl Strategy<Value = Given> {
    (
        signal(0i64..260),
        signal((0i64..900).prop_map(SignedDuration::from_millis)),
        signal((0i64..60).prop_map(secs)),
        signal((0.0f64..700.0).prop_map(grams)),
        prop::collection::vec(0.0f64..700.0, 0..6),
        signal((0.0f64..5000.0).prop_map(watts)),
        prop::option::weighted(0.2, 0i32..30),
        any::<bool>(),
    )
        .prop_map(
            |(load, latency, queue_age, intensity, ahead, room, forecast, awaited)| Given {
                current: 1,
                load,
                latency,
                queue_age,
                intensity,
                ahead: (1..).zip(ahead).map(|(n, value)| (at(n * 120), grams(value))).collect(),
                room,
                forecast,
                awaited,
            },
        )
}

fn rules(down: bool) -> impl Strategy<Value = Rules> {
    let policy = (any::<bool>(), 1i32..8, 15i32..120).prop_map(|(pods, value, period)| Policy {
        kind: if pods { PolicyKind::Pods } else { PolicyKind::Percent },
        value: if pods { value } else { value * 15 },
        period,
    });
    let select = prop_oneof![4 => Just(Select::Max), 4 => Just(Select::Min), 1 => Just(Select::Disabled)];
    let window = if down { 0i32..400 } else { 0i32..90 };
    (prop::collection::vec(policy, 1..3), select, window).prop_map(|(policies, select, window)| Rules {
        window,
        select,
        policies,
        tolerance: None,
    })
}

fn spec() -> impl Strategy<Value = PlanSpec> {
    let behavior = prop::option::weighted(0.8, (rules(false), rules(true)));
    let bounds = (1i32..6, 0i32..25);
    (behavior, bounds, prop::collection::vec(any::<bool>(), 5)).prop_map(|(behavior, (min, more), has)| {
        let mut spec = PlanSpec::of(hpa());
        spec.hpa.min = min;
        spec.hpa.max = min + more;
        spec.hpa.behavior = behavior.map(|(up, down)| Behavior { up, down });
        spec.latency = has[0].then(latency);
        spec.carbon = (has[0] && has[1]).then(carbon);
        spec.prewarm = (has[0] && has[1] && has[2]).then(prewarm);
        spec.power = has[3].then(power);
        if has[4] {
            spec.schedule = office_hours();
        }
        spec
    })
}

/// From two minutes after the start for ten minutes, at least 8 and at most 12.
fn office_hours() -> Schedule {
    let clock = |seconds| at(seconds).to_zoned(jiff::tz::TimeZone::UTC).time();
    Schedule {
        levels: vec![Level {
            days: Days::ALL,
            from: clock(120),
            until: clock(720),
            zone: "UTC".parse().unwrap(),
            min: Some(8),
            max: Some(12),
            ramp: secs(60),
        }],
        events: Vec::new(),
    }
}

/// What happened: when, how many there were, what the plan was, what the memory was before.
struct Tick {
    now: Timestamp,
    given: Given,
    before: PlanMemory,
    plan: Plan,
}

/// Plays a day in which every plan is carried out. `again` is what happens to the memory between two plans.
fn play(spec: &PlanSpec, start: i32, day: &[Given], again: impl Fn(PlanMemory) -> PlanMemory) -> Vec<Tick> {
    let mut memory = PlanMemory::default();
    let mut current = start.clamp(spec.hpa.min, spec.hpa.max);
    let mut ticks = Vec::new();
    for (tick, given) in (0..).zip(day) {
        let now = at(tick * 15);
        let given = Given {
            current,
            ..given.clone()
        };
        memory = again(memory);
        let before = memory.clone();
        let plan = given.plan(spec, &mut memory, now);
        if let Action::Scale { from, to } = plan.action(Mode::Apply, false) {
            memory.scaled(spec, (from, to), now);
            current = to;
        }
        ticks.push(Tick {
            now,
            given,
            before,
            plan,
        });
    }
    ticks
}

fn same(memory: PlanMemory) -> PlanMemory {
    memory
}

fn day() -> impl Strategy<Value = Vec<Given>> {
    prop::collection::vec(given(), 1..90)
}

/// The most that rules allow, from the replicas that there really were.
#[expect(clippy::cast_possible_truncation, reason = "small numbers of replicas")]
fn allowed(rules: &Rules, up: bool, history: &[(Timestamp, i32)], current: i32, now: Timestamp) -> i32 {
    let values = rules.policies.iter().map(|policy| {
        let since = now - secs(policy.period.into());
        let first = history.first().map_or(current, |(_, replicas)| *replicas);
        let then = history
            .iter()
            .rev()
            .find(|(at, _)| *at <= since)
            .map_or(first, |(_, replicas)| *replicas);
        let percent = f64::from(policy.value) / 100.0;
        match (policy.kind, up) {
            (PolicyKind::Pods, true) => then + policy.value,
            (PolicyKind::Pods, false) => then - policy.value,
            (PolicyKind::Percent, true) => (f64::from(then) * (1.0 + percent)).ceil() as i32,
            (PolicyKind::Percent, false) => (f64::from(then) * (1.0 - percent)) as i32,
        }
    });
    let values: Vec<i32> = values.collect();
    match (rules.select, up) {
        (Select::Disabled, _) => current,
        (Select::Max, true) | (Select::Min, false) => values.into_iter().max().unwrap(),
        (Select::Min, true) | (Select::Max, false) => values.into_iter().min().unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn g6_recommend_writes_nothing(spec in spec(), start in 1i32..30, day in day(), another in any::<bool>()) {
        for tick in play(&spec, start, &day, same) {
            prop_assert_eq!(tick.plan.action(Mode::Recommend, another), Action::Nothing);
        }
    }

    #[test]
    fn g7_replicas_and_bounds_stay_within_min_and_max(spec in spec(), start in 1i32..30, day in day()) {
        let within = spec.hpa.min..=spec.hpa.max;
        for tick in play(&spec, start, &day, same) {
            prop_assert!(within.contains(&tick.plan.desired), "{:?}", tick.plan);
            let Action::Bound { min, max } = tick.plan.action(Mode::Bound, true) else { panic!() };
            prop_assert!(within.contains(&min) && within.contains(&max) && min <= max, "{:?}", tick.plan);
        }
    }

    #[test]
    fn g7_rates_are_never_exceeded(spec in spec(), start in 1i32..30, day in day()) {
        let ticks = play(&spec, start, &day, same);
        let mut history: Vec<(Timestamp, i32)> = Vec::new();
        for tick in &ticks {
            let (current, desired) = (tick.given.current, tick.plan.desired);
            if history.is_empty() {
                history.push((Timestamp::MIN, current));
            }
            if let Some(behavior) = &spec.hpa.behavior {
                let most = allowed(&behavior.up, true, &history, current, tick.now).max(current);
                let least = allowed(&behavior.down, false, &history, current, tick.now).min(current);
                prop_assert!((least..=most).contains(&desired), "{current} → {desired}, {least}..{most}: {:?}", tick.plan);
            } else {
                prop_assert!(desired <= (2 * current).max(4), "{:?}", tick.plan);
            }
            if desired != current {
                history.push((tick.now, desired));
            }
        }
    }

    #[test]
    fn g7_missing_metrics_lower_nothing(spec in spec(), start in 1i32..30, day in day()) {
        for tick in play(&spec, start, &day, same) {
            if !matches!(tick.given.load, Signal::Fresh(_)) {
                prop_assert!(tick.plan.desired >= tick.given.current, "{:?}", tick.plan);
            }
        }
    }

    /// The same where the grid is dirty, the power is spent and the service calm: what lowers replicas on other days.
    #[test]
    fn g7_missing_metrics_lower_nothing_on_a_dirty_day(current in 1i32..=20, stale in prop::option::of(1i64..9000), room in 0.0f64..900.0) {
        let mut spec = PlanSpec::of(hpa());
        (spec.hpa.min, spec.hpa.max) = (1, 20);
        (spec.latency, spec.carbon, spec.power) = (Some(latency()), Some(carbon()), Some(power()));
        let mut given = Given::load(current, 10);
        given.intensity = Signal::Fresh(grams(650.0));
        given.room = Signal::Fresh(watts(room));
        given.load = stale.map_or(Signal::Absent, |age| Signal::Stale(secs(age)));
        // A wish of long ago, so that no window holds what there is.
        let mut memory = PlanMemory::default();
        memory.hpa.recommendations.push((at(-3599), 1));
        let plan = given.plan(&spec, &mut memory, at(0));
        prop_assert!(plan.desired >= current, "{plan:?}");
    }

    #[test]
    fn g7_missing_latency_lowers_nothing_below_other_ceilings(mut spec in spec(), start in 1i32..30, day in day()) {
        spec.latency = Some(latency());
        spec.power = None;
        spec.schedule = Schedule::default();
        for tick in play(&spec, start, &day, same) {
            if !matches!((tick.given.latency, tick.given.queue_age), (Signal::Fresh(_), Signal::Fresh(_))) {
                prop_assert!(tick.plan.desired >= tick.given.current, "{:?}", tick.plan);
            }
        }
    }

    #[test]
    fn g7_no_autoscaler_is_fought(spec in spec(), start in 1i32..30, day in day()) {
        for tick in play(&spec, start, &day, same) {
            let refused = Action::Refused(Refusal::AnotherAutoscaler);
            prop_assert_eq!(tick.plan.action(Mode::Apply, true), refused);
            let scales = matches!(tick.plan.action(Mode::Bound, true), Action::Scale { .. });
            prop_assert!(!scales);
            prop_assert_eq!(tick.plan.action(Mode::Bound, false), Action::Refused(Refusal::NoAutoscaler));
        }
    }

    #[test]
    fn more_load_never_yields_fewer_replicas(
        spec in spec(), start in 1i32..30, day in day(), more in 0i64..100, longer in 0i64..900,
    ) {
        for tick in play(&spec, start, &day, same) {
            let plan = |given: &Given| given.plan(&spec, &mut tick.before.clone(), tick.now).desired;
            let mut heavier = tick.given.clone();
            if let Signal::Fresh(load) = &mut heavier.load {
                *load += more;
            }
            for time in [&mut heavier.latency, &mut heavier.queue_age] {
                if let Signal::Fresh(time) = time {
                    *time += SignedDuration::from_millis(longer * 30);
                }
            }
            prop_assert!(plan(&heavier) >= plan(&tick.given), "{:?} and {:?}", tick.given, heavier);
        }
    }

    #[test]
    fn a_strained_service_is_never_worse_off_for_carbon(spec in spec(), start in 1i32..30, day in day()) {
        let without = PlanSpec { carbon: None, prewarm: None, ..spec.clone() };
        for tick in play(&spec, start, &day, same) {
            let strained = |limit: f64, time: Signal<SignedDuration>| time.fresh().is_none_or(|time| time.as_secs_f64() >= limit);
            if strained(0.4, tick.given.latency) || strained(24.0, tick.given.queue_age) {
                let plan = |spec: &PlanSpec| tick.given.plan(spec, &mut tick.before.clone(), tick.now).desired;
                prop_assert!(plan(&spec) >= plan(&without), "{:?}", tick.plan);
            }
        }
    }

    #[test]
    fn a_restart_at_any_moment_changes_no_plan(spec in spec(), start in 1i32..30, day in day()) {
        let restarted = |memory: PlanMemory| -> PlanMemory {
            serde_json::from_str(&serde_json::to_string(&memory).unwrap()).unwrap()
        };
        let (once, again) = (play(&spec, start, &day, same), play(&spec, start, &day, restarted));
        for (once, again) in once.iter().zip(&again) {
            prop_assert_eq!(&once.plan, &again.plan);
        }
    }

    #[test]
    fn the_memory_holds_extremes_and_events_only(spec in spec(), start in 1i32..30, day in day()) {
        let span = usize::try_from(spec.hpa.max - spec.hpa.min + 1).unwrap();
        for tick in play(&spec, start, &day, same) {
            // Suffix minima and maxima over wishes, which steps may carry beyond the bounds by a few.
            prop_assert!(tick.before.hpa.recommendations.len() <= 2 * (span + 30));
            // So many of each direction.
            prop_assert!(tick.before.hpa.events.len() <= 2 * (120 / 15 + 2));
        }
    }

    /// The arithmetic of the HorizontalPodAutoscaler is untouched, and what the memory drops decides nothing.
    #[test]
    fn without_rules_the_plan_is_the_autoscalers(
        spec in spec(), start in 1i32..30, day in day(),
        version in prop_oneof![Just(HpaVersion::UpTo132), Just(HpaVersion::From133), Just(HpaVersion::From137)],
    ) {
        let mut spec = PlanSpec::of(spec.hpa);
        spec.hpa.version = version;
        let day: Vec<Given> = day.into_iter().map(|given| Given { forecast: None, ..given }).collect();
        let mut memory = Memory::default();
        for tick in play(&spec, start, &day, same) {
            let reading = match tick.given.load {
                Signal::Fresh(load) => MetricReading::Values(vec![load * 1000]),
                Signal::Absent | Signal::Stale(_) => MetricReading::Failed,
            };
            let current = tick.given.current;
            let seen = Observation { spec_replicas: current, status_replicas: current, pods: Vec::new(), readings: vec![reading] };
            let theirs = decide(&spec.hpa, &seen, Timing::default(), &mut memory, tick.now).desired(current);
            prop_assert_eq!(tick.plan.desired, theirs);
            if tick.plan.desired != current {
                memory.scaled(spec.hpa.behavior.as_ref(), (current, tick.plan.desired), tick.now);
            }
        }
    }
}
