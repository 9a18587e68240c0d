use crate::crds::{MemoryStatus, RightsizerStatus, ScalingStatus};
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
pub(super) fn settled(memory: PlanMemory, status: &RightsizerStatus, replicas: Replicas) -> PlanMemory {
    let unmade = |begun: &&ScalingStatus| begun.from == replicas && begun.from != begun.to;
    match status.scaling.as_ref().filter(unmade) {
        Some(begun) => without(memory, begun),
        None => memory,
    }
}

/// The memory without a change that was not made: what rates count, and the rest that latency keeps after a step. A step was
/// due when the change was begun, so without it there is none that would still have to be waited for.
pub(super) fn without(mut memory: PlanMemory, begun: &ScalingStatus) -> PlanMemory {
    memory.hpa.events.retain(|event| event.at != begun.at);
    memory.stepped = memory.stepped.filter(|stepped| *stepped != begun.at);
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

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_core::rightsizing::hpa::{Memory, ScaleEvent};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// A step of latency from 4 to 6 at ten seconds, after a change at none.
    fn begun() -> (PlanMemory, RightsizerStatus) {
        let event = |seconds, change| ScaleEvent {
            at: at(seconds),
            change,
        };
        let memory = PlanMemory {
            hpa: Memory {
                events: vec![event(0, 1), event(10, 2)],
                ..Memory::default()
            },
            stepped: Some(at(10)),
            ..PlanMemory::default()
        };
        let scaling = ScalingStatus {
            at: at(10),
            from: 4,
            to: 6,
        };
        let status = RightsizerStatus {
            scaling: Some(scaling),
            ..RightsizerStatus::default()
        };
        (memory, status)
    }

    #[test]
    fn a_step_that_was_never_made_is_neither_counted_nor_rested_after() {
        let (memory, status) = begun();
        let settled = settled(memory, &status, 4);
        assert_eq!(settled.hpa.events.len(), 1);
        assert_eq!((settled.hpa.events[0].at, settled.stepped), (at(0), None));
    }

    #[test]
    fn a_step_that_was_made_counts_and_so_does_one_before_it() {
        let (memory, status) = begun();
        assert_eq!(settled(memory.clone(), &status, 6), memory);
        // Somebody else set another number since.
        assert_eq!(settled(memory.clone(), &status, 5), memory);
        let mut earlier = memory;
        earlier.stepped = Some(at(0));
        assert_eq!(settled(earlier, &status, 4).stepped, Some(at(0)), "a step of its own");
    }
}
