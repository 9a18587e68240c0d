use crate::crds::{MemoryStatus, RightsizerStatus};
use heliotrope_core::rightsizing::hpa::Replicas;
use heliotrope_core::rightsizing::plan::PlanMemory;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// What is known of one Rightsizer besides its status: exact times of what the status has in outline.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// As of the last plan.
    pub(super) memory: PlanMemory,
    /// When the status was last written.
    pub(super) written: Instant,
}

/// By UID. As many as there are Rightsizers.
#[derive(Debug, Default)]
pub(super) struct Memories {
    known: Mutex<HashMap<String, Known>>,
}

impl Memories {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    /// Drops those that are gone.
    pub(super) fn keep<'a>(&self, uids: impl Iterator<Item = &'a str>) {
        let there: HashSet<&str> = uids.collect();
        self.lock().retain(|uid, _| there.contains(uid.as_str()));
    }

    pub(super) fn find(&self, uid: &str) -> Option<Known> {
        self.lock().get(uid).cloned()
    }

    pub(super) fn put(&self, uid: &str, known: Known) {
        self.lock().insert(uid.to_owned(), known);
    }
}

/// The memory that a plan begins with. The status is written when a recommendation changes and not whenever one is repeated:
/// its last one is taken to have held until now. So a window may last longer over a restart, and never shorter.
pub(super) fn restored(status: &RightsizerStatus, now: Timestamp) -> PlanMemory {
    let mut memory = status.memory.as_ref().map(PlanMemory::from).unwrap_or_default();
    if let Some((at, _)) = memory.hpa.recommendations.last_mut() {
        *at = now.max(*at);
    }
    memory
}

/// What became of a change that was written down and not confirmed: a process may have died between the two. Where the target
/// still has as many replicas as before, the change was never made, and is taken out of the memory.
pub(super) fn settled(mut memory: PlanMemory, status: &RightsizerStatus, replicas: Replicas) -> PlanMemory {
    let Some(begun) = status
        .scaling
        .as_ref()
        .filter(|begun| begun.from == replicas && begun.from != begun.to)
    else {
        return memory;
    };
    memory.hpa.events.retain(|event| event.at != begun.at);
    if begun.to == 0 {
        memory.hpa.scaled_to_zero = false;
    }
    memory
}

/// The same memory in a status, without what changes at every look: the time of the last recommendation.
pub(super) fn outline(memory: &MemoryStatus) -> MemoryStatus {
    let mut outline = memory.clone();
    if let Some(last) = outline.recommendations.last_mut() {
        last.at = Timestamp::UNIX_EPOCH;
    }
    outline
}
