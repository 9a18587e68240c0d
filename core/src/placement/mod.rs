//! Where a pod runs: what each candidate node costs in grams, which nodes are refused, how the rest score.
//!
//! ```text
//! Question (Snapshot, Workload, Policy, Bookings, Groups, now), candidates
//!    └─► common_rung ─► weigh ─► NodeCost ──┬─► filter  ─► Verdict (accepted, refused, narrowed away)
//!                                           └─► score   ─► 0…10 for each node
//! decide = all of it, for explanations, replay and simulation
//! ```
//!
//! Owns the formulas of `docs/formulas/placement.md`. Must never look at anything but its arguments, never refuse a node
//! for lack of data, and never refuse on a figure that is not live or last known.

mod bookings;
mod candidate;
mod caps;
mod cost;
mod decide;
mod expectation;
mod filter;
mod gap;
mod group;
mod policy;
mod preempt;
mod question;
mod score;
mod stranded;

pub use bookings::{Bookings, Promise, Reach};
pub use candidate::Candidate;
pub use caps::ROUNDING_WATTS;
pub use cost::{NodeCost, common_rung, weigh};
pub use decide::{Decision, decide};
pub use expectation::expect;
pub use filter::{REFUSAL_TEXT, Refusal, Verdict, filter};
pub use gap::CostGap;
pub use group::{GroupChoice, GroupOutcome, Groups};
pub use policy::{Policy, Throughput, edge};
pub use preempt::{PreemptCandidate, preempt};
pub use question::Question;
pub use score::{MAX_SCORE, score, spreads};
