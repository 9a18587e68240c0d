use super::behavior::Behavior;
use super::pods::Pod;
use super::tolerance::Tolerance;
use super::version::HpaVersion;
use super::{Milli, Replicas};
use serde::{Deserialize, Serialize};

/// What the average over pods should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AverageTarget {
    /// `averageUtilization`: per cent of what the pods request.
    Utilisation(i32),
    /// `averageValue`.
    Value(Milli),
}

/// What an object's or external metric should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TotalTarget {
    /// `value`: the metric itself.
    Value(Milli),
    /// `averageValue`: the metric divided by the replicas.
    AverageValue(Milli),
}

/// One entry of `spec.metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// `Resource` and `ContainerResource`.
    Resource {
        /// The target.
        target: AverageTarget,
        /// Whether the resource is CPU.
        of_cpu: bool,
    },
    /// `Pods`.
    Pods {
        /// `averageValue`.
        target: Milli,
    },
    /// `Object`.
    Object(TotalTarget),
    /// `External`.
    External(TotalTarget),
}

impl Metric {
    /// Whether it can be read while no replica runs.
    #[must_use]
    pub fn counts_without_replicas(self) -> bool {
        matches!(self, Self::Object(_) | Self::External(_))
    }
}

/// What was read of one metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MetricReading {
    /// The metrics API answered with an error, or with nothing.
    Failed,
    /// The pods of the target with their samples, for metrics of pods.
    Pods {
        /// The pods.
        pods: Vec<Pod>,
        /// Values of pods that are not (any more) among them.
        #[serde(default)]
        strays: Vec<Milli>,
    },
    /// The values of an object or of external series.
    Values(Vec<Milli>),
}

/// A HorizontalPodAutoscaler, with the flags of its controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HpaSpec {
    /// `minReplicas`; 1 where it is not set.
    pub min: Replicas,
    /// `maxReplicas`.
    pub max: Replicas,
    /// `metrics`, in their order.
    pub metrics: Vec<Metric>,
    /// `behavior`, with the API's defaults filled in; `None` where it is not set at all.
    pub behavior: Option<Behavior>,
    /// `--horizontal-pod-autoscaler-tolerance`.
    pub tolerance: Tolerance,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, in seconds.
    pub downscale_stabilisation: i32,
    /// Whose numbers.
    pub version: HpaVersion,
}

impl HpaSpec {
    /// The tolerance that counts: the behavior's own, where the version reads it.
    #[must_use]
    pub(super) fn tolerance(&self) -> Tolerance {
        let own = self.behavior.as_ref().filter(|_| self.version.reads_tolerances());
        Tolerance {
            down: own.and_then(|b| b.down.tolerance).unwrap_or(self.tolerance.down),
            up: own.and_then(|b| b.up.tolerance).unwrap_or(self.tolerance.up),
        }
    }
}
