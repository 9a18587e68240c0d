//! Intensities from a file: CSV (portal exports of Electricity Maps included) or JSON (bodies of its API included).
//!
//! ```text
//! path ─► reading (bounded, unchanged meanwhile) ─► csv | json ─► rows by zone ─► series ─► Told for now
//! ```
//!
//! Owns what a file of intensities means. A file is taken as a whole or refused with the line that is wrong, so that half
//! of it never stands for all; what it said before then ages. Must never stretch a value over a gap.

mod csv;
mod json;
mod reading;
mod rows;
mod series;

use super::error::CarbonError;
use super::provider::{Ask, Provider, Told};
use heliotrope_core::grid::{IntensityKind, ZoneId};
use jiff::Timestamp;
use reading::Stamp;
use rows::Rows;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Reads a file. One that has not changed is not read again; what it says still moves with the time.
pub(super) struct FileProvider {
    path: PathBuf,
    zone: Option<ZoneId>,
    kind: IntensityKind,
    every: Duration,
    read: Mutex<Option<Arc<Read>>>,
}

/// What was read, and from which state of the file.
#[derive(Debug)]
struct Read {
    stamp: Stamp,
    rows: Rows,
}

impl FileProvider {
    /// A provider of the file's zones, or of the one zone that all its rows are about.
    pub(super) fn new(path: PathBuf, zone: Option<ZoneId>, kind: IntensityKind, every: Duration) -> Self {
        Self {
            path,
            zone,
            kind,
            every,
            read: Mutex::default(),
        }
    }

    /// The rows of the file as it is now.
    async fn rows(&self) -> Result<Arc<Read>, CarbonError> {
        let held = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (path, zone, kind) = (self.path.clone(), self.zone.clone(), self.kind);
        // A large file takes a while to read and parse, which must not keep other tasks waiting.
        let read = tokio::task::spawn_blocking(move || fresh(&path, zone.as_ref(), kind, held));
        let read = read.await.map_err(|_| reading::whole("cannot be read"))??;
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&read));
        Ok(read)
    }
}

fn fresh(
    path: &Path,
    zone: Option<&ZoneId>,
    kind: IntensityKind,
    held: Option<Arc<Read>>,
) -> Result<Arc<Read>, CarbonError> {
    let stamp = reading::stamp(path)?;
    if let Some(held) = held.filter(|held| held.stamp == stamp) {
        return Ok(held);
    }
    let (stamp, text) = reading::text(path, || ())?;
    let text = text.trim_start_matches('\u{feff}');
    let rows = if text.trim_start().starts_with(['[', '{']) {
        json::rows(text, zone, kind)?
    } else {
        csv::rows(text, zone, kind)?
    };
    Ok(Arc::new(Read { stamp, rows }))
}

impl Provider for FileProvider {
    type Topic = ();

    fn asks(&self, zones: &[ZoneId]) -> Vec<Ask<()>> {
        vec![Ask {
            topic: (),
            key: "file".to_owned(),
            zones: zones.to_vec(),
            every: self.every,
            calls: 0,
            needs: None,
        }]
    }

    async fn fetch(&self, (): &(), now: Timestamp) -> Result<Vec<Told>, CarbonError> {
        let read = self.rows().await?;
        let issued_at = read.stamp.modified.min(now);
        let told = read
            .rows
            .zones()
            .map(|(zone, rows)| series::told(zone, rows, self.kind, issued_at, now));
        let told: Vec<Told> = told.filter(|told| !told.is_empty()).collect();
        if told.is_empty() {
            return Err(CarbonError::NoData);
        }
        Ok(told)
    }
}
