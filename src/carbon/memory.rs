//! What providers were asked lately, over a restart.

use super::access::Access;
use crate::history::Shelf;
use crate::telemetry::Clock;
use heliotrope_core::grid::ZoneId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a key can read holds for this long, and nobody asks to be left alone for longer.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// One provider's row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Row {
    /// Starts of the calls of the last hour, where they are limited.
    calls: Vec<Timestamp>,
    /// Until when it has asked to be left alone.
    held_until: Option<Timestamp>,
    /// What its key could read when it was last asked.
    access: Option<ToldAccess>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldAccess {
    at: Timestamp,
    zones: BTreeMap<ZoneId, Access>,
}

type Rows = BTreeMap<String, Row>;

/// What providers were asked and have said lately: a process that starts again and again must not call each time as if it
/// were the first. It is written down before a call is made. Holds names, times and zones: no key, no address.
#[derive(Debug, Default)]
pub struct CarbonMemory {
    rows: Mutex<Rows>,
    shelf: Option<Shelf>,
}

impl CarbonMemory {
    /// What lies on the shelf; without one it lasts until the process ends.
    #[must_use]
    pub fn new(mut shelf: Option<Shelf>) -> Self {
        let rows = shelf.as_mut().and_then(Shelf::load).unwrap_or_default();
        Self {
            rows: Mutex::new(rows),
            shelf,
        }
    }

    /// Forgets providers that the settings do not name any more.
    pub(super) fn retain(&self, named: impl Fn(&str) -> bool) {
        self.rows().retain(|name, _| named(name));
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all of it down. Once more at the end: who was about to write may have been stopped before its turn came.
    pub(super) async fn write(&self) {
        if let Some(shelf) = &self.shelf {
            shelf.save(|| self.rows().clone()).await;
        }
    }
}

/// The part of the memory that is one provider's.
#[derive(Clone)]
pub(super) struct OwnMemory {
    all: Arc<CarbonMemory>,
    name: String,
    clock: Clock,
}

impl std::fmt::Debug for OwnMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnMemory")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl OwnMemory {
    pub(super) fn new(all: &Arc<CarbonMemory>, name: &str, clock: &Clock) -> Self {
        Self {
            all: Arc::clone(all),
            name: name.to_owned(),
            clock: clock.clone(),
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Row) -> T) -> Option<T> {
        self.all.rows().get(&self.name).map(read)
    }

    fn change(&self, change: impl FnOnce(&mut Row)) {
        change(self.all.rows().entry(self.name.clone()).or_default());
    }

    /// How long ago the calls were made, the oldest first. One from the future was made by another clock, and counts as made now.
    pub(super) fn calls(&self) -> Vec<Duration> {
        let now = (self.clock)();
        let mut ages = self
            .read(|row| row.calls.iter().map(|call| since(now, *call)).collect::<Vec<_>>())
            .unwrap_or_default();
        ages.sort_by(|a, b| b.cmp(a));
        ages
    }

    /// For how long it still wants to be left alone.
    pub(super) fn held(&self) -> Option<Duration> {
        let now = (self.clock)();
        let until = self.read(|row| row.held_until)??;
        Some(since(until, now).min(DAY)).filter(|left| !left.is_zero())
    }

    /// Calls of so long ago, by and by, are written down.
    pub(super) async fn keep_calls(&self, ages: impl Iterator<Item = Duration>) {
        let now = (self.clock)();
        let calls = ages.filter_map(|age| now.checked_sub(age).ok()).collect();
        self.change(|row| row.calls = calls);
        self.all.write().await;
    }

    /// It wants to be left alone for so long.
    pub(super) async fn keep_hold(&self, wait: Duration) {
        let until = (self.clock)().checked_add(wait).ok();
        self.change(|row| row.held_until = row.held_until.max(until));
        self.all.write().await;
    }

    /// What the key could read of these zones, and for how long that still holds; nothing where one of them is not told of, or a
    /// file of the key is newer than the answer.
    pub(super) fn access(
        &self,
        zones: &[ZoneId],
        key_files: &[&Path],
    ) -> Option<(BTreeMap<ZoneId, Access>, Duration)> {
        let now = (self.clock)();
        let told = self.read(|row| row.access.clone())??;
        let age = now.duration_since(told.at);
        let left = DAY
            .checked_sub(Duration::try_from(age).ok()?)
            .filter(|left| !left.is_zero())?;
        let changed = key_files
            .iter()
            .any(|file| modified(file).is_none_or(|at| at > told.at));
        let known = zones.iter().all(|zone| told.zones.contains_key(zone));
        (known && !changed).then_some((told.zones, left))
    }

    /// What the key can read, as it was just told.
    pub(super) async fn keep_access(&self, zones: &BTreeMap<ZoneId, Access>) {
        let (at, zones) = ((self.clock)(), zones.clone());
        self.change(|row| row.access = Some(ToldAccess { at, zones }));
        self.all.write().await;
    }
}

/// From one time to a later one; nothing where it is not later.
fn since(later: Timestamp, earlier: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier).max(SignedDuration::ZERO)).unwrap_or_default()
}

fn modified(file: &Path) -> Option<Timestamp> {
    Timestamp::try_from(std::fs::metadata(file).ok()?.modified().ok()?).ok()
}
