//! A simulated world to place pods in, and the bookkeeping that tells what the placements cost.
//!
//! ```text
//! seed ─► World { zones with the true intensity, nodes with their true watts, pods with their true run times }
//!            ├─► Feed ─► the readings that edges would deliver ─► SnapshotBuilder (the real one) ─► Snapshot
//!            └─► Run  ─► "this pod, these feasible nodes" ─► SchedulerModel + scores of an extender ─► bind
//!                  └─► Ledger: what the work drew, on the true intensity, and what awake nodes drew
//! ```
//!
//! Owns the made-up world, the models of kube-scheduler (the default one and the shipped profile) and the ledger. A seed
//! and GPU profiles come in, readings for the real rooms and ledgers leave. Everything in it is simulated, and whatever
//! prints it must say so. Must never copy a formula that another room owns: what placement believes comes out of
//! placement, and what is true is stated here.

mod blocks;
mod capacity;
mod compare;
mod entries;
mod feed;
mod grid;
mod ledger;
mod nodes;
mod pods;
mod points;
mod power;
mod random;
pub mod replicas;
mod run;
mod scheduler;
mod spread;
#[cfg(test)]
mod tests;
mod work;
mod world;

pub use blocks::{Block, blocks};
pub use capacity::Capacity;
pub use compare::{Part, Saved, Totals, Waits};
pub use entries::{AwakeEntry, Board, HostWatts, Offer, PodEntry, Step, steps};
pub use feed::{Feed, Readings};
pub use grid::{KIND, PERIOD, SimulatedZone, WorldError};
pub use ledger::Ledger;
pub use nodes::{POOL_LABEL, SimulatedNode};
pub use pods::{Selector, SimulatedPod, UNITS_PER_GIB};
pub use random::Random;
pub use run::{Run, place_all};
pub use scheduler::{SchedulerModel, Scored, Strategy};
pub use world::World;

use jiff::{SignedDuration, Timestamp};

/// When every simulated day begins: midnight UTC of a Monday.
pub const FIRST_INSTANT: Timestamp = Timestamp::constant(1_781_481_600, 0);

/// How long it is.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A moment and a span. Simulated times are days away from the ends of time.
fn later(when: Timestamp, span: SignedDuration) -> Timestamp {
    when.saturating_add(span).unwrap_or(when)
}
