use heliotrope_core::rightsizing::hpa::{Memory, ScaleEvent};
use heliotrope_core::rightsizing::plan::{CarbonMemory, PlanMemory, Step};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the controller last concluded, and all that it has to remember.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RightsizerStatus {
    /// The generation of the spec that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `AbleToScale`, `ScalingActive`, `ScalingLimited`, `Bounded`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// How many replicas there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<i32>,
    /// How many there should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<i32>,
    /// At least so many, apart from metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<i32>,
    /// At most so many, apart from metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<i32>,
    /// The plan, step by step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepStatus>,
    /// Window extrema and scale events: a restart forgets nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryStatus>,
    /// When the replicas were last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale_time: Option<Timestamp>,
    /// A change of the replicas that was begun and is not confirmed: it stands here before it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling: Option<ScalingStatus>,
    /// The autoscaler whose bounds are set, with the bounds it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounded: Option<BoundedStatus>,
}

/// What one step made of the number before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepStatus {
    /// Which one.
    pub stage: String,
    /// Replicas after it.
    pub replicas: i32,
    /// Why, in one word.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

/// What a plan has to know of those before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryStatus {
    /// Recommendations that a window can still see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recommendations: Vec<RecommendationStatus>,
    /// Changes that a rate can still see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ScaleEventStatus>,
    /// Whether it was Heliotrope that took the last replica away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub scaled_to_zero: bool,
    /// When latency last added replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stepped: Option<Timestamp>,
    /// Whether the grid was dirty.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dirty: bool,
    /// When the carbon bound last yielded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yielded: Option<Timestamp>,
}

/// A recommendation before windows and rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecommendationStatus {
    /// When.
    pub at: Timestamp,
    /// How many.
    pub replicas: i32,
}

/// A change of the replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleEventStatus {
    /// When.
    pub at: Timestamp,
    /// Replicas added, or removed where negative.
    pub change: i32,
}

/// A change of the replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingStatus {
    /// When it was begun; the scale event in `memory` has the same time.
    pub at: Timestamp,
    /// How many there were.
    pub from: i32,
    /// How many there are to be.
    pub to: i32,
}

/// Bounds of an autoscaler.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BoundsStatus {
    /// The minimum, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<i32>,
    /// The maximum, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i32>,
}

/// The autoscaler whose bounds are set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoundedStatus {
    /// Its `apiVersion`.
    pub api_version: String,
    /// `HorizontalPodAutoscaler` or `ScaledObject`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it had for a minimum; none where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<i32>,
    /// What it had for a maximum; none where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<i32>,
    /// What it is given.
    #[serde(default)]
    pub set: BoundsStatus,
    /// What it had when that was decided. Anything but these two is what somebody else has set since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<BoundsStatus>,
}

impl From<&Step> for StepStatus {
    fn from(step: &Step) -> Self {
        Self {
            stage: step.stage.name().to_owned(),
            replicas: step.replicas,
            reason: step.reason.name().to_owned(),
            message: step.reason.to_string(),
        }
    }
}

impl From<&PlanMemory> for MemoryStatus {
    fn from(memory: &PlanMemory) -> Self {
        let recommendations = memory.hpa.recommendations.iter();
        Self {
            recommendations: recommendations
                .map(|(at, replicas)| RecommendationStatus {
                    at: *at,
                    replicas: *replicas,
                })
                .collect(),
            events: memory
                .hpa
                .events
                .iter()
                .map(|event| ScaleEventStatus {
                    at: event.at,
                    change: event.change,
                })
                .collect(),
            scaled_to_zero: memory.hpa.scaled_to_zero,
            stepped: memory.stepped,
            dirty: memory.carbon.dirty,
            yielded: memory.carbon.yielded,
        }
    }
}

impl From<&MemoryStatus> for PlanMemory {
    fn from(status: &MemoryStatus) -> Self {
        let recommendations = status.recommendations.iter();
        Self {
            hpa: Memory {
                recommendations: recommendations.map(|kept| (kept.at, kept.replicas)).collect(),
                events: status
                    .events
                    .iter()
                    .map(|event| ScaleEvent {
                        at: event.at,
                        change: event.change,
                    })
                    .collect(),
                scaled_to_zero: status.scaled_to_zero,
            },
            stepped: status.stepped,
            carbon: CarbonMemory {
                dirty: status.dirty,
                yielded: status.yielded,
            },
        }
    }
}
