use super::spec::PlanSpec;
use crate::rightsizing::carbon::{Ceiling, Trigger};
use crate::rightsizing::latency::StepSize;
use crate::rightsizing::schedule::Effect;
use jiff::SignedDuration;
use serde::Serialize;
use std::fmt;

/// Something in a spec that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanProblem {
    /// Where, as a path of keys.
    pub key: String,
    /// What, and what to do.
    pub what: &'static str,
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// More entries than this are not looked through every few seconds.
const MAX_ENTRIES: usize = 64;
/// No event makes more of a load than this.
const MAX_FACTOR: f64 = 100.0;
/// Ramps are no longer than half a day, or those of following days would meet.
const MAX_RAMP: SignedDuration = SignedDuration::from_hours(12);

impl PlanSpec {
    /// Everything that is wrong, all at once.
    #[must_use]
    pub fn problems(&self) -> Vec<PlanProblem> {
        let mut found = Found(Vec::new());
        found.when(self.hpa.min < 0, "minReplicas", "must not be negative");
        found.when(
            self.hpa.max < self.hpa.min.max(1),
            "maxReplicas",
            "must be at least 1 and minReplicas",
        );
        self.schedule_problems(&mut found);
        self.latency_problems(&mut found);
        self.carbon_problems(&mut found);
        if let Some(prewarm) = &self.prewarm {
            found.when(
                self.carbon.is_none(),
                "prewarm",
                "needs a carbon rule, whose end it goes before",
            );
            found.when(
                !prewarm.lead.is_positive(),
                "prewarm.lead",
                "must be longer than nothing",
            );
        }
        found.0
    }

    fn schedule_problems(&self, found: &mut Found) {
        let (levels, events) = (&self.schedule.levels, &self.schedule.events);
        found.when(
            levels.len() > MAX_ENTRIES,
            "schedule.levels",
            "must not have more than 64 entries",
        );
        found.when(
            events.len() > MAX_ENTRIES,
            "schedule.events",
            "must not have more than 64 entries",
        );
        let outside = |ramp: SignedDuration| ramp.is_negative() || ramp > MAX_RAMP;
        for (ix, level) in levels.iter().enumerate() {
            let key = |key: &str| format!("schedule.levels[{ix}].{key}");
            found.when(level.days.is_empty(), key("days"), "must name a day");
            found.when(
                level.min.is_none() && level.max.is_none(),
                key("min"),
                "set min, max or both",
            );
            found.when(
                level.min.is_some_and(i32::is_negative),
                key("min"),
                "must not be negative",
            );
            let crossed = level.min.zip(level.max).is_some_and(|(min, max)| max < min);
            found.when(
                crossed || level.max.is_some_and(i32::is_negative),
                key("max"),
                "must be at least 0 and min",
            );
            found.when(outside(level.ramp), key("ramp"), "must be between nothing and 12 h");
        }
        for (ix, event) in events.iter().enumerate() {
            let key = |key: &str| format!("schedule.events[{ix}].{key}");
            found.when(event.until <= event.from, key("until"), "must be after from");
            found.when(outside(event.ramp), key("ramp"), "must be between nothing and 12 h");
            match event.effect {
                Effect::Factor(factor) => {
                    let allowed = (1.0..=MAX_FACTOR).contains(&factor);
                    found.when(!allowed, key("factor"), "must be between 1 and 100");
                }
                Effect::Replicas(replicas) => found.when(replicas < 0, key("replicas"), "must not be negative"),
            }
        }
    }

    fn latency_problems(&self, found: &mut Found) {
        let Some(rule) = &self.latency else { return };
        let none = rule.latency.is_none() && rule.queue_age.is_none();
        found.when(none, "latency", "set a limit of latency, of queueAge, or both");
        for (key, objective) in [("latency.latency", rule.latency), ("latency.queueAge", rule.queue_age)] {
            let zero = objective.is_some_and(|objective| !objective.limit.is_positive());
            found.when(zero, format!("{key}.limit"), "must be longer than nothing");
        }
        let (StepSize::Pods(step) | StepSize::Percent(step)) = rule.step;
        found.when(step < 1, "latency.step", "must be at least 1");
        found.when(rule.every.is_negative(), "latency.every", "must not be negative");
    }

    fn carbon_problems(&self, found: &mut Found) {
        let Some(rule) = &self.carbon else { return };
        let silent = self.latency.is_none();
        found.when(
            silent,
            "carbon",
            "needs a latency rule: the bound must know what it yields to",
        );
        found.when(rule.rest.is_negative(), "carbon.rest", "must not be negative");
        if let Ceiling::Replicas(replicas) = rule.ceiling {
            found.when(replicas < 0, "carbon.ceiling", "must not be negative");
        }
        let crossed = match rule.when {
            Trigger::Above { enter, leave } => leave > enter,
            Trigger::Saving {
                enter,
                leave,
                ahead,
                stretch,
            } => {
                let none = !ahead.is_positive() || stretch.is_negative();
                found.when(none, "carbon.when.ahead", "must be longer than nothing");
                leave > enter
            }
        };
        found.when(
            crossed,
            "carbon.when.leave",
            "must not be beyond enter, or the bound comes and goes",
        );
    }
}

struct Found(Vec<PlanProblem>);

impl Found {
    fn when(&mut self, wrong: bool, key: impl Into<String>, what: &'static str) {
        if wrong {
            self.0.push(PlanProblem { key: key.into(), what });
        }
    }
}
