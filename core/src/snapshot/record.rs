//! What a builder keeps over a restart.

use super::builder::SnapshotBuilder;
use super::learned::{Learned, LearnedRecord};
use super::readings::CarbonReport;
use crate::grid::{IntensityKind, IntensityPoint, ZoneId};
use crate::quantity::Source;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The past of each zone, of one kind, and what was learned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SnapshotRecord {
    kind: Option<IntensityKind>,
    zones: Vec<(ZoneId, Vec<IntensityPoint>)>,
    learned: LearnedRecord,
}

impl SnapshotBuilder {
    /// What is to be kept. Figures of one zone that do not count any more are left out.
    #[must_use]
    pub fn record(&self, now: Timestamp) -> SnapshotRecord {
        let zones = self.zones.iter().map(|zone| (zone.id().clone(), zone.past(now)));
        SnapshotRecord {
            kind: Some(self.surroundings.kind),
            zones: zones.filter(|(_, past)| !past.is_empty()).collect(),
            learned: self.learned.record(),
        }
    }

    /// Takes back what was kept, before anything else is taken in. The past of zones counts if it is of the kind now
    /// ranked, and no longer than if it had been heard all along.
    pub fn restore(&mut self, record: SnapshotRecord, now: Timestamp) {
        self.learned = Learned::restored(record.learned);
        self.by_model = None;
        let Some(kind) = record.kind.filter(|kind| *kind == self.surroundings.kind) else {
            return;
        };
        for (zone, history) in record.zones {
            let report = CarbonReport {
                zone,
                kind,
                source: Source::new("history"),
                priority: u8::MAX,
                latest: None,
                forecast: None,
                history,
                fixed: None,
            };
            if self.apply_carbon(report, now).is_err() {
                return;
            }
        }
    }
}

impl SnapshotRecord {
    /// Of how many zones the past is kept.
    #[must_use]
    pub fn zones(&self) -> usize {
        self.zones.len()
    }

    /// What was learned, for whoever only looks.
    #[must_use]
    pub fn learned(&self) -> Learned {
        Learned::restored(self.learned.clone())
    }
}
