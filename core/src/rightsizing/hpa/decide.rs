use super::Replicas;
use super::combine::{Combined, combine};
use super::limit::{Limit, limit};
use super::memory::Memory;
use super::pods::{Pod, Timing};
use super::spec::{HpaSpec, Metric, MetricReading};
use super::stabilise::{Stabilised, stabilise};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the controller sees at one sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// `spec.replicas` of the target's scale.
    pub spec_replicas: Replicas,
    /// `status.replicas` of it.
    pub status_replicas: Replicas,
    /// The pods that its selector finds.
    pub pods: Vec<Pod>,
    /// One for each metric of the spec, in their order.
    pub readings: Vec<MetricReading>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// The target has no replicas and was not scaled there by the autoscaler: it is left alone.
    Disabled,
    /// There are more than `maxReplicas`: these many, without a look at metrics.
    AboveMax(Replicas),
    /// There are fewer than `minReplicas`: likewise.
    BelowMin(Replicas),
    /// No metric gives a number, or one is missing and the others would scale down: nothing changes.
    Held(Combined),
    /// What the metrics ask for, held against the past and the bounds.
    Metrics {
        /// What they ask for.
        combined: Combined,
        /// What recent recommendations made of that.
        stabilised: (Replicas, Stabilised),
        /// What bounds made of that.
        limited: (Replicas, Limit),
        /// The replicas that there should be.
        desired: Replicas,
    },
}

impl Outcome {
    /// How many replicas there should be, given how many there are.
    #[must_use]
    pub fn desired(&self, current: Replicas) -> Replicas {
        match self {
            Self::Disabled | Self::Held(_) => current,
            Self::AboveMax(replicas) | Self::BelowMin(replicas) => *replicas,
            Self::Metrics { desired, .. } => *desired,
        }
    }
}

/// Decides, and takes the recommendation into the memory. Whoever carries the change out tells the memory so with
/// [`Memory::scaled`].
#[must_use]
pub fn decide(spec: &HpaSpec, seen: &Observation, timing: Timing, memory: &mut Memory, now: Timestamp) -> Outcome {
    let current = seen.spec_replicas;
    if let Some(outcome) = gate(spec, current, memory, now) {
        return outcome;
    }
    let replicas = (current, seen.status_replicas);
    let readings = seen.readings.iter().map(Some);
    let combined = combine(spec, readings, &seen.pods, replicas, timing, now);
    let Some(wanted) = combined.replicas else {
        return Outcome::Held(combined);
    };
    let stabilised = stabilise(spec, memory, (current, wanted), now);
    let (limited, desired) = limited(spec, memory, (current, stabilised.0), now);
    Outcome::Metrics {
        combined,
        stabilised,
        limited,
        desired,
    }
}

/// What is decided without a look at metrics, where anything is.
pub fn gate(spec: &HpaSpec, current: Replicas, memory: &mut Memory, now: Timestamp) -> Option<Outcome> {
    memory.begin(current, now);
    if current == 0 {
        let readable = spec.metrics.iter().copied().any(Metric::counts_without_replicas);
        let awaited = if spec.version.remembers_scaling_to_zero() {
            from_zero(spec, current, memory) && (spec.min != 0 || readable)
        } else {
            spec.min == 0
        };
        (!awaited).then_some(Outcome::Disabled)
    } else if current > spec.max {
        Some(Outcome::AboveMax(spec.max))
    } else if current < spec.min {
        Some(Outcome::BelowMin(spec.min))
    } else {
        None
    }
}

fn from_zero(spec: &HpaSpec, current: Replicas, memory: &Memory) -> bool {
    current == 0 && memory.scaled_to_zero && spec.version.remembers_scaling_to_zero()
}

/// What rates and bounds make of a recommendation, and the replicas that there should be.
#[must_use]
pub fn limited(
    spec: &HpaSpec,
    memory: &Memory,
    (current, wanted): (Replicas, Replicas),
    now: Timestamp,
) -> ((Replicas, Limit), Replicas) {
    let limited = limit(spec, memory, (current, wanted), now);
    // A minimum that was raised while there were no replicas counts again with the first of them.
    let desired = if from_zero(spec, current, memory) && spec.min != 0 {
        limited.0.max(spec.min)
    } else {
        limited.0
    };
    (limited, desired)
}
