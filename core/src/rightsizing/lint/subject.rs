use serde::{Deserialize, Serialize};

/// Where an autoscaler takes a metric from: `type` of `autoscaling/v2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricKind {
    /// CPU or memory of pods.
    Resource,
    /// CPU or memory of one container of each pod.
    ContainerResource,
    /// A custom metric of each pod.
    Pods,
    /// A custom metric of one object.
    Object,
    /// A metric of nothing in the cluster.
    External,
}

/// What it should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// `averageUtilization`, per cent.
    Utilisation(i32),
    /// `averageValue`.
    AverageValue(f64),
    /// `value`.
    Value(f64),
}

impl Target {
    /// The value in the metric's own unit; nothing for a utilisation, which is of the pods' requests.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Utilisation(_) => None,
            Self::AverageValue(value) | Self::Value(value) => Some(value),
        }
    }
}

/// One metric that an autoscaler asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Where from.
    pub kind: MetricKind,
    /// Its name, or that of the resource.
    pub name: String,
    /// Names of the labels that select its series.
    #[serde(default)]
    pub labels: Vec<String>,
    /// What it should be.
    pub target: Target,
}

/// How an autoscaler is set, as far as faults are known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// `minReplicas`; 1 where it is not set.
    pub min: i32,
    /// `maxReplicas`.
    pub max: i32,
    /// `metrics`, in their order. None stands for CPU at 80 %, which the API server then fills in.
    pub metrics: Vec<Asked>,
    /// The larger of the tolerances that count, as a share.
    pub tolerance: f64,
    /// Seconds that a lower recommendation must stand before it counts.
    pub down_window: i32,
    /// Whether scaling down is disabled.
    pub down_disabled: bool,
    /// Whether scaling up is disabled.
    pub up_disabled: bool,
}
