use super::digest::{Digest, hash};
use super::line::Candidates;
use super::patch;
use crate::world::record::Asked;
use heliotrope_core::placement::Question;
use heliotrope_core::snapshot::{NodeState, Snapshot};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Error, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a file has told so far of what calls are decided on. Only what differs is written again.
#[derive(Debug, Default)]
pub(super) struct Told {
    small: HashMap<&'static str, Value>,
    snapshot: Option<Arc<Snapshot>>,
    digest: Digest,
}

/// Parts of a state by name.
type Parts = BTreeMap<String, Value>;

impl Told {
    /// What a reader has to be told before a call is written.
    ///
    /// # Errors
    /// When a part cannot be written as JSON.
    pub(super) fn changes(&mut self, asked: &Asked) -> Result<Parts, Error> {
        // No `..`: who adds an input must say here how it is written. The pod and the instant stand in the call itself.
        let Question {
            uid: _,
            snapshot: _,
            workload,
            policy,
            bookings,
            groups,
            now: _,
        } = asked.question("");
        let mut parts = Parts::new();
        self.small("workload", workload, &mut parts)?;
        self.small("policy", policy, &mut parts)?;
        self.small("bookings", bookings, &mut parts)?;
        self.small("decidedGroups", groups, &mut parts)?;
        self.snapshot(&asked.snapshot, &mut parts)?;
        Ok(parts)
    }

    /// The hash over all of it.
    pub(super) fn sum(&self) -> u64 {
        self.digest.sum()
    }

    fn snapshot(&mut self, new: &Arc<Snapshot>, parts: &mut Parts) -> Result<(), Error> {
        let old = self.snapshot.take();
        if !old.as_ref().is_some_and(|old| Arc::ptr_eq(old, new)) {
            self.small("generation", &new.generation, parts)?;
            self.small("takenAt", &new.taken_at, parts)?;
            self.small("classes", &new.classes, parts)?;
            self.small("pending", &new.pending, parts)?;
            self.small("regions", &new.regions(), parts)?;
            self.small("groups", &new.groups().collect::<BTreeMap<_, _>>(), parts)?;
            self.small("byModel", &new.by_model(), parts)?;
            self.small("domains", &new.domain_caps(), parts)?;
            let same = |old: &Arc<Snapshot>| Arc::ptr_eq(&old.surroundings, &new.surroundings);
            if !old.as_ref().is_some_and(same) {
                self.small("surroundings", &new.surroundings, parts)?;
            }
            self.nodes(old.as_deref(), new, parts)?;
            self.zones(old.as_deref(), new, parts)?;
        }
        self.snapshot = Some(Arc::clone(new));
        Ok(())
    }

    fn nodes(&mut self, old: Option<&Snapshot>, new: &Snapshot, parts: &mut Parts) -> Result<(), Error> {
        for node in new.nodes() {
            let held = old.and_then(|old| old.node(old.find(&node.name)?));
            if held != Some(node) {
                self.changed(&node_key(&node.name), held, node, parts)?;
            }
        }
        let gone = |node: &&NodeState| new.find(&node.name).is_none();
        for node in old.map_or(&[][..], Snapshot::nodes).iter().filter(gone) {
            let key = node_key(&node.name);
            self.digest.remove(&key);
            parts.insert(key, Value::Null);
        }
        Ok(())
    }

    /// Zones keep their places, and none goes.
    fn zones(&mut self, old: Option<&Snapshot>, new: &Snapshot, parts: &mut Parts) -> Result<(), Error> {
        for (place, zone) in new.zones().iter().enumerate() {
            let held = old.and_then(|old| old.zones().get(place));
            if !held.is_some_and(|held| Arc::ptr_eq(held, zone) || held == zone) {
                self.changed(&zone_key(place), held, zone, parts)?;
            }
        }
        Ok(())
    }

    fn changed<T: Serialize>(&mut self, key: &str, old: Option<&T>, new: &T, parts: &mut Parts) -> Result<(), Error> {
        let new = serde_json::to_value(new)?;
        let old = old.map_or(Ok(Value::Null), serde_json::to_value)?;
        self.digest.put(key, new.to_string().as_bytes());
        parts.extend(patch::between(&old, &new).map(|patch| (key.to_owned(), patch)));
        Ok(())
    }

    fn small<T: Serialize>(&mut self, key: &'static str, new: &T, parts: &mut Parts) -> Result<(), Error> {
        let new = serde_json::to_value(new)?;
        let old = self.small.get(key).unwrap_or(&Value::Null);
        if let Some(patch) = patch::between(old, &new) {
            if new.is_null() {
                self.digest.remove(key);
            } else {
                self.digest.put(key, new.to_string().as_bytes());
            }
            parts.insert(key.to_owned(), patch);
            self.small.insert(key, new);
        }
        Ok(())
    }
}

/// The name of a node's part.
pub(super) fn node_key(name: &str) -> String {
    format!("node/{name}")
}

/// The name of a zone's part.
pub(super) fn zone_key(place: usize) -> String {
    format!("zone/{place}")
}

/// The hash over all that a call was decided on.
///
/// # Errors
/// When the candidates cannot be written as JSON.
pub(super) fn inputs(
    state: u64,
    uid: &str,
    now: Timestamp,
    weighed_at: Option<Timestamp>,
    candidates: Option<&Candidates>,
) -> Result<String, Error> {
    let rest = serde_json::to_vec(&(uid, now, weighed_at, candidates))?;
    Ok(format!("{:016x}", hash(&[&state.to_le_bytes(), &rest])))
}
