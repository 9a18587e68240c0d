//! Live power of GPUs and hosts, from telemetry.
//!
//! Owns what an exporter's exposition means: which label is the node, which series are the same board or overlap, what
//! unit a figure has, how old a sample is, who held a board and how busy it was. Asks Prometheus, or the exporters themselves, at an interval and sends a
//! [`PowerReport`]; a node that was not measured is not in it. Must never add up the repeats that MIG and time slicing make
//! of one board, nor zones that hold each other, nor pass on a reading that no board or machine can have.

mod busy;
mod exporter;
mod join;
mod preset;
mod reading;
mod run;
pub mod settings;
mod unit;

pub use busy::Scale;
pub use exporter::Found;
pub use preset::Measures;
pub use run::PowerSources;
pub use unit::Unit;

#[cfg(doc)]
use heliotrope_core::snapshot::PowerReport;
