//! The plan: how many replicas there should be, step by step.
//!
//! ```text
//! Seen (metrics, latency, outlook, power) + Memory + now
//!   ─► metrics ─► schedule ─► forecast ─► latency ─► carbon ─► power ─► prewarm ─► window ─► limits ─► Plan
//! ```
//!
//! Owns the order of the steps, what each may do, what is remembered between plans, and what a mode lets the plan do. Each
//! step leaves its number and its reason in the plan. Up to `latency` steps only raise, but for ceilings of the schedule;
//! `carbon` and `power` only lower; `prewarm` raises within the bounds that are hard. While metrics are missing nothing is
//! lowered but by `maxReplicas`. Must never touch a cluster, and must never act on a value that is absent or stale.

mod action;
mod check;
mod make;
mod memory;
mod reason;
mod seen;
mod spec;
mod stages;
mod step;

pub use action::{Action, Mode, Refusal};
pub use check::PlanProblem;
pub use make::{Bounds, Plan, plan};
pub use memory::{CarbonMemory, PlanMemory};
pub use reason::{Missing, Reason};
pub use seen::Seen;
pub use spec::PlanSpec;
pub use step::{Stage, Step};
