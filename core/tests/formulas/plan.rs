use super::page::Page;
use super::plan_world::{Given, at, carbon, grams, latency, power, ratio, unhurried, watts};
use heliotrope_core::rightsizing::plan::{PlanMemory, PlanSpec, Stage};
use heliotrope_core::rightsizing::schedule::{ClockZone, Days, Effect, Event, Level, Schedule};
use heliotrope_core::rightsizing::{Ceiling, Signal, StepSize, Trigger};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

fn schedule(page: &Page) -> Schedule {
    let local = |minutes: i64| at(minutes * 60).to_zoned(TimeZone::UTC).datetime();
    let ramp = SignedDuration::from_mins(page.whole("ramp").into());
    Schedule {
        levels: vec![Level {
            days: Days::ALL,
            from: local(15).time(),
            until: local(75).time(),
            zone: ClockZone::UTC,
            min: Some(i32::try_from(page.whole("level")).unwrap()),
            max: None,
            ramp,
        }],
        events: vec![Event {
            from: local(-60),
            until: local(60),
            zone: ClockZone::UTC,
            effect: Effect::Factor(page.given("factor")),
            ramp: SignedDuration::ZERO,
        }],
    }
}

fn given(page: &Page) -> Given {
    let whole = |key| i32::try_from(page.whole(key)).unwrap();
    assert_eq!(page.whole("each"), 10, "what the spec of the tests has");
    let mut given = Given::load(whole("current"), whole("load").into());
    given.room = Signal::Fresh(watts(page.given("room")));
    given.intensity = Signal::Fresh(grams(page.given("now")));
    given.ahead = vec![
        (at(1800), grams(page.given("ahead"))),
        (at(3600), grams(page.given("ahead"))),
    ];
    given
}

fn green_rules(page: &Page, spec: &mut PlanSpec, enter: f64) {
    let mut rule = carbon();
    rule.when = Trigger::Saving {
        enter: ratio(enter),
        leave: ratio(0.0),
        ahead: SignedDuration::from_hours(1),
        stretch: SignedDuration::from_mins(30),
    };
    rule.ceiling = Ceiling::ShareOfMax(ratio(page.given("ceiling")));
    spec.carbon = Some(rule);
}

#[test]
fn the_worked_example_of_the_plan_is_what_the_code_computes() {
    let page = Page::read("plan.md");
    let at_stage = |spec: &PlanSpec, given: &Given, stage: Stage| {
        let plan = given.plan(spec, &mut PlanMemory::default(), at(0));
        f64::from(plan.step(stage).unwrap().replicas)
    };
    let given = given(&page);
    let mut spec = unhurried();
    page.says("metrics", at_stage(&spec, &given, Stage::Metrics));

    spec.schedule = schedule(&page);
    let floor = spec.schedule.at(at(0), spec.hpa.min).floor.unwrap().0;
    page.says("floor", f64::from(floor));
    page.says("scheduled", at_stage(&spec, &given, Stage::Schedule));
    spec.power = Some(power());
    assert_eq!(spec.power.unwrap().per_replica, watts(page.given("watts")));
    page.says("powered", at_stage(&spec, &given, Stage::Power));

    let mut spec = unhurried();
    let mut rule = latency();
    rule.step = StepSize::Percent(i32::try_from(page.whole("step")).unwrap());
    let objective = rule.latency.as_mut().unwrap();
    objective.limit = SignedDuration::from_millis(page.whole("limit").into());
    objective.calm = ratio(page.given("calm"));
    spec.latency = Some(rule);
    let slow = |millis: f64| Given {
        latency: Signal::Fresh(SignedDuration::from_secs_f64(millis / 1000.0)),
        ..given.clone()
    };
    page.says("stepped", at_stage(&spec, &slow(page.given("limit")), Stage::Latency));

    green_rules(&page, &mut spec, page.given("enter"));
    page.says("green", at_stage(&spec, &given, Stage::Carbon));
    let strained = slow(page.given("limit") * page.given("calm"));
    page.says("yielded", at_stage(&spec, &strained, Stage::Carbon));
    // The saving is where the bound begins.
    let bound = |enter: f64| {
        let mut spec = spec.clone();
        green_rules(&page, &mut spec, enter);
        at_stage(&spec, &given, Stage::Carbon) < at_stage(&spec, &given, Stage::Latency)
    };
    let edge = (1..=100)
        .rev()
        .map(|percent| f64::from(percent) / 100.0)
        .find(|enter| bound(*enter));
    page.says("saving", edge.unwrap());
    page.close();
}
