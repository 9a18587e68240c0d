use super::memory::PlanMemory;
use super::reason::Reason;
use super::seen::Seen;
use super::spec::PlanSpec;
use super::stages::Draft;
use super::step::{Stage, Step};
use crate::rightsizing::hpa::{self, Outcome, Replicas};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What holds of the replicas whatever the metrics ask for: what mode `bound` gives to another autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// At least so many: `minReplicas`, schedule, forecast, latency, pre-warming.
    pub floor: Replicas,
    /// At most so many: `maxReplicas`, schedule, carbon, power.
    pub ceiling: Replicas,
}

/// How many replicas there should be, and how that came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How many there are.
    pub current: Replicas,
    /// How many there should be.
    pub desired: Replicas,
    /// What holds apart from metrics.
    pub bounds: Bounds,
    /// Every step, in order.
    pub steps: SmallVec<[Step; Stage::ALL.len()]>,
}

/// Makes the plan, and takes into the memory what the next one needs. Whoever carries the change out tells the memory so
/// with [`PlanMemory::scaled`].
#[must_use]
pub fn plan(spec: &PlanSpec, seen: &Seen<'_>, memory: &mut PlanMemory, now: Timestamp) -> Plan {
    let current = seen.target.spec_replicas;
    if let Some(outcome) = hpa::gate(&spec.hpa, current, &mut memory.hpa, now) {
        return gated(spec, current, &outcome);
    }
    let mut draft = Draft::new(spec, seen, now);
    draft.metrics();
    draft.schedule();
    draft.forecast();
    let health = draft.latency(&mut memory.stepped);
    let unbound = draft.carbon(health, &mut memory.carbon);
    draft.power();
    draft.prewarm(unbound, memory.carbon.dirty);
    draft.settle(&mut memory.hpa);
    memory.compact(&spec.hpa, now);
    draft.done()
}

/// Outside of the bounds, or switched off: the metrics are not looked at.
fn gated(spec: &PlanSpec, current: Replicas, outcome: &Outcome) -> Plan {
    let desired = outcome.desired(current);
    let (stage, reason) = match outcome {
        Outcome::AboveMax(_) => (Stage::Limits, Reason::AboveMax),
        Outcome::BelowMin(_) => (Stage::Limits, Reason::BelowMin),
        _ => (Stage::Metrics, Reason::Disabled),
    };
    let mut steps = SmallVec::new();
    steps.push(Step {
        stage,
        replicas: desired,
        reason,
    });
    Plan {
        current,
        desired,
        bounds: Bounds {
            floor: spec.hpa.min,
            ceiling: spec.hpa.max,
        },
        steps,
    }
}

impl Plan {
    /// The step of a stage.
    #[must_use]
    pub fn step(&self, stage: Stage) -> Option<&Step> {
        self.steps.iter().find(|step| step.stage == stage)
    }
}
