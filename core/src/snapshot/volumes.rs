//! Which volume claims wait for their first consumer.

use crate::workload::PodFacts;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A claim of a volume, pruned to what decisions need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeClaim {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// Storage class; `None` where it says none, and the cluster's default counts; empty where it wants none.
    pub class: Option<Arc<str>>,
    /// Whether it has its volume.
    pub bound: bool,
}

/// A storage class, pruned to what decisions need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageClass {
    /// Name.
    pub name: Arc<str>,
    /// Whether it makes volumes where their first consumer is put (`WaitForFirstConsumer`).
    pub waits: bool,
    /// Whether claims that say no class get this one.
    pub default: bool,
}

type Waiting = HashMap<Arc<str>, Option<Arc<str>>>;

/// Storage classes, and the claims that have no volume yet. Claims that have theirs are not held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volumes {
    classes: HashMap<Arc<str>, (bool, bool)>,
    /// Class by namespace and name.
    unbound: HashMap<Arc<str>, Waiting>,
}

impl Volumes {
    /// Whether putting this pod somewhere makes a volume there that outlives it.
    #[must_use]
    pub fn are_made_for(&self, pod: &PodFacts) -> bool {
        let Some(unbound) = self.unbound.get(&pod.namespace) else {
            return false;
        };
        let mut classes = pod.volume_claims.iter().filter_map(|claim| unbound.get(claim));
        classes.any(|class| self.waits(class.as_deref()))
    }

    fn waits(&self, class: Option<&str>) -> bool {
        match class {
            Some(class) => self.classes.get(class).is_some_and(|(waits, _)| *waits),
            None => self.classes.values().any(|(waits, default)| *default && *waits),
        }
    }

    pub(super) fn put_claim(&mut self, claim: VolumeClaim) {
        if claim.bound {
            self.drop_claim(&claim.namespace, &claim.name);
        } else {
            let of_namespace = self.unbound.entry(claim.namespace).or_default();
            of_namespace.insert(claim.name, claim.class);
        }
    }

    pub(super) fn drop_claim(&mut self, namespace: &str, name: &str) {
        if let Some(held) = self.unbound.get_mut(namespace) {
            held.remove(name);
            if held.is_empty() {
                self.unbound.remove(namespace);
            }
        }
    }

    pub(super) fn put_class(&mut self, class: StorageClass) {
        self.classes.insert(class.name, (class.waits, class.default));
    }

    pub(super) fn drop_class(&mut self, name: &str) {
        self.classes.remove(name);
    }

    pub(super) fn keep_claims(&mut self, seen: &HashSet<(Arc<str>, Arc<str>)>) {
        self.unbound.retain(|namespace, held| {
            held.retain(|name, _| seen.contains(&(Arc::clone(namespace), Arc::clone(name))));
            !held.is_empty()
        });
    }

    pub(super) fn keep_classes(&mut self, seen: &HashSet<Arc<str>>) {
        self.classes.retain(|name, _| seen.contains(name));
    }

    /// How many claims and classes are held.
    #[must_use]
    pub fn held(&self) -> [usize; 2] {
        [self.unbound.values().map(HashMap::len).sum(), self.classes.len()]
    }
}

/// One change of claims or classes, as a watch tells it.
#[derive(Debug, Clone, PartialEq)]
pub enum VolumeEvent {
    /// A claim appeared or changed.
    Claim(VolumeClaim),
    /// A claim is gone.
    ClaimGone {
        /// Its namespace.
        namespace: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
    /// A watch starts anew: claims not seen until [`VolumeEvent::ClaimsListed`] are gone.
    ClaimsRelisting,
    /// All claims were listed.
    ClaimsListed,
    /// A class appeared or changed.
    Class(StorageClass),
    /// A class is gone.
    ClassGone(Arc<str>),
    /// A watch starts anew: classes not seen until [`VolumeEvent::ClassesListed`] are gone.
    ClassesRelisting,
    /// All classes were listed.
    ClassesListed,
}

/// The volumes so far, with what a watch has seen since it started anew.
#[derive(Debug, Clone, Default)]
pub(super) struct VolumeState {
    pub(super) volumes: Arc<Volumes>,
    relisted_claims: Option<HashSet<(Arc<str>, Arc<str>)>>,
    relisted_classes: Option<HashSet<Arc<str>>>,
}

impl VolumeState {
    pub(super) fn apply(&mut self, event: VolumeEvent) {
        let volumes = Arc::make_mut(&mut self.volumes);
        match event {
            VolumeEvent::Claim(claim) => {
                if let Some(seen) = self.relisted_claims.as_mut().filter(|_| !claim.bound) {
                    seen.insert((Arc::clone(&claim.namespace), Arc::clone(&claim.name)));
                }
                volumes.put_claim(claim);
            }
            VolumeEvent::ClaimGone { namespace, name } => volumes.drop_claim(&namespace, &name),
            VolumeEvent::ClaimsRelisting => self.relisted_claims = Some(HashSet::new()),
            VolumeEvent::ClaimsListed => {
                if let Some(seen) = self.relisted_claims.take() {
                    volumes.keep_claims(&seen);
                }
            }
            VolumeEvent::Class(class) => {
                if let Some(seen) = &mut self.relisted_classes {
                    seen.insert(Arc::clone(&class.name));
                }
                volumes.put_class(class);
            }
            VolumeEvent::ClassGone(name) => volumes.drop_class(&name),
            VolumeEvent::ClassesRelisting => self.relisted_classes = Some(HashSet::new()),
            VolumeEvent::ClassesListed => {
                if let Some(seen) = self.relisted_classes.take() {
                    volumes.keep_classes(&seen);
                }
            }
        }
    }
}
