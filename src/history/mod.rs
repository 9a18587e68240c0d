//! Series kept across restarts.
//!
//! Owns one folder ([`HistorySettings::dir`]) and the one file in it: what the [`SnapshotBuilder`] has learned and the past
//! of each zone. The record comes in at start ([`open`]) and leaves at an interval and at the end ([`History::run`]); without
//! a folder nothing is kept, which is said once. It holds names of nodes, of owners and of pods, watts, times and
//! intensities: no specification, no label, no key. Must never lose a file silently (what cannot be read is set aside under
//! another name), never leave a half-written one in its place, and never keep the process from scheduling.

mod error;
pub mod settings;
mod store;

pub use error::{HistoryError, Refusal};
pub use store::Store;

use crate::telemetry::Metrics;
use heliotrope_core::snapshot::SnapshotRecord;
use settings::HistorySettings;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

#[cfg(doc)]
use heliotrope_core::snapshot::SnapshotBuilder;

/// The one file.
const NAME: &str = "learned.json";

/// Writes records down.
#[derive(Debug)]
pub struct History {
    store: Arc<Store>,
    records: mpsc::Receiver<SnapshotRecord>,
    metrics: Metrics,
}

/// Where the writer of the world leaves its records.
#[derive(Debug)]
pub struct Keeper {
    /// Takes one record at a time.
    pub out: mpsc::Sender<SnapshotRecord>,
    /// How often.
    pub interval: Duration,
}

/// What was kept, and who keeps what comes.
#[derive(Debug, Default)]
pub struct Opened {
    /// The last record; nothing at the first start and where it was refused.
    pub kept: Option<SnapshotRecord>,
    /// Nothing where no folder is named or it cannot be used.
    pub keeping: Option<(Keeper, History)>,
}

/// Opens the folder of the settings and reads what it holds. A folder that cannot be used is told and counted: pods are
/// scheduled without it.
#[must_use]
pub fn open(settings: &HistorySettings, metrics: &Metrics) -> Opened {
    let Some(dir) = &settings.dir else {
        tracing::info!("history.dir is not set: what is learned lasts until the process ends");
        metrics.history_loaded("off");
        return Opened::default();
    };
    let store = match Store::open(dir) {
        Ok(store) => Arc::new(store),
        Err(error) => {
            tracing::error!(%error, "history is not kept");
            metrics.history_loaded("failed");
            return Opened::default();
        }
    };
    let (kept, outcome) = match store.load(NAME) {
        Ok(Some(record)) => (Some(record), "ok"),
        Ok(None) => (None, "none"),
        Err(error) => {
            tracing::warn!(%error, "history is not taken back");
            let set_aside = matches!(error, HistoryError::Refused { aside: Some(_), .. });
            if !set_aside {
                // What is there could be overwritten: it is left alone, and nothing is kept.
                metrics.history_loaded("failed");
                return Opened::default();
            }
            (None, "refused")
        }
    };
    metrics.history_loaded(outcome);
    let (out, records) = mpsc::channel(1);
    let metrics = metrics.clone();
    let history = History {
        store,
        records,
        metrics,
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

/// What the folder holds, for whoever only looks; `None` where nothing was kept yet.
///
/// # Errors
/// When it cannot be read.
pub fn peek(dir: &Path) -> Result<Option<SnapshotRecord>, HistoryError> {
    Store::peek(dir, NAME)
}

impl History {
    /// Writes every record that comes, until nobody can send one any more.
    pub async fn run(mut self) {
        while let Some(record) = self.records.recv().await {
            let store = Arc::clone(&self.store);
            let saved = tokio::task::spawn_blocking(move || store.save(NAME, &record)).await;
            match saved {
                Ok(Ok(bytes)) => self.metrics.history_written("ok", Some(bytes)),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "history was not written; the last one stays");
                    self.metrics.history_written("failed", None);
                }
                Err(error) => {
                    tracing::error!(%error, "writing history broke off; the last one stays");
                    self.metrics.history_written("failed", None);
                }
            }
        }
    }
}
