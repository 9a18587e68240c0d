//! The custom resources `heliotrope.dev/v1alpha1`.
//!
//! ```text
//! manifest or API server ─► Rightsizer (schema, CEL) ─► parse ─► Wanted (core's PlanSpec and where each metric is read)
//! core's Plan and memory ─► RightsizerStatus ─► API server
//! ```
//!
//! Owns the types, their schema with its rules ([`definitions`]), and how a spec becomes what core computes with: every
//! problem at once, with key paths. Objects come in as the API server or a file has them, checked values leave. Must never read
//! or write a cluster, and must take nothing in a spec on trust: whoever may create a Rightsizer wrote it.

mod parse;
#[expect(unreachable_pub, reason = "KubeSchema derives a private copy of each public type")]
mod rightsizer;
#[expect(unreachable_pub, reason = "KubeSchema derives a private copy of each public type")]
mod rules;
mod schema;
mod status;

pub use parse::{CALM_PERCENT, Wanted};
pub use rightsizer::{Compatibility, ModeName, Rightsizer, RightsizerSpec, ScaleTargetRef};
pub use rules::{
    AboveRule, CarbonSpec, DayName, DeletionCostSpec, EventSpec, LatencySpec, LevelSpec, MetricSourceSpec,
    ObjectiveSpec, PowerSpec, PresetSpec, PrewarmSpec, SavingRule, ScheduleSpec,
};
pub use schema::definitions;
pub use status::{BoundedStatus, BoundsStatus, MemoryStatus, RightsizerStatus, ScalingStatus, StepStatus};

/// Set to `true` on a Rightsizer, nothing but its status is written.
pub const PAUSED: &str = "heliotrope.dev/paused";
/// Held by a Rightsizer in mode bound until the other autoscaler has its own bounds again.
pub const FINALIZER: &str = "heliotrope.dev/restore-bounds";
