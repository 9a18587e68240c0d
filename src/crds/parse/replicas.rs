//! Rates, windows and the schedule: what says how many, and how fast.

use super::DOWN_WINDOW;
use crate::crds::rules::{DayName, EventSpec, LevelSpec, ScheduleSpec};
use crate::settings::Problems;
use heliotrope_core::quantity::parse_amount;
use heliotrope_core::rightsizing::hpa::{Behavior, Policy, PolicyKind, Rules, Select};
use heliotrope_core::rightsizing::schedule::{ClockZone, Days, Effect, Event, Level, Schedule};
use jiff::SignedDuration;
use jiff::civil::Weekday;
use k8s_openapi::api::autoscaling::v2::{HPAScalingRules, HorizontalPodAutoscalerBehavior};

/// The API's own bounds.
const MAX_WINDOW: i32 = 3600;
const MAX_PERIOD: i32 = 1800;
const MAX_RAMP: SignedDuration = SignedDuration::from_hours(12);

/// `behavior` with what the API server fills in; none where it is not set.
pub(super) fn behavior(told: Option<&HorizontalPodAutoscalerBehavior>, problems: &mut Problems) -> Option<Behavior> {
    let told = told?;
    let mut filled = Behavior::filled(DOWN_WINDOW);
    for (key, told, rules) in [
        ("scaleUp", &told.scale_up, &mut filled.up),
        ("scaleDown", &told.scale_down, &mut filled.down),
    ] {
        if let Some(told) = told {
            problems.within(key, |problems| overrule(rules, told, problems));
        }
    }
    Some(filled)
}

fn overrule(rules: &mut Rules, told: &HPAScalingRules, problems: &mut Problems) {
    if let Some(window) = told.stabilization_window_seconds {
        if !(0..=MAX_WINDOW).contains(&window) {
            problems.report("stabilizationWindowSeconds", "must be from 0 to 3600");
        }
        rules.window = window;
    }
    match told.select_policy.as_deref() {
        None => {}
        Some("Max") => rules.select = Select::Max,
        Some("Min") => rules.select = Select::Min,
        Some("Disabled") => rules.select = Select::Disabled,
        Some(_) => problems.report("selectPolicy", "must be Max, Min or Disabled"),
    }
    if let Some(tolerance) = &told.tolerance {
        match parse_amount(&tolerance.0) {
            Some(share) => rules.tolerance = Some(share),
            None => problems.report("tolerance", "must be a share such as 0.05"),
        }
    }
    let Some(policies) = &told.policies else { return };
    if policies.is_empty() {
        problems.report("policies", "must have one, or not be set");
    }
    rules.policies.clear();
    for (ix, policy) in policies.iter().enumerate() {
        problems.within(format_args!("policies[{ix}]"), |problems| {
            let kind = match policy.type_.as_str() {
                "Pods" => PolicyKind::Pods,
                "Percent" => PolicyKind::Percent,
                _ => {
                    problems.report("type", "must be Pods or Percent");
                    return;
                }
            };
            if policy.value < 1 {
                problems.report("value", "must be at least 1");
            }
            if !(1..=MAX_PERIOD).contains(&policy.period_seconds) {
                problems.report("periodSeconds", "must be from 1 to 1800");
            }
            rules.policies.push(Policy {
                kind,
                value: policy.value,
                period: policy.period_seconds,
            });
        });
    }
}

/// The schedule; empty where there is none.
pub(super) fn schedule(told: Option<&ScheduleSpec>, problems: &mut Problems) -> Schedule {
    let Some(told) = told else {
        return Schedule::default();
    };
    problems.within("schedule", |problems| {
        let levels =
            told.levels.iter().enumerate().filter_map(|(ix, told)| {
                problems.within(format_args!("levels[{ix}]"), |problems| level(told, problems))
            });
        let levels = levels.collect();
        let events =
            told.events.iter().enumerate().filter_map(|(ix, told)| {
                problems.within(format_args!("events[{ix}]"), |problems| event(told, problems))
            });
        Schedule {
            levels,
            events: events.collect(),
        }
    })
}

fn level(told: &LevelSpec, problems: &mut Problems) -> Option<Level> {
    let from = text(problems, "from", &told.from, "must be a time of day such as 08:00");
    let until = text(problems, "until", &told.until, "must be a time of day such as 18:00");
    let zone = zone(problems, &told.time_zone);
    let days: Vec<Weekday> = told.days.iter().map(|day| weekday(*day)).collect();
    Some(Level {
        days: Days::of(&days),
        from: from?,
        until: until?,
        zone: zone?,
        min: told.min_replicas,
        max: told.max_replicas,
        ramp: ramp(problems, told.ramp.as_deref()),
    })
}

fn event(told: &EventSpec, problems: &mut Problems) -> Option<Event> {
    const DATE: &str = "must be a date and a time such as 2026-12-24T18:00";
    let from = text(problems, "from", &told.from, DATE);
    let until = text(problems, "until", &told.until, DATE);
    let zone = zone(problems, &told.time_zone);
    let effect = match (told.factor, told.replicas) {
        (Some(factor), None) => Some(Effect::Factor(factor)),
        (None, Some(replicas)) => Some(Effect::Replicas(replicas)),
        _ => {
            problems.report("", "set factor or replicas");
            None
        }
    };
    Some(Event {
        from: from?,
        until: until?,
        zone: zone?,
        effect: effect?,
        ramp: ramp(problems, told.ramp.as_deref()),
    })
}

fn text<T: std::str::FromStr>(problems: &mut Problems, key: &str, told: &str, what: &str) -> Option<T> {
    let read = told.parse().ok();
    if read.is_none() {
        problems.report(key, what);
    }
    read
}

fn zone(problems: &mut Problems, told: &str) -> Option<ClockZone> {
    told.parse().map_err(|error| problems.report("timeZone", error)).ok()
}

fn ramp(problems: &mut Problems, told: Option<&str>) -> SignedDuration {
    problems.duration("ramp", told, SignedDuration::ZERO, SignedDuration::ZERO..=MAX_RAMP)
}

fn weekday(day: DayName) -> Weekday {
    match day {
        DayName::Mon => Weekday::Monday,
        DayName::Tue => Weekday::Tuesday,
        DayName::Wed => Weekday::Wednesday,
        DayName::Thu => Weekday::Thursday,
        DayName::Fri => Weekday::Friday,
        DayName::Sat => Weekday::Saturday,
        DayName::Sun => Weekday::Sunday,
    }
}
