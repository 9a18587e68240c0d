//! The admin listener over real HTTP: probes, metrics, bindings counted, decisions explained, and to whom.

mod access;
mod bindings;
mod explain;
mod metrics;
mod openmetrics;
mod probes;
mod report;
mod reviews;
mod whynot;
