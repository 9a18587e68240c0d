//! The HorizontalPodAutoscaler's decision, with the same numbers as the controller of a stated version.
//!
//! ```text
//! pods + samples ─► group ─► average ─┐
//! object, external values ─► total ───┴─► combine ─► stabilise ─► limit ─► Outcome
//!                                                       ▲   Memory (recommendations, scale events)   │
//!                                                       └────────────────────────────────────────────┘
//! ```
//!
//! Owns the arithmetic, and its state as a value ([`Memory`]), so that a restart forgets nothing. All metric values are
//! whole thousandths ([`Milli`]), as in the controller: where it divides integers, so does this. Must never differ from the
//! controller but where [`HpaVersion`] says so and where the controller's result is not defined (integer overflow, which
//! saturates here).

mod average;
mod behavior;
mod combine;
mod decide;
mod limit;
mod memory;
mod pods;
mod spec;
mod stabilise;
mod tolerance;
mod total;
mod version;

pub use average::Average;
pub use behavior::{Behavior, Policy, PolicyKind, Rules, Select};
pub use combine::{Combined, MetricFailure, combine};
pub use decide::{Observation, Outcome, decide, gate, limited};
pub use limit::Limit;
pub use memory::{Memory, ScaleEvent};
pub use pods::{ContainerRequests, Group, Pod, PodPhase, ReadyCondition, Sample, Timing, group};
pub use spec::{AverageTarget, HpaSpec, Metric, MetricReading, TotalTarget};
pub use stabilise::{Stabilised, stabilise};
pub use tolerance::Tolerance;
pub use version::HpaVersion;

/// A metric value in thousandths of its unit.
pub type Milli = i64;

/// Replicas, as the API counts them.
pub type Replicas = i32;

/// The next whole number of replicas. What is no number, or more than the API can hold, stops at its bounds: the
/// controller's own conversion is not defined there.
fn ceil(replicas: f64) -> Replicas {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
    let whole = replicas.ceil() as Replicas;
    whole
}
