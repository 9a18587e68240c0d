//! What Heliotrope says of itself, and the time.
//!
//! Owns the clock (the only place that reads it), the set-up of tracing, and every exported metric. Rooms are given
//! [`Metrics`] and a [`Clock`] and write into them; the admin listener reads. Must never know another room.

mod clock;
mod log;
mod metrics;
pub mod settings;

pub use clock::{Clock, system_clock};
pub use log::{LogHandle, init};
pub use metrics::{DomainSample, Metrics, PowerNodes, ZoneSample};
