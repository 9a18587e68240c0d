//! The composition root: the settings file, the tables, and what joins the rooms together.
//!
//! ```text
//! settings file ─► yaml (positions, unknown keys, types) ─► settings (rooms' own validation) ─► Settings
//! zones, regions, gpu-profiles (compiled in, overridable) ─► tables ─► core types
//! ```
//!
//! Owns the one file that operators write, and what is loaded with it. Text comes in, validated values leave. Must never
//! decide anything about a pod, and is used by nobody but the command line.

pub mod callers;
mod controllers;
pub mod demo;
mod follow;
mod live;
pub mod overview;
pub mod probe;
pub mod replay;
pub mod run;
pub mod settings;
pub mod site;
pub mod tables;
mod tasks;
pub mod yaml;
