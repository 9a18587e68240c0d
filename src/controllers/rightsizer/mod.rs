//! Looks after Rightsizers: so many replicas as the plan says, as far as the mode allows.
//!
//! ```text
//! Rightsizers (a list each round) ─► dereference (target, pods, rivals) ─► validate (crds) ─► observe (load, world)
//!    ─► plan (core) ─► apply (scale) | bound (another autoscaler's bounds) ─► status (memory, conditions), Events
//! ```
//!
//! Owns the rounds ([`Rightsizers`]): every so often all Rightsizers are listed and each is planned once, several at a time.
//! What a plan has to remember stands in the status, so that whoever has the lease next forgets nothing. A change of the
//! replicas is written down there before it is made and confirmed after: of a process that dies in between, the next one
//! sees by the replicas whether it was made. Must never write anything but a status in mode recommend or while paused, never
//! write without the lease, and never work against somebody else who sets the same number.

mod apply;
mod bound;
mod change;
mod deletion;
mod dereference;
mod memory;
mod notes;
mod observe;
mod rivals;
mod round;
pub mod settings;
mod status;
mod surroundings;
mod sync;

pub use round::{Away, Rightsizers};

/// Who writes, as field managers have it.
pub const FIELD_MANAGER: &str = "heliotrope-rightsizer";
