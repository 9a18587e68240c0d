//! Where members of gangs were sent, from one request to the next.

use super::judge::Case;
use heliotrope_core::placement::{GroupChoice, Groups};
use heliotrope_core::workload::Mode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Nobody was sent anywhere: what a pod in no gang is judged by.
pub(super) static NO_GROUPS: Groups = Groups::none();

/// What is remembered of gangs. Locked only for pods that are in one.
#[derive(Debug, Default)]
pub(super) struct Gangs(Mutex<Held>);

/// Under the lock.
#[derive(Debug, Default)]
pub(super) struct Held {
    groups: Groups,
    /// Whether the gangs that the cluster held at the start were taken up.
    resumed: bool,
}

impl Gangs {
    /// Locks it for a pod in a gang. The first one takes up what is half bound.
    pub(super) fn lock(&self, case: &Case<'_>) -> Option<MutexGuard<'_, Held>> {
        case.workload.group.as_ref()?;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.resumed {
            held.resumed = true;
            let namespaces = &case.placement.namespaces;
            let counts = |key: &heliotrope_core::workload::GroupKey| {
                let rules = namespaces.rules(key.namespace());
                rules.mode >= Mode::Prefer && rules.groups.contains(&key.kind())
            };
            held.groups.resume(&case.snapshot, counts, case.now);
        }
        Some(held)
    }
}

impl Held {
    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Remembers where a pod was sent.
    pub(super) fn decide(&mut self, case: &Case<'_>, choice: GroupChoice) {
        if let Some(group) = &case.workload.group {
            let (uid, gpus) = (Arc::clone(&case.pod.uid), case.workload.gpus.milli());
            self.groups.decide(group, &uid, choice, gpus, case.now);
        }
    }
}
