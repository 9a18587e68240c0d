//! Series and sums kept across restarts.
//!
//! Owns one folder ([`HistorySettings::dir`]) and the files in it: what the [`SnapshotBuilder`] has learned with the past of
//! each zone, and the sums of the report. Records come in at start ([`open`]) and leave at an interval and at the end
//! ([`History::run`]); without a folder nothing is kept, which is said once. They hold names of nodes, of namespaces and
//! owners, UIDs of pods, watts, times, intensities and grams: no specification, no label, no key. Must never lose a file
//! silently (what cannot be read is set aside under another name), never leave a half-written one in its place, and never
//! keep the process from scheduling.

mod error;
pub mod settings;
mod store;

pub use error::{HistoryError, Refusal};
pub use store::Store;

use crate::telemetry::Metrics;
use heliotrope_core::accounting::Book;
use heliotrope_core::snapshot::SnapshotRecord;
use serde::Serialize;
use serde::de::DeserializeOwned;
use settings::HistorySettings;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

#[cfg(doc)]
use heliotrope_core::snapshot::SnapshotBuilder;

/// What was learned.
const LEARNED: Shelf = Shelf {
    what: "learned",
    file: "learned.json",
};
/// The sums of the report.
const REPORT: Shelf = Shelf {
    what: "report",
    file: "report.json",
};

/// A file, and its name in metrics and logs.
#[derive(Debug, Clone, Copy)]
struct Shelf {
    what: &'static str,
    file: &'static str,
}

/// What outlives the process.
#[derive(Debug, Default)]
pub struct Kept {
    /// What was learned, and the past of each zone.
    pub learned: Option<SnapshotRecord>,
    /// What decisions were worth.
    pub report: Option<Book>,
}

/// Writes records down.
#[derive(Debug)]
pub struct History {
    store: Arc<Store>,
    records: mpsc::Receiver<Kept>,
    metrics: Metrics,
    /// Files that could not be read nor set aside: they are left as they are.
    locked: Vec<&'static str>,
}

/// Where the writer of the world leaves its records.
#[derive(Debug)]
pub struct Keeper {
    /// Takes one record at a time.
    pub out: mpsc::Sender<Kept>,
    /// How often.
    pub interval: Duration,
}

/// What was kept, and who keeps what comes.
#[derive(Debug, Default)]
pub struct Opened {
    /// The last records; none at the first start and where they were refused.
    pub kept: Kept,
    /// Nothing where no folder is named or it cannot be used.
    pub keeping: Option<(Keeper, History)>,
}

/// Opens the folder of the settings and reads what it holds. A folder that cannot be used is told and counted: pods are
/// scheduled without it.
#[must_use]
pub fn open(settings: &HistorySettings, metrics: &Metrics) -> Opened {
    let nothing = |outcome| {
        for shelf in [LEARNED, REPORT] {
            metrics.history_loaded(shelf.what, outcome);
        }
        Opened::default()
    };
    let Some(dir) = &settings.dir else {
        tracing::info!("history.dir is not set: what is learned lasts until the process ends");
        return nothing("off");
    };
    let store = match Store::open(dir) {
        Ok(store) => Arc::new(store),
        Err(error) => {
            tracing::error!(%error, "history is not kept");
            return nothing("failed");
        }
    };
    let (out, records) = mpsc::channel(1);
    let mut history = History {
        store,
        records,
        metrics: metrics.clone(),
        locked: Vec::new(),
    };
    let kept = Kept {
        learned: history.load(LEARNED),
        report: history.load(REPORT),
    };
    let keeper = Keeper {
        out,
        interval: settings.interval,
    };
    Opened {
        kept,
        keeping: Some((keeper, history)),
    }
}

/// What the folder holds of what was learned, for whoever only looks; `None` where nothing was kept yet.
///
/// # Errors
/// When it cannot be read.
pub fn peek(dir: &Path) -> Result<Option<SnapshotRecord>, HistoryError> {
    Store::peek(dir, LEARNED.file)
}

impl History {
    fn load<T: DeserializeOwned>(&mut self, place: Shelf) -> Option<T> {
        let (kept, outcome) = match self.store.load(place.file) {
            Ok(kept) => {
                let outcome = if kept.is_some() { "ok" } else { "none" };
                (kept, outcome)
            }
            Err(error) => {
                let outcome = if matches!(error, HistoryError::Refused { aside: Some(_), .. }) {
                    "refused"
                } else {
                    // What is there could be overwritten: it is left alone, and nothing is kept of its kind.
                    self.locked.push(place.file);
                    "failed"
                };
                tracing::error!(%error, what = place.what, "history is not taken back");
                (None, outcome)
            }
        };
        self.metrics.history_loaded(place.what, outcome);
        kept
    }

    /// Writes every record that comes, until nobody can send one any more.
    pub async fn run(mut self) {
        while let Some(kept) = self.records.recv().await {
            self.save(LEARNED, kept.learned).await;
            self.save(REPORT, kept.report).await;
        }
    }

    async fn save(&self, place: Shelf, record: Option<impl Serialize + Send + 'static>) {
        let Some(record) = record.filter(|_| !self.locked.contains(&place.file)) else {
            return;
        };
        let store = Arc::clone(&self.store);
        let written = tokio::task::spawn_blocking(move || store.save(place.file, &record)).await;
        match written {
            Ok(Ok(bytes)) => self.metrics.history_written(place.what, Some(bytes)),
            Ok(Err(error)) => {
                tracing::warn!(%error, what = place.what, "history was not written; the last one stays");
                self.metrics.history_written(place.what, None);
            }
            Err(error) => {
                tracing::error!(%error, what = place.what, "writing history broke off; the last one stays");
                self.metrics.history_written(place.what, None);
            }
        }
    }
}
