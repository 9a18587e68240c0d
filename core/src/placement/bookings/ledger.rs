use super::promise::{Promise, Reach, WHOLE};
use crate::quantity::Watts;
use crate::snapshot::DomainKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Promises held. kube-scheduler decides one pod at a time, so that more than some hundreds wait for volumes at most; of
/// more than this the oldest goes.
const MAX_PROMISES: usize = 4096;

/// The promises that stand, with their sums. The sums alone are written down: all that an answer depends on, once the pod's
/// own promise is [taken off](Bookings::beside).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Sums", into = "Sums")]
pub struct Bookings {
    pub(super) promises: BTreeMap<Arc<str>, Promise>,
    /// Milliwatts by domain.
    reserved: BTreeMap<Arc<DomainKey>, u64>,
    /// Milliwatts held against every domain.
    everywhere: u64,
    /// Millionths of promises by node.
    shares: BTreeMap<Arc<str>, u64>,
    fingerprint: u64,
}

impl Bookings {
    /// No promises.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            promises: BTreeMap::new(),
            reserved: BTreeMap::new(),
            everywhere: 0,
            shares: BTreeMap::new(),
            fingerprint: 0,
        }
    }

    /// Holds a promise in place of what the same pod was promised before.
    pub fn promise(&mut self, promise: Promise) {
        self.release(&promise.uid);
        if self.promises.len() >= MAX_PROMISES {
            let oldest = self.promises.values().min_by_key(|promise| promise.at);
            if let Some(uid) = oldest.map(|promise| Arc::clone(&promise.uid)) {
                self.release(&uid);
            }
        }
        self.count(&promise, u64::saturating_add);
        self.fingerprint = self.fingerprint.wrapping_add(promise.fingerprint());
        self.promises.insert(Arc::clone(&promise.uid), promise);
    }

    /// Gives back what a pod was promised.
    pub fn release(&mut self, uid: &str) {
        let Some(promise) = self.promises.remove(uid) else {
            return;
        };
        self.count(&promise, u64::saturating_sub);
        self.fingerprint = self.fingerprint.wrapping_sub(promise.fingerprint());
    }

    fn count(&mut self, promise: &Promise, by: fn(u64, u64) -> u64) {
        match &promise.reach {
            Reach::Everywhere(milliwatts) => self.everywhere = by(self.everywhere, *milliwatts),
            Reach::Domains(domains) => {
                for (domain, milliwatts) in domains {
                    tally(&mut self.reserved, domain, by, *milliwatts);
                }
            }
        }
        for node in &promise.tops {
            tally(&mut self.shares, node, by, promise.share());
        }
    }

    /// How many pods hold a promise.
    #[must_use]
    pub fn len(&self) -> usize {
        self.promises.len()
    }

    /// Whether nobody holds a promise.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.promises.is_empty()
    }

    /// What is reserved in a domain.
    #[must_use]
    pub fn reserved_in(&self, domain: &DomainKey) -> Watts {
        let held = self.reserved.get(domain).copied().unwrap_or(0);
        Watts::from_milliwatts(held.saturating_add(self.everywhere))
    }

    /// What others than a pod have reserved in a domain.
    #[must_use]
    pub fn reserved_beside(&self, domain: &DomainKey, uid: &str) -> Watts {
        let own = self.promises.get(uid).map_or(0, |own| match &own.reach {
            Reach::Everywhere(milliwatts) => *milliwatts,
            Reach::Domains(domains) => {
                let own = domains.iter().find(|(of, _)| of.as_ref() == domain);
                own.map_or(0, |(_, milliwatts)| *milliwatts)
            }
        });
        let held = self.reserved.get(domain).copied().unwrap_or(0);
        Watts::from_milliwatts(held.saturating_add(self.everywhere).saturating_sub(own))
    }

    /// What is held against every domain by others than a pod.
    pub(in crate::placement) fn everywhere_without(&self, uid: &str) -> Watts {
        let own = self.promises.get(uid).map_or(0, |own| match own.reach {
            Reach::Everywhere(milliwatts) => milliwatts,
            Reach::Domains(_) => 0,
        });
        Watts::from_milliwatts(self.everywhere.saturating_sub(own))
    }

    /// What others than a pod have reserved, by domain.
    pub(in crate::placement) fn reserved_without<'a>(
        &'a self,
        uid: &str,
    ) -> impl Iterator<Item = (&'a DomainKey, Watts)> {
        let own = match self.promises.get(uid).map(|own| &own.reach) {
            Some(Reach::Domains(domains)) => domains.as_slice(),
            _ => &[],
        };
        self.reserved.iter().map(move |(domain, held)| {
            let own = own
                .iter()
                .find(|(of, _)| of == domain)
                .map_or(0, |(_, milliwatts)| *milliwatts);
            (domain.as_ref(), Watts::from_milliwatts(held.saturating_sub(own)))
        })
    }

    /// How much of a pod other than this one a node is promised: 0 for nothing, 1 for one that surely comes.
    #[must_use]
    pub fn share_of(&self, node: &str, uid: &str) -> f64 {
        if self.shares.is_empty() {
            return 0.0;
        }
        let held = self.shares.get(node).copied().unwrap_or(0);
        let own = self
            .promises
            .get(uid)
            .filter(|own| own.tops.iter().any(|top| top.as_ref() == node));
        let others = held.saturating_sub(own.map_or(0, Promise::share));
        others.min(WHOLE) as f64 / WHOLE as f64
    }

    /// The sums of what others than a pod were promised, without the promises: the same question about this pod has the same
    /// answer beside them. Copies domains and nodes that promises name, and no promise.
    #[must_use]
    pub fn beside(&self, uid: &str) -> Self {
        let mut sums = Self {
            reserved: self.reserved.clone(),
            everywhere: self.everywhere,
            shares: self.shares.clone(),
            ..Self::none()
        };
        if let Some(own) = self.promises.get(uid) {
            sums.count(own, u64::saturating_sub);
        }
        sums
    }

    /// Differs where the costs of a pod may differ by what others were promised.
    #[must_use]
    pub fn fingerprint_without(&self, uid: &str) -> u64 {
        let own = self.promises.get(uid).map_or(0, Promise::fingerprint);
        self.fingerprint.wrapping_sub(own)
    }
}

/// Adds to a sum or takes off it; an empty one leaves.
fn tally<K: Ord + ?Sized>(sums: &mut BTreeMap<Arc<K>, u64>, key: &Arc<K>, by: fn(u64, u64) -> u64, amount: u64) {
    let held = sums.entry(Arc::clone(key)).or_default();
    *held = by(*held, amount);
    if *held == 0 {
        sums.remove(key);
    }
}

/// As they are written down.
#[derive(Serialize, Deserialize)]
struct Sums {
    /// Milliwatts by rule and value.
    reserved: BTreeMap<Arc<str>, BTreeMap<Arc<str>, u64>>,
    everywhere: u64,
    shares: BTreeMap<Arc<str>, u64>,
}

impl From<Bookings> for Sums {
    fn from(bookings: Bookings) -> Self {
        let mut reserved: BTreeMap<Arc<str>, BTreeMap<Arc<str>, u64>> = BTreeMap::new();
        for (key, held) in bookings.reserved {
            let of_rule = reserved.entry(Arc::clone(&key.domain)).or_default();
            of_rule.insert(Arc::clone(&key.value), held);
        }
        Self {
            reserved,
            everywhere: bookings.everywhere,
            shares: bookings.shares,
        }
    }
}

impl From<Sums> for Bookings {
    fn from(sums: Sums) -> Self {
        let of_rule = |(domain, values): (Arc<str>, BTreeMap<Arc<str>, u64>)| {
            let keyed = values.into_iter().map(move |(value, held)| {
                let domain = Arc::clone(&domain);
                (Arc::new(DomainKey { domain, value }), held)
            });
            keyed.collect::<Vec<_>>()
        };
        Self {
            reserved: sums.reserved.into_iter().flat_map(of_rule).collect(),
            everywhere: sums.everywhere,
            shares: sums.shares,
            ..Self::none()
        }
    }
}

impl From<Vec<Promise>> for Bookings {
    fn from(promises: Vec<Promise>) -> Self {
        let mut bookings = Self::none();
        for promise in promises {
            bookings.promise(promise);
        }
        bookings
    }
}

impl From<Bookings> for Vec<Promise> {
    fn from(bookings: Bookings) -> Self {
        bookings.promises.into_values().collect()
    }
}
