//! `history` in the settings file.

use crate::settings::Problems;
use jiff::SignedDuration;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// `history`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawHistory {
    /// The folder.
    pub dir: Option<PathBuf>,
    interval: Option<String>,
}

/// `history`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistorySettings {
    /// The folder; without it nothing is kept.
    pub dir: Option<PathBuf>,
    /// How often it is written.
    pub interval: Duration,
}

impl RawHistory {
    /// Checks the section. The folder is looked at when it is opened: it may be mounted later than the file is checked.
    pub fn validate(self, problems: &mut Problems) -> HistorySettings {
        let within = SignedDuration::from_secs(1)..=SignedDuration::from_hours(24);
        let interval = problems.duration(
            "interval",
            self.interval.as_deref(),
            SignedDuration::from_mins(5),
            within,
        );
        if self.dir.as_ref().is_some_and(|dir| dir.as_os_str().is_empty()) {
            problems.report("dir", "is empty: name a folder, or leave the key out to keep nothing");
        }
        HistorySettings {
            dir: self.dir,
            interval: interval.unsigned_abs(),
        }
    }
}
