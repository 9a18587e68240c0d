//! What a Rightsizer adds to an autoscaler. Durations are texts such as `90s` or `1h 30m`, watts and intensities have
//! their unit beside them.

use heliotrope_core::rightsizing::serving::{Measure, Server};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a metric of `metrics` is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.preset) != has(self.query)", "set preset or query"))]
pub struct MetricSourceSpec {
    /// The name that a metric of type Pods, Object or External has in `metrics`.
    #[schemars(length(min = 1, max = 253))]
    pub metric: String,
    /// A metric of a known model server, by what it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<PresetSpec>,
    /// PromQL. For a metric of type Pods the answer must keep the label `pod`; for others all series are added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub query: Option<String>,
}

/// A metric of a known model server, of the pods of the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresetSpec {
    /// Who exposes it.
    #[schemars(with = "ServerName")]
    pub server: Server,
    /// What it is about.
    #[schemars(with = "MeasureName")]
    pub measure: Measure,
    /// Which quantile of a time, between 0 and 1: 0.99. Taken over the merged buckets of all pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
    /// Labels that the series must have besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 8))]
    pub labels: BTreeMap<String, String>,
}

/// The names of [`Server`], for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "core knows no schemas: a test holds these to its names")]
pub(super) enum ServerName {
    Vllm,
    Sglang,
    Triton,
    Tgi,
    LlamaCpp,
    Dcgm,
}

/// The names of [`Measure`], for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "core knows no schemas: a test holds these to its names")]
pub(super) enum MeasureName {
    QueueDepth,
    QueueTime,
    Concurrency,
    Requests,
    Latency,
    FirstToken,
    TokenLatency,
    KvCache,
    GpuMemory,
    GpuUtilisation,
}

/// The clock and the calendar.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleSpec {
    /// What comes every week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub levels: Vec<LevelSpec>,
    /// What comes once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub events: Vec<EventSpec>,
}

/// Bounds at certain hours of certain days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.minReplicas) || has(self.maxReplicas)", "set minReplicas, maxReplicas or both"))]
pub struct LevelSpec {
    /// On which days it begins.
    #[schemars(length(min = 1, max = 7))]
    pub days: Vec<DayName>,
    /// When it begins by the clock of `timeZone`: `08:00`.
    #[schemars(length(max = 8))]
    pub from: String,
    /// When it ends: on the same day where that is later than `from`, else on the next.
    #[schemars(length(max = 8))]
    pub until: String,
    /// An IANA name such as `Europe/Berlin`.
    #[schemars(length(max = 64))]
    pub time_zone: String,
    /// At least so many replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub min_replicas: Option<i32>,
    /// At most so many replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_replicas: Option<i32>,
    /// The floor rises evenly over this time before `from` and falls over it after `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub ramp: Option<String>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "days need none")]
pub enum DayName {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Something that happens once, such as a launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.factor) != has(self.replicas)", "set factor or replicas"))]
pub struct EventSpec {
    /// When it begins by the clock of `timeZone`: `2026-12-24T18:00`.
    #[schemars(length(max = 32))]
    pub from: String,
    /// When it ends.
    #[schemars(length(max = 32))]
    pub until: String,
    /// An IANA name such as `Europe/Berlin`.
    #[schemars(length(max = 64))]
    pub time_zone: String,
    /// So many times what the metrics ask for, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// At least so many replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i32>,
    /// The effect rises evenly over this time before `from` and falls over it after `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub ramp: Option<String>,
}

/// What requests should not take longer than.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.response) || has(self.queueAge)", "set response, queueAge or both"),
    validation = ("has(self.stepPods) != has(self.stepPercent)", "set stepPods or stepPercent")
)]
pub struct LatencySpec {
    /// A percentile of the response time, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ObjectiveSpec>,
    /// The age of the oldest request in the queue, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_age: Option<ObjectiveSpec>,
    /// So many replicas are added at the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub step_pods: Option<i32>,
    /// Per cent of the replicas that are added at the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub step_percent: Option<i32>,
    /// The least time between two steps: what was added must have had time to start. 60 s unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub every: Option<String>,
}

/// A time, how it is measured and what it should not exceed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.preset) != has(self.query)", "set preset or query"))]
pub struct ObjectiveSpec {
    /// At it, replicas are added.
    #[schemars(length(max = 32))]
    pub limit: String,
    /// From this share of the limit on nothing is taken away. 70 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub calm_percent: Option<i32>,
    /// A time that a known model server measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<PresetSpec>,
    /// PromQL whose one value is seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub query: Option<String>,
}

/// Fewer replicas while the grid is dirty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.above) != has(self.saving)", "set above or saving"),
    validation = ("has(self.maxReplicas) != has(self.maxPercent)", "set maxReplicas or maxPercent")
)]
pub struct CarbonSpec {
    /// Dirty by the intensity itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<AboveRule>,
    /// Dirty by what waiting would save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving: Option<SavingRule>,
    /// At most so many replicas while the grid is dirty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_replicas: Option<i32>,
    /// At most this share of `spec.maxReplicas` while the grid is dirty, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub max_percent: Option<i32>,
    /// How long the bound rests after the service was strained. 10 min unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub rest: Option<String>,
    /// The grid zone. Without it, that of the nodes on which most of the replicas run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub zone: Option<String>,
}

/// Dirty from one intensity on, clean again from another down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AboveRule {
    /// Dirty from here on: `300 g/kWh`.
    #[schemars(length(max = 32))]
    pub enter: String,
    /// Clean again from here down.
    #[schemars(length(max = 32))]
    pub leave: String,
}

/// Dirty while waiting would save this much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavingRule {
    /// Dirty when waiting saves at least this share.
    #[schemars(range(min = 0, max = 100))]
    pub enter_percent: i32,
    /// Clean again when it saves no more than this.
    #[schemars(range(min = 0, max = 100))]
    pub leave_percent: i32,
    /// How far ahead a better time may lie: as long as the work can wait.
    #[schemars(length(max = 32))]
    pub ahead: String,
    /// How long the better time must last. An hour unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub stretch: Option<String>,
}

/// What the replicas may draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PowerSpec {
    /// What one replica draws, where nobody measures it: `700 W`.
    #[schemars(length(max = 32))]
    pub per_replica: String,
    /// What all of them may draw together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub budget: Option<String>,
}

/// Replicas that start before the carbon bound is lifted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrewarmSpec {
    /// How long before: the time from the decision to a ready replica.
    #[schemars(length(max = 32))]
    pub lead: String,
    /// At least so many; without it as many as there would be without the bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i32>,
}

/// Which replicas go first: those whose node's power is dirtiest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionCostSpec {
    /// So many replicas stay in each topology zone while there are others to take.
    #[serde(default = "one")]
    #[schemars(range(min = 0))]
    pub min_per_zone: u32,
}

fn one() -> u32 {
    1
}
