//! The admin listener over real HTTP: probes, metrics, bindings counted, decisions explained.

mod bindings;
mod explain;
mod metrics;
mod openmetrics;
mod probes;
mod report;
mod whynot;
