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

/// What was seen of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    /// It has its volume.
    Bound,
    /// It has none yet, and this class.
    Unbound(Option<Arc<str>>),
}

/// Claims of one namespace by name; shared by snapshots until one of them changes.
type OfNamespace = Arc<HashMap<Arc<str>, Seen>>;

/// Storage classes and volume claims. Of a claim that has its volume only the name is held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volumes {
    /// Whether it waits and whether it is the default, by name.
    classes: HashMap<Arc<str>, (bool, bool)>,
    claims: HashMap<Arc<str>, OfNamespace>,
    /// Whether all claims were told of once.
    listed: bool,
}

impl Volumes {
    /// Whether putting this pod somewhere makes a volume there that outlives it.
    ///
    /// kube-scheduler asks about no pod whose claims are missing, or are to be bound before their first consumer. So a claim
    /// that we have not seen is one that was made a moment ago, as a `StatefulSet` does right before its pod, and waits.
    #[must_use]
    pub fn are_made_for(&self, pod: &PodFacts) -> bool {
        let of_namespace = self.claims.get(&pod.namespace);
        let seen = |claim| of_namespace.and_then(|claims| claims.get(claim));
        pod.volume_claims.iter().any(|claim| match seen(claim) {
            Some(Seen::Bound) => false,
            Some(Seen::Unbound(class)) => self.waits(class.as_deref()),
            None => self.listed && self.classes.values().any(|(waits, _)| *waits),
        })
    }

    fn waits(&self, class: Option<&str>) -> bool {
        match class {
            Some(class) => self.classes.get(class).is_some_and(|(waits, _)| *waits),
            None => self.classes.values().any(|(waits, default)| *default && *waits),
        }
    }

    fn put_claim(&mut self, claim: VolumeClaim) {
        let seen = if claim.bound {
            Seen::Bound
        } else {
            Seen::Unbound(claim.class)
        };
        let of_namespace = self.claims.entry(claim.namespace).or_default();
        if of_namespace.get(&claim.name) != Some(&seen) {
            Arc::make_mut(of_namespace).insert(claim.name, seen);
        }
    }

    fn drop_claim(&mut self, namespace: &str, name: &str) {
        if let Some(held) = self.claims.get_mut(namespace) {
            Arc::make_mut(held).remove(name);
            if held.is_empty() {
                self.claims.remove(namespace);
            }
        }
    }

    fn keep_claims(&mut self, seen: &HashSet<(Arc<str>, Arc<str>)>) {
        self.claims.retain(|namespace, held| {
            let is_seen = |name: &Arc<str>| seen.contains(&(Arc::clone(namespace), Arc::clone(name)));
            if !held.keys().all(is_seen) {
                Arc::make_mut(held).retain(|name, _| is_seen(name));
            }
            !held.is_empty()
        });
        self.listed = true;
    }

    /// How many claims and classes are held.
    #[must_use]
    pub fn held(&self) -> [usize; 2] {
        [self.claims.values().map(|held| held.len()).sum(), self.classes.len()]
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
                if let Some(seen) = &mut self.relisted_claims {
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
                volumes.classes.insert(class.name, (class.waits, class.default));
            }
            VolumeEvent::ClassGone(name) => {
                volumes.classes.remove(&name);
            }
            VolumeEvent::ClassesRelisting => self.relisted_classes = Some(HashSet::new()),
            VolumeEvent::ClassesListed => {
                if let Some(seen) = self.relisted_classes.take() {
                    volumes.classes.retain(|name, _| seen.contains(name));
                }
            }
        }
    }
}
