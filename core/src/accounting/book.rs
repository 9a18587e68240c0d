use super::sums::{Placed, Tally, entry};
use crate::quantity::Ratio;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Days kept: two months and some, so that a trial of a month fits with the one before.
pub const MAX_DAYS: usize = 70;
/// Names of one kind kept a day. Zones and models are bounded by the settings; namespaces are the tenants'.
const MAX_NAMES: usize = 64;
/// What stands for the names beyond.
pub const OTHERS: &str = "(others)";

/// What a placement is broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// Zone of the bound node, if known.
    pub zone: Option<&'a str>,
    /// GPU model of the bound node, if known.
    pub model: Option<&'a str>,
}

/// Sums of one day in UTC, or of several.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// Times that a pod was weighed in filter. A pod that waits is weighed again.
    pub attempts: u64,
    /// Everything.
    pub total: Tally,
    /// By namespace of the pod.
    pub namespaces: BTreeMap<Arc<str>, Tally>,
    /// By zone of the bound node; `unknown` where nobody knows.
    pub zones: BTreeMap<Arc<str>, Tally>,
    /// By GPU model of the bound node.
    pub models: BTreeMap<Arc<str>, Tally>,
}

impl Day {
    /// Takes one placement in.
    pub fn add(&mut self, place: Place<'_>, placed: &Placed<'_>) {
        const UNKNOWN: &str = "unknown";
        self.total.add(placed);
        named(&mut self.namespaces, place.namespace).add(placed);
        named(&mut self.zones, place.zone.unwrap_or(UNKNOWN)).add(placed);
        named(&mut self.models, place.model.unwrap_or(UNKNOWN)).add(placed);
    }

    /// Takes another day in.
    pub fn merge(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.total.merge(&other.total);
        let kinds = [
            (&mut self.namespaces, &other.namespaces),
            (&mut self.zones, &other.zones),
            (&mut self.models, &other.models),
        ];
        for (into, from) in kinds {
            for (name, tally) in from {
                named(into, name).merge(tally);
            }
        }
    }
}

/// The tally under a name, or that of the others where there are names enough.
fn named<'m>(map: &'m mut BTreeMap<Arc<str>, Tally>, name: &str) -> &'m mut Tally {
    let known = map.contains_key(name) || map.len() < MAX_NAMES;
    entry(map, if known { name } else { OTHERS })
}

/// Sums by day, bounded in days and in names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Book {
    since: Timestamp,
    band: Ratio,
    days: BTreeMap<Date, Day>,
}

impl Book {
    /// An empty book that begins now.
    #[must_use]
    pub fn new(since: Timestamp) -> Self {
        Self {
            since,
            band: Ratio::ZERO,
            days: BTreeMap::new(),
        }
    }

    /// When it was begun.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The band of the last decision.
    #[must_use]
    pub fn band(&self) -> Ratio {
        self.band
    }

    /// Notes that a pod was weighed in filter, and the share within which costs were equal.
    pub fn weighed(&mut self, at: Timestamp, band: Ratio) {
        self.band = band;
        self.day(at).attempts += 1;
    }

    /// Takes a placement in.
    pub fn add(&mut self, at: Timestamp, place: Place<'_>, placed: &Placed<'_>) {
        self.day(at).add(place, placed);
    }

    /// The days of a period, both ends included.
    pub fn days(&self, from: Date, until: Date) -> impl Iterator<Item = (Date, &Day)> {
        let within = self.days.iter().filter(move |(day, _)| (from..=until).contains(day));
        within.map(|(day, sums)| (*day, sums))
    }

    fn day(&mut self, at: Timestamp) -> &mut Day {
        let day = date(at);
        self.days.entry(day).or_default();
        while self.days.len() > MAX_DAYS {
            self.days.pop_first();
        }
        // A clock that went back beyond all that is kept: the day is made again and goes with the next.
        self.days.entry(day).or_default()
    }
}

/// The day in UTC that sums of a moment are kept under.
#[must_use]
pub fn date(at: Timestamp) -> civil::Date {
    at.to_zoned(TimeZone::UTC).date()
}
