//! One region for the pods of a gang.
//!
//! ```text
//! Question (group of the workload, members in the snapshot, Groups), acceptable candidates, costs
//!    └─► choose ─► GroupChoice: the region of this member; filter refuses the others
//! ```
//!
//! The first member decides: the region where the whole group costs least among those that can hold it, or the one with
//! most room where none can. The others follow while that region has a node for them, and go on to the next best one
//! when it has not. Owns [`Groups`], what was decided and is not seen yet, as a value. Must never leave a pod without a
//! node that another rule accepts: a choice is always the region of an acceptable candidate.

mod choice;
mod memory;
mod rooms;

pub(super) use choice::choose;
pub use choice::{GroupChoice, GroupOutcome};
pub use memory::Groups;
