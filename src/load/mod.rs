//! How much work there is: what workloads and their environment say of themselves, for rightsizing.
//!
//! ```text
//! Target, Sources, latency, queue age ─► Reader ─┬─► Prometheus (outbound): presets of model servers, queries ─┬─► Observed
//!                                                └─► metrics.k8s.io, custom.metrics.k8s.io, external.metrics ──┘
//! ```
//!
//! Owns what an answer means: which series are of which pod, units, how old a sample is, and that absent, stale and zero are
//! three things. A source of core's goes in, a reading of the autoscaler's arithmetic comes out ([`Observed`]), and for
//! each that failed a sentence without a tenant's words. Must never average percentiles, never take silence for zero, and
//! never ask without a bound on time, length and how many at once.

mod api;
mod cause;
mod observed;
mod prometheus;
mod reader;
pub mod settings;
mod target;

pub use cause::Cause;
pub use observed::{Observed, Problem, Subject};
pub use reader::Reader;
pub use target::{Target, TargetPod};
