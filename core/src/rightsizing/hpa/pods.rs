use super::Milli;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `status.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub enum PodPhase {
    /// Waiting for a node or its containers.
    Pending,
    /// Started.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Its node does not answer.
    Unknown,
}

/// The condition `Ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyCondition {
    /// `True`, `False`, or `None` for `Unknown`.
    pub ready: Option<bool>,
    /// `lastTransitionTime`.
    pub changed: Timestamp,
}

/// What a metrics API said of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The value.
    pub value: Milli,
    /// When the window ended.
    pub at: Timestamp,
    /// Over how long it was taken.
    pub window: SignedDuration,
}

/// A pod that the target's selector finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// `status.phase`.
    pub phase: PodPhase,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// The condition `Ready`, where there is one.
    pub ready: Option<ReadyCondition>,
    /// `status.startTime`.
    pub started: Option<Timestamp>,
    /// What it requests of the resource (or its one container), where the metric is a resource; `None` when a container
    /// requests nothing.
    pub request: Option<Milli>,
    /// Its sample of this metric.
    pub sample: Option<Sample>,
}

/// What a container requests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerRequests {
    /// Its name.
    pub container: String,
    /// Thousandths by resource: `cpu` in cores, `memory` in bytes.
    pub requests: BTreeMap<String, Milli>,
}

impl Pod {
    /// Whether it runs and is ready, as object and external metrics count.
    #[must_use]
    pub(super) fn serves(&self) -> bool {
        self.phase == PodPhase::Running && self.ready.is_some_and(|condition| condition.ready == Some(true))
    }
}

/// Flags of the controller about pods that just started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    pub cpu_initialization: SignedDuration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    pub initial_readiness: SignedDuration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            cpu_initialization: SignedDuration::from_mins(5),
            initial_readiness: SignedDuration::from_secs(30),
        }
    }
}

/// How a pod counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Its sample counts.
    Ready(Sample),
    /// It is there but its sample says nothing yet.
    Unready,
    /// It has no sample.
    Missing,
    /// It goes or failed: it does not count at all.
    Ignored,
}

/// Groups a pod. Only samples of CPU are doubted for a pod's youth: no other metric looks past `Pending`.
#[must_use]
pub fn group(pod: &Pod, of_cpu: bool, timing: Timing, now: Timestamp) -> Group {
    if pod.deleting || pod.phase == PodPhase::Failed {
        return Group::Ignored;
    }
    if pod.phase == PodPhase::Pending {
        return Group::Unready;
    }
    match pod.sample {
        None => Group::Missing,
        Some(sample) if of_cpu && !cpu_counts(pod, sample, timing, now) => Group::Unready,
        Some(sample) => Group::Ready(sample),
    }
}

fn cpu_counts(pod: &Pod, sample: Sample, timing: Timing, now: Timestamp) -> bool {
    let (Some(condition), Some(started)) = (pod.ready, pod.started) else {
        return false;
    };
    let not_ready = condition.ready == Some(false);
    // Differences instead of sums: no time that the API can hold overflows them, and they cost less.
    if now.duration_since(started) < timing.cpu_initialization {
        !not_ready && sample.at.duration_since(condition.changed) >= sample.window
    } else {
        let never_ready = condition.changed.duration_since(started) < timing.initial_readiness;
        !(not_ready && never_ready)
    }
}
