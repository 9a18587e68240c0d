use super::digest::Digest;
use super::patch;
use super::told::{node_key, zone_key};
use crate::world::record::Asked;
use heliotrope_core::placement::{Bookings, Groups, Policy};
use heliotrope_core::snapshot::{
    DomainCap, Figures, GroupMembers, NodeRegion, NodeState, Pending, PodClass, Snapshot, SnapshotParts,
    Surroundings, ZoneState,
};
use heliotrope_core::workload::{GroupKey, Workload};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Error, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts that are no part of the snapshot.
const OF_EACH_CALL: [&str; 4] = ["workload", "policy", "bookings", "decidedGroups"];

/// What a file has told so far, on the reader's side.
#[derive(Debug, Default)]
pub(super) struct State {
    parts: BTreeMap<String, Value>,
    nodes: BTreeMap<String, NodeState>,
    zones: BTreeMap<usize, Arc<ZoneState>>,
    digest: Digest,
    /// Made of the parts, until they change.
    snapshot: Option<Arc<Snapshot>>,
}

impl State {
    /// Takes in what has changed.
    ///
    /// # Errors
    /// When a part is not what this version writes.
    pub(super) fn take(&mut self, changes: BTreeMap<String, Value>) -> Result<(), Error> {
        for (key, change) in changes {
            if !OF_EACH_CALL.contains(&key.as_str()) {
                self.snapshot = None;
            }
            if change.is_null() {
                self.parts.remove(&key);
                self.digest.remove(&key);
                if let Some(name) = key.strip_prefix("node/") {
                    self.nodes.remove(name);
                }
                continue;
            }
            patch::apply(self.parts.entry(key.clone()).or_insert(Value::Null), change);
            self.read(&key)?;
        }
        Ok(())
    }

    /// Reads a part into what it is, and hashes what it is, not what was written: a figure that was not read back to the
    /// last bit shows.
    fn read(&mut self, key: &str) -> Result<(), Error> {
        if let Some(name) = key.strip_prefix("node/") {
            let node: NodeState = self.part(key)?;
            self.hashed(&node_key(name), &node)?;
            self.nodes.insert(name.to_owned(), node);
        } else if let Some(place) = key.strip_prefix("zone/").and_then(|place| place.parse().ok()) {
            let zone: ZoneState = self.part(key)?;
            self.hashed(&zone_key(place), &zone)?;
            self.zones.insert(place, Arc::new(zone));
        } else {
            match key {
                "workload" => self.reread::<Workload>(key)?,
                "policy" => self.reread::<Policy>(key)?,
                "bookings" => self.reread::<Bookings>(key)?,
                "decidedGroups" => self.reread::<Groups>(key)?,
                "regions" => self.reread::<Vec<NodeRegion>>(key)?,
                "groups" => self.reread::<BTreeMap<GroupKey, GroupMembers>>(key)?,
                "generation" => self.reread::<u64>(key)?,
                "takenAt" => self.reread::<Timestamp>(key)?,
                "surroundings" => self.reread::<Surroundings>(key)?,
                "classes" => self.reread::<Vec<PodClass>>(key)?,
                "pending" => self.reread::<Pending>(key)?,
                "byModel" => self.reread::<Vec<Figures>>(key)?,
                "domains" => self.reread::<Vec<DomainCap>>(key)?,
                _ => return Err(Error::custom(format_args!("this version knows no part `{key}`"))),
            }
        }
        Ok(())
    }

    fn reread<T: Serialize + DeserializeOwned>(&mut self, key: &str) -> Result<(), Error> {
        let what: T = self.part(key)?;
        self.hashed(key, &what)
    }

    fn hashed(&mut self, key: &str, what: &impl Serialize) -> Result<(), Error> {
        let canonical = serde_json::to_value(what)?.to_string();
        self.digest.put(key, canonical.as_bytes());
        Ok(())
    }

    fn part<T: DeserializeOwned>(&self, key: &str) -> Result<T, Error> {
        T::deserialize(self.parts.get(key).unwrap_or(&Value::Null))
    }

    /// The hash over all of it.
    pub(super) fn sum(&self) -> u64 {
        self.digest.sum()
    }

    /// What a call at an instant was decided on.
    ///
    /// # Errors
    /// When a part is missing or is not what this version writes.
    pub(super) fn asked(&mut self, now: Timestamp) -> Result<Asked, Error> {
        Ok(Asked {
            snapshot: self.snapshot()?,
            workload: self.part("workload")?,
            policy: Arc::new(self.part("policy")?),
            bookings: self.part("bookings")?,
            groups: self.part("decidedGroups")?,
            now,
        })
    }

    fn snapshot(&mut self) -> Result<Arc<Snapshot>, Error> {
        if let Some(made) = &self.snapshot {
            return Ok(Arc::clone(made));
        }
        let parts = SnapshotParts {
            generation: self.part("generation")?,
            taken_at: self.part("takenAt")?,
            surroundings: Arc::new(self.part("surroundings")?),
            classes: self.part("classes")?,
            pending: self.part("pending")?,
            regions: self.part("regions")?,
            groups: self.part("groups")?,
            by_model: self.part("byModel")?,
            domains: self.part("domains")?,
            nodes: self.nodes.values().cloned().collect(),
            zones: self.zones.values().cloned().collect(),
        };
        let snapshot = Arc::new(Snapshot::from(parts));
        self.snapshot = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}
