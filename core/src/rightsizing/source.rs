use super::serving::{Measure, Server};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What Prometheus is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PromSource {
    /// A row of the table of serving metrics, for the pods of the target.
    Preset {
        /// Who exposes it.
        server: Server,
        /// What of it.
        measure: Measure,
        /// Which quantile, where it is a time of single requests: above 0, below 1.
        #[serde(default)]
        quantile: Option<f64>,
        /// Labels that the series must have.
        #[serde(default)]
        labels: BTreeMap<String, String>,
    },
    /// PromQL, as the rightsizer's owner wrote it.
    Query(String),
}

/// Where the value of one metric is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// `metrics.k8s.io`: a resource of pods, or of one container of each.
    Resource {
        /// `cpu` or `memory`.
        name: String,
        /// The container; none means the whole pod.
        container: Option<String>,
    },
    /// `custom.metrics.k8s.io`, for each pod of the target.
    Pods {
        /// The metric's name.
        metric: String,
        /// Its own label selector, as text.
        selector: Option<String>,
    },
    /// `custom.metrics.k8s.io`, for one object.
    Object {
        /// The object's `apiVersion`.
        api_version: String,
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// The metric's name.
        metric: String,
        /// Its own label selector, as text.
        selector: Option<String>,
    },
    /// `external.metrics.k8s.io`.
    External {
        /// The metric's name.
        metric: String,
        /// Its label selector, as text.
        selector: Option<String>,
    },
    /// Prometheus.
    Prometheus {
        /// What is asked.
        ask: PromSource,
        /// Whether a value for each pod is wanted (label `pod`) rather than one for all.
        per_pod: bool,
    },
}
