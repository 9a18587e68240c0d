//! Grid carbon intensity, from providers.
//!
//! ```text
//! settings ─► CarbonSources ─┬─► gb   (GB Carbon Intensity API)   ┐
//!                            ├─► file (CSV, JSON)                 ├─► CarbonReport ─► world
//!                            ├─► prometheus (any series)          │
//!                            └─► static (yearly table)            ┘
//! ```
//!
//! Owns what each provider's wire means: what is no data, which period a value holds for, which kind it is. A report is
//! sent for what a provider said; what it did not say is not in it. Must never turn a gap into a number, nor convert one
//! kind of intensity into another.

mod file;
mod gb;
mod prometheus;
mod run;
pub mod settings;

pub use run::{CarbonError, CarbonEvents, CarbonSources};
