use super::error::HistoryError;
use super::store::Store;
use crate::telemetry::Metrics;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The place of one file in the folder.
#[derive(Debug)]
pub struct Shelf {
    /// Its name in metrics and logs.
    what: &'static str,
    file: &'static str,
    store: Arc<Store>,
    metrics: Metrics,
    /// What is there could neither be read nor set aside: it is left as it is.
    locked: bool,
    /// Held while it is written, also when nobody waits for that any more.
    writing: Arc<Mutex<()>>,
}

impl Shelf {
    pub(super) fn new((what, file): (&'static str, &'static str), store: &Arc<Store>, metrics: &Metrics) -> Self {
        Self {
            what,
            file,
            store: Arc::clone(store),
            metrics: metrics.clone(),
            locked: false,
            writing: Arc::default(),
        }
    }

    /// What lies there; what cannot be read is told, counted and set aside.
    pub fn load<T: DeserializeOwned>(&mut self) -> Option<T> {
        let (kept, outcome) = match self.store.load(self.file) {
            Ok(kept) => {
                let outcome = if kept.is_some() { "ok" } else { "none" };
                (kept, outcome)
            }
            Err(error) => {
                self.locked = !matches!(error, HistoryError::Refused { aside: Some(_), .. });
                tracing::error!(%error, what = self.what, "history is not taken back");
                (None, if self.locked { "failed" } else { "refused" })
            }
        };
        self.metrics.history_loaded(self.what, outcome);
        kept
    }

    /// Replaces what lies there. Where that fails it is told and counted, and the last one stays.
    ///
    /// One writes at a time, and `record` is called when its turn has come: the last to write has the newest. A caller who
    /// goes away while it waits for its turn has written nothing; one who goes away later has.
    pub async fn save<T: Serialize + Send + 'static>(&self, record: impl FnOnce() -> T + Send) {
        if self.locked {
            return;
        }
        let turn = Arc::clone(&self.writing).lock_owned().await;
        let (store, file, record) = (Arc::clone(&self.store), self.file, record());
        let write = move || {
            let written = store.save(file, &record);
            // First the folder is let go of, then the turn: after the last turn another may open the folder.
            drop(store);
            drop(turn);
            written
        };
        let written = match tokio::task::spawn_blocking(write).await {
            Ok(Ok(bytes)) => Some(bytes),
            Ok(Err(error)) => {
                tracing::warn!(%error, what = self.what, "history was not written; the last one stays");
                None
            }
            Err(error) => {
                tracing::error!(%error, what = self.what, "writing history broke off; the last one stays");
                None
            }
        };
        self.metrics.history_written(self.what, written);
    }
}
