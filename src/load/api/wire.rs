//! The lists as the APIs write them, and no more of them than is used.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A list; one without items is written with `null`.
#[derive(Deserialize)]
pub(super) struct List<T> {
    items: Option<Vec<T>>,
}

impl<T> List<T> {
    pub(super) fn items(self) -> Vec<T> {
        self.items.unwrap_or_default()
    }
}

/// `PodMetrics` of `metrics.k8s.io/v1beta1`.
#[derive(Deserialize)]
pub(super) struct PodMetrics {
    pub(super) metadata: Named,
    pub(super) timestamp: Option<Timestamp>,
    #[serde(default)]
    window: String,
    #[serde(default)]
    pub(super) containers: Vec<ContainerMetrics>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct ContainerMetrics {
    pub(super) name: String,
    #[serde(default)]
    pub(super) usage: BTreeMap<String, String>,
}

impl PodMetrics {
    /// Over how long it was taken; nothing where that cannot be read.
    pub(super) fn window(&self) -> SignedDuration {
        self.window.parse().unwrap_or_default()
    }
}

/// `MetricValue` of `custom.metrics.k8s.io`, of both versions. The window is `windowSeconds` in v1beta2 and `window` in
/// v1beta1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricValue {
    pub(super) described_object: Named,
    pub(super) timestamp: Option<Timestamp>,
    window_seconds: Option<i64>,
    window: Option<i64>,
    pub(super) value: String,
}

impl MetricValue {
    /// Over how long it was taken. A minute where it is not said, as the autoscaler's controller has it.
    pub(super) fn window(&self) -> SignedDuration {
        SignedDuration::from_secs(self.window_seconds.or(self.window).unwrap_or(60))
    }
}

/// `ExternalMetricValue` of `external.metrics.k8s.io/v1beta1`. Its window, which is called `window` here, is of no use: the
/// arithmetic has none for totals.
#[derive(Deserialize)]
pub(super) struct ExternalMetricValue {
    pub(super) timestamp: Option<Timestamp>,
    pub(super) value: String,
}

/// `APIGroup`: the versions of a group.
#[derive(Deserialize)]
pub(super) struct ApiGroup {
    #[serde(default)]
    pub(super) versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
pub(super) struct GroupVersion {
    pub(super) version: String,
}

/// `APIResourceList`: the kinds of a group and version.
#[derive(Deserialize)]
pub(super) struct ApiResources {
    #[serde(default)]
    pub(super) resources: Vec<ApiResource>,
}

#[derive(Deserialize)]
pub(super) struct ApiResource {
    pub(super) name: String,
    pub(super) kind: String,
}
