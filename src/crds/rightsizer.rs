use super::rules::{
    CarbonSpec, DeletionCostSpec, LatencySpec, MetricSourceSpec, PowerSpec, PrewarmSpec, ScheduleSpec,
};
use super::schema;
use super::status::RightsizerStatus;
use heliotrope_core::rightsizing::TargetRef;
use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerBehavior, MetricSpec};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many replicas a workload should have, and what Heliotrope may do about it. `metrics` and `behavior` are those of
/// a HorizontalPodAutoscaler of autoscaling/v2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "heliotrope.dev",
    version = "v1alpha1",
    kind = "Rightsizer",
    doc = "How many replicas a workload should have, and what Heliotrope may do about it.",
    plural = "rightsizers",
    shortname = "rs8r",
    namespaced,
    status = "RightsizerStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name": "Target", "type": "string", "jsonPath": ".spec.scaleTargetRef.name"}"#,
    printcolumn = r#"{"name": "Mode", "type": "string", "jsonPath": ".spec.mode"}"#,
    printcolumn = r#"{"name": "Min", "type": "integer", "jsonPath": ".spec.minReplicas"}"#,
    printcolumn = r#"{"name": "Max", "type": "integer", "jsonPath": ".spec.maxReplicas"}"#,
    printcolumn = r#"{"name": "Replicas", "type": "integer", "jsonPath": ".status.currentReplicas"}"#,
    printcolumn = r#"{"name": "Desired", "type": "integer", "jsonPath": ".status.desiredReplicas"}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("self.minReplicas <= self.maxReplicas", "minReplicas must not be above maxReplicas"),
    validation = ("!has(self.carbon) || has(self.latency)", "carbon needs latency: the bound must know what it yields to"),
    validation = ("!has(self.prewarm) || has(self.carbon)", "prewarm needs carbon, whose end it goes before"),
    validation = ("!has(self.metrics) || self.metrics.all(m, m.type in ['Resource', 'ContainerResource', 'Pods', 'Object', 'External'])", "a metric's type must be Resource, ContainerResource, Pods, Object or External")
)]
pub struct RightsizerSpec {
    /// What is scaled: anything with the subresource scale.
    pub scale_target_ref: ScaleTargetRef,
    /// What may be done with the plan.
    #[serde(default)]
    pub mode: ModeName,
    /// Whose HorizontalPodAutoscaler arithmetic `metrics` and `behavior` follow, by the server's minor version.
    #[serde(default)]
    pub compatibility: Compatibility,
    /// At least so many replicas.
    #[serde(default = "one")]
    #[schemars(range(min = 0))]
    pub min_replicas: i32,
    /// At most so many replicas.
    #[schemars(range(min = 1))]
    pub max_replicas: i32,
    /// As of a HorizontalPodAutoscaler of autoscaling/v2. Without any the plan starts from `minReplicas`.
    #[serde(default, deserialize_with = "schema::metrics", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub metrics: Vec<MetricSpec>,
    /// As of a HorizontalPodAutoscaler of autoscaling/v2.
    #[serde(
        default,
        deserialize_with = "schema::behavior",
        skip_serializing_if = "Option::is_none"
    )]
    pub behavior: Option<HorizontalPodAutoscalerBehavior>,
    /// Where metrics are read, by their names. Those that are not named here are read through the Kubernetes metrics APIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub sources: Vec<MetricSourceSpec>,
    /// The clock and the calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleSpec>,
    /// What requests should not take longer than: a veto on the way down and a step on the way up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencySpec>,
    /// Fewer replicas while the grid is dirty, unless the service suffers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carbon: Option<CarbonSpec>,
    /// What the replicas may draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<PowerSpec>,
    /// Replicas that are ready when the grid turns clean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prewarm: Option<PrewarmSpec>,
    /// Which replicas go first. Written as `controller.kubernetes.io/pod-deletion-cost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_cost: Option<DeletionCostSpec>,
}

/// What is scaled, in the namespace of the Rightsizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleTargetRef {
    /// Such as `apps/v1`.
    #[schemars(length(min = 1, max = 317))]
    pub api_version: String,
    /// Such as `Deployment`.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl From<&ScaleTargetRef> for TargetRef {
    fn from(told: &ScaleTargetRef) -> Self {
        Self {
            api_version: told.api_version.clone(),
            kind: told.kind.clone(),
            name: told.name.clone(),
        }
    }
}

/// What may be done with the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ModeName {
    /// Nothing is written but the status.
    #[default]
    Recommend,
    /// The replicas of the target are set.
    Apply,
    /// The bounds of the HorizontalPodAutoscaler or ScaledObject of the target are set, and given back at the end.
    Bound,
}

/// Server versions that compute differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Compatibility {
    /// Up to 1.32.
    #[serde(rename = "1.32")]
    UpTo132,
    /// 1.33 to 1.36.
    #[serde(rename = "1.33")]
    From133,
    /// From 1.37.
    #[default]
    #[serde(rename = "1.37")]
    From137,
}

fn one() -> i32 {
    1
}
