//! `decisions` in the settings file.

use crate::settings::Problems;
use serde::Deserialize;
use std::path::PathBuf;

/// `decisions`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawDecisions {
    /// Folder of the log files.
    pub dir: Option<PathBuf>,
    /// Size at which a file is followed by the next.
    pub max_bytes: Option<u64>,
    /// Files kept.
    pub max_files: Option<usize>,
}

/// `decisions`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionSettings {
    /// Folder of the log files; `None` writes none.
    pub dir: Option<PathBuf>,
    /// Size at which a file is followed by the next.
    pub max_bytes: u64,
    /// Files kept, the open one among them.
    pub max_files: usize,
}

/// Below it, a file of a cluster of some hundred nodes holds little but its beginning.
const SMALLEST: u64 = 1024 * 1024;
/// A folder of more is no log any more.
const MOST_FILES: usize = 10_000;

impl Default for DecisionSettings {
    fn default() -> Self {
        Self {
            dir: None,
            max_bytes: 64 * 1024 * 1024,
            max_files: 16,
        }
    }
}

impl RawDecisions {
    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> DecisionSettings {
        let default = DecisionSettings::default();
        let max_bytes = self.max_bytes.unwrap_or(default.max_bytes);
        if max_bytes < SMALLEST {
            problems.report("maxBytes", format_args!("must be at least {SMALLEST}"));
        }
        let max_files = self.max_files.unwrap_or(default.max_files);
        if !(2..=MOST_FILES).contains(&max_files) {
            problems.report("maxFiles", format_args!("must be from 2 to {MOST_FILES}"));
        }
        if self.dir.as_ref().is_some_and(|dir| dir.is_file()) {
            problems.report("dir", "is a file: name a folder, which is made where it does not exist");
        }
        DecisionSettings {
            dir: self.dir,
            max_bytes,
            max_files,
        }
    }
}
