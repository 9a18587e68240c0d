//! `events` in the settings file.

use crate::settings::Problems;
use serde::Deserialize;

/// `events`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawEvents {
    /// Whether Events are written on pods.
    pub enabled: Option<bool>,
}

/// `events`, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventSettings {
    /// Whether Events are written on pods.
    pub enabled: bool,
}

impl RawEvents {
    /// Checks the section.
    pub fn validate(self, _: &mut Problems) -> EventSettings {
        EventSettings {
            enabled: self.enabled.unwrap_or(false),
        }
    }
}
