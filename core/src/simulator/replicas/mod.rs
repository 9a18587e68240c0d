//! Replicas of one service under a recorded load, scaled by the real rooms and by what they are compared with.
//!
//! ```text
//! text ─► StepSeries (rates by window) ─► Arrivals (one number a second, from a seed)
//!   ─► Replay { Pool of replicas that start cold, Queue, Meter } ◄─► Policy (hpa, plan) every 15 s ─► Outcome
//!   └─► oracle: the fewest replica-hours that never fall short
//! ```
//!
//! Owns the model of a service (capacity, cold start, queue), the load files, the compared policies and what is measured.
//! Everything in it is simulated, and whatever prints it must say so. Must never copy a formula of the rightsizer: what it
//! would do comes out of it.

mod arrivals;
mod levels;
mod meter;
mod oracle;
mod policy;
mod pool;
mod queue;
mod replay;
mod report;
mod series;
mod service;

pub use arrivals::Arrivals;
pub use meter::{Outcome, Wait};
pub use policy::PolicyKind;
pub use replay::{Row, Trial};
pub use report::{Comparison, Replay, ReplayError, Report};
pub use series::{Column, SeriesProblem, StepSeries};
pub use service::Service;
