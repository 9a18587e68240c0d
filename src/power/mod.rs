//! Live power of GPUs, from telemetry.
//!
//! Owns what an exporter's exposition means: which label is the node, which series are the same board, how old a sample
//! is. Asks Prometheus at an interval and sends a [`PowerReport`]; a node that was not measured is not in it. Must never
//! add up the repeats that MIG and time slicing make of one board, nor pass on a reading that no board can have.

mod dcgm;
mod join;
mod run;
pub mod settings;

pub use run::PowerSources;

#[cfg(doc)]
use heliotrope_core::snapshot::PowerReport;
