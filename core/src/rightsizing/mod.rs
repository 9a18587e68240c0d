//! How many replicas a workload should have.
//!
//! ```text
//! HpaSpec, Observation (pods, samples, replicas), Memory, now ─► hpa ─► what the metrics ask for ─┐
//! schedule, forecast, latency, carbon, power, prewarm ────────────────────────────────────────────┴─► plan ─► Plan, Action
//! ```
//!
//! Owns the arithmetic of the HorizontalPodAutoscaler ([`hpa`]), which every plan starts from, the rules that come on top
//! of it, and the order in which they come ([`mod@plan`]). What may be asked for a metric stands here
//! too ([`Source`], [`PromQuery`]): `crds` makes one of a manifest, `load` asks it. Must never touch a cluster: what it needs is given, what it
//! concludes is returned.

mod carbon;
pub mod deletion;
pub mod hpa;
mod latency;
pub mod lint;
mod outlook;
pub mod plan;
mod power;
mod prewarm;
mod query;
pub mod schedule;
pub mod serving;
mod signal;
mod source;
mod target;

pub use carbon::{CarbonRule, Ceiling, Trigger};
pub use latency::{Health, LatencyRule, Objective, StepSize};
pub use outlook::Outlook;
pub use power::PowerRule;
pub use prewarm::PrewarmRule;
pub use query::{Preset, PromQuery, QueryError};
pub use signal::Signal;
pub use source::{ObjectRef, Shape, Source};
pub use target::TargetRef;
