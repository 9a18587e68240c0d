//! Series and sums kept across restarts.
//!
//! Owns one folder ([`HistorySettings::dir`]) and the files in it, one on each [`Shelf`]: what the [`SnapshotBuilder`] has
//! learned with the past of each zone, the sums of the report, and what carbon providers were asked lately. They come in at
//! start ([`open`]); the first two leave at an interval and at the end ([`History::run`]), the last whenever it changes.
//! Without a folder nothing is kept, which is said once. They hold names of nodes, of namespaces, owners and providers, UIDs
//! of pods, watts, times, intensities and grams: no specification, no label, no key. Must never lose a file silently (what
//! cannot be read is set aside under another name), never leave a half-written one in its place, and never keep the process
//! from scheduling.

mod error;
pub mod settings;
mod shelf;
mod store;

pub use error::{HistoryError, Refusal};
pub use shelf::Shelf;
pub use store::Store;

use crate::telemetry::Metrics;
use heliotrope_core::accounting::Book;
use heliotrope_core::snapshot::SnapshotRecord;
use settings::HistorySettings;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

#[cfg(doc)]
use heliotrope_core::snapshot::SnapshotBuilder;

/// Names in metrics and logs, and files: what was learned, the sums of the report, calls of carbon providers.
const LEARNED: (&str, &str) = ("learned", "learned.json");
const REPORT: (&str, &str) = ("report", "report.json");
const CALLS: (&str, &str) = ("calls", "calls.json");

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
    records: mpsc::Receiver<Kept>,
    learned: Shelf,
    report: Shelf,
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
    /// For what carbon providers were asked; likewise.
    pub calls: Option<Shelf>,
}

/// Opens the folder of the settings and reads what it holds. A folder that cannot be used is told and counted: pods are
/// scheduled without it.
#[must_use]
pub fn open(settings: &HistorySettings, metrics: &Metrics) -> Opened {
    let nothing = |outcome| {
        for (what, _) in [LEARNED, REPORT, CALLS] {
            metrics.history_loaded(what, outcome);
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
    let [mut learned, mut report, calls] = [LEARNED, REPORT, CALLS].map(|names| Shelf::new(names, &store, metrics));
    let kept = Kept {
        learned: learned.load(),
        report: report.load(),
    };
    let keeper = Keeper {
        out,
        interval: settings.interval,
    };
    let history = History {
        records,
        learned,
        report,
    };
    Opened {
        kept,
        keeping: Some((keeper, history)),
        calls: Some(calls),
    }
}

/// What the folder holds of what was learned, for whoever only looks; `None` where nothing was kept yet.
///
/// # Errors
/// When it cannot be read.
pub fn peek(dir: &Path) -> Result<Option<SnapshotRecord>, HistoryError> {
    Store::peek(dir, LEARNED.1)
}

impl History {
    /// Writes every record that comes, until nobody can send one any more.
    pub async fn run(mut self) {
        while let Some(Kept { learned, report }) = self.records.recv().await {
            if let Some(learned) = learned {
                self.learned.save(|| learned).await;
            }
            if let Some(report) = report {
                self.report.save(|| report).await;
            }
        }
    }
}
