//! The edges of Heliotrope: they observe, serve and act; `heliotrope-core` decides.
//!
//! Rooms and who may use whom are drawn in `docs/architecture.md` and held by `tests/it/architecture.rs`.

pub mod admin;
pub mod app;
pub mod carbon;
pub mod cli;
pub mod cluster;
pub mod controllers;
pub mod crds;
pub mod extender;
pub mod history;
pub mod load;
pub mod outbound;
pub mod power;
pub mod serve;
pub mod settings;
pub mod telemetry;
pub mod world;
