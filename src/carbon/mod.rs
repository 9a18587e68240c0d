//! Grid carbon intensity, from providers.
//!
//! ```text
//! settings ─► CarbonSources ─► desk ─► pace ─► answers (cache, single flight) ─► allowance ─┬─► gb                GB Carbon Intensity API
//!                 ▲             │                                                         ├─► electricity_maps  v4 and v3, with a key
//!                 │             ├─► access (what a key can read, once a day)              ├─► watttime          v3, with an account
//!                 │             └─► memory (calls, access and rest, over a restart)       ├─► prometheus        any series
//!                 │                                                                       ├─► file              CSV, JSON
//!                 │                                                                       └─► table             yearly averages
//!                 └──────────────────────────────── Told ◄────────────────────────────────────┘
//! CarbonSources ─► CarbonReport, one a zone, with the provider's place in the zone's chain ─► world
//! ```
//!
//! Owns what each provider's wire means (what is no data, which period a value holds for, which kind it is) and how often
//! it is called: one call for all zones that it serves, at most once an interval, within `callsPerHour`, not before
//! `Retry-After`, slower while it fails, not for what its key cannot read, and by a process that only stands by not at all. A report is sent for what a provider said; what it did not say is not in it. Must
//! never turn a gap into a number, convert one kind of intensity into another, or show a key.

mod access;
mod allowance;
mod answers;
mod desk;
mod electricity_maps;
mod error;
mod figure;
mod file;
mod gb;
mod memory;
mod pace;
mod prometheus;
mod provider;
mod run;
pub mod settings;
mod table;
mod watttime;

pub use access::{Ability, Access, Probe};
pub use electricity_maps::{DataCenter, ElectricityMaps, Version};
pub use error::CarbonError;
pub use memory::CarbonMemory;
pub use prometheus::{Series, Unit};
pub use run::{CarbonEvents, CarbonSources};
pub use watttime::WattTime;
