//! Latency, carbon, power and pre-warming.

use super::metrics::prometheus;
use crate::crds::rules::{CarbonSpec, LatencySpec, ObjectiveSpec, PowerSpec, PrewarmSpec};
use crate::settings::Problems;
use heliotrope_core::grid::ZoneId;
use heliotrope_core::quantity::{GramsPerKwh, Ratio, Watts};
use heliotrope_core::rightsizing::{
    CarbonRule, Ceiling, LatencyRule, Objective, PowerRule, PrewarmRule, PromQuery, StepSize, Trigger,
};
use jiff::SignedDuration;

/// From this share of a limit on nothing is taken away, unless told: `calmPercent`.
pub const CALM_PERCENT: i32 = 70;
/// The least time between two steps, unless told.
const EVERY: SignedDuration = SignedDuration::from_mins(1);
/// How long the carbon bound rests after the service was strained, unless told.
const REST: SignedDuration = SignedDuration::from_mins(10);
/// How long a better time must last, unless told.
const STRETCH: SignedDuration = SignedDuration::from_hours(1);
/// No time in a spec is longer than a week.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
const SHORTEST: SignedDuration = SignedDuration::from_millis(1);

type Latency = (Option<LatencyRule>, Option<PromQuery>, Option<PromQuery>);

/// The rule, and where response time and queue age are read.
pub(super) fn latency(told: Option<&LatencySpec>, problems: &mut Problems) -> Latency {
    let Some(told) = told else {
        return (None, None, None);
    };
    problems.within("latency", |problems| {
        let (response, from) = objective("response", told.response.as_ref(), problems).unzip();
        let (queue_age, of_queue) = objective("queueAge", told.queue_age.as_ref(), problems).unzip();
        let step = match (told.step_pods, told.step_percent) {
            (Some(pods), None) => StepSize::Pods(pods),
            (None, Some(percent)) => StepSize::Percent(percent),
            _ => {
                problems.report("", "set stepPods or stepPercent");
                StepSize::Pods(1)
            }
        };
        let rule = LatencyRule {
            latency: response,
            queue_age,
            step,
            every: problems.duration("every", told.every.as_deref(), EVERY, SignedDuration::ZERO..=LONGEST),
        };
        (Some(rule), from, of_queue)
    })
}

fn objective(key: &str, told: Option<&ObjectiveSpec>, problems: &mut Problems) -> Option<(Objective, PromQuery)> {
    let told = told?;
    problems.within(key, |problems| {
        let limit = problems.duration("limit", Some(&told.limit), EVERY, SHORTEST..=LONGEST);
        let calm = percent("calmPercent", told.calm_percent.unwrap_or(CALM_PERCENT), problems);
        if told.preset.as_ref().is_some_and(|preset| !preset.measure.is_latency()) {
            problems.report(
                "preset.measure",
                "must be a time: latency, firstToken, tokenLatency or queueTime",
            );
        }
        let ask = prometheus(told.preset.as_ref(), told.query.as_deref(), problems)?;
        Some((Objective { limit, calm }, ask))
    })
}

/// The rule, and the zone that is told.
pub(super) fn carbon(told: Option<&CarbonSpec>, problems: &mut Problems) -> (Option<CarbonRule>, Option<ZoneId>) {
    let Some(told) = told else {
        return (None, None);
    };
    problems.within("carbon", |problems| {
        let when = trigger(told, problems);
        let ceiling = match (told.max_replicas, told.max_percent) {
            (Some(replicas), None) => Some(Ceiling::Replicas(replicas)),
            (None, Some(share)) => Some(Ceiling::ShareOfMax(percent("maxPercent", share, problems))),
            _ => {
                problems.report("", "set maxReplicas or maxPercent");
                None
            }
        };
        let rest = problems.duration("rest", told.rest.as_deref(), REST, SignedDuration::ZERO..=LONGEST);
        let zone = told.zone.as_deref().and_then(|zone| {
            let read = zone.parse();
            read.map_err(|error| problems.report("zone", error)).ok()
        });
        let rule = when
            .zip(ceiling)
            .map(|(when, ceiling)| CarbonRule { when, ceiling, rest });
        (rule, zone)
    })
}

fn trigger(told: &CarbonSpec, problems: &mut Problems) -> Option<Trigger> {
    match (&told.above, &told.saving) {
        (Some(above), None) => problems.within("above", |problems| {
            let enter = problems.read("enter", Some(&above.enter), GramsPerKwh::ZERO);
            let leave = problems.read("leave", Some(&above.leave), GramsPerKwh::ZERO);
            Some(Trigger::Above { enter, leave })
        }),
        (None, Some(saving)) => problems.within("saving", |problems| {
            let stretch = saving.stretch.as_deref();
            Some(Trigger::Saving {
                enter: percent("enterPercent", saving.enter_percent, problems),
                leave: percent("leavePercent", saving.leave_percent, problems),
                ahead: problems.duration("ahead", Some(&saving.ahead), STRETCH, SHORTEST..=LONGEST),
                stretch: problems.duration("stretch", stretch, STRETCH, SignedDuration::ZERO..=LONGEST),
            })
        }),
        _ => {
            problems.report("", "set above or saving");
            None
        }
    }
}

fn percent(key: &str, value: i32, problems: &mut Problems) -> Ratio {
    problems.ratio(key, Some(f64::from(value) / 100.0), Ratio::ZERO)
}

/// The rule.
pub(super) fn power(told: Option<&PowerSpec>, problems: &mut Problems) -> Option<PowerRule> {
    let told = told?;
    problems.within("power", |problems| {
        let per_replica = problems.read("perReplica", Some(&told.per_replica), Watts::ZERO);
        let budget = told.budget.as_deref();
        let budget = budget.map(|text| problems.read("budget", Some(text), Watts::ZERO));
        Some(PowerRule { per_replica, budget })
    })
}

/// The rule.
pub(super) fn prewarm(told: Option<&PrewarmSpec>, problems: &mut Problems) -> Option<PrewarmRule> {
    let told = told?;
    problems.within("prewarm", |problems| {
        Some(PrewarmRule {
            lead: problems.duration("lead", Some(&told.lead), EVERY, SHORTEST..=LONGEST),
            replicas: told.replicas,
        })
    })
}
