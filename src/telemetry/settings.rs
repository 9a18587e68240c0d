//! `log` in the settings file.

use crate::settings::Problems;
use serde::Deserialize;
use tracing::Level;
use tracing_subscriber::filter::Targets;

/// `log`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawLog {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,heliotrope::carbon=debug`.
    pub level: Option<String>,
    /// `text` or `json`.
    pub format: Option<String>,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For collectors.
    Json,
}

/// `log`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// Filter directives.
    pub level: String,
    /// How lines are written.
    pub format: LogFormat,
}

impl RawLog {
    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> LogSettings {
        let level = self.level.unwrap_or_else(|| "info".to_owned());
        if !is_filter(&level) {
            problems.report(
                "level",
                "is not a log filter: write error, warn, info, debug, trace, or `info,heliotrope::carbon=debug`",
            );
        }
        let format = match self.format.as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(_) => {
                problems.report("format", "must be text or json");
                LogFormat::Text
            }
        };
        LogSettings { level, format }
    }
}

/// The parser takes a lone word that is no level for the name of a target, so that `inof` would log nothing but it.
fn is_filter(text: &str) -> bool {
    let mut parts = text.split(',').map(str::trim);
    parts.all(|part| part == "off" || part.contains('=') || part.parse::<Level>().is_ok())
        && text.parse::<Targets>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_level_is_no_target() {
        for good in [
            "info",
            "WARN",
            "off",
            "info,heliotrope::carbon=debug",
            "heliotrope=trace",
        ] {
            assert!(is_filter(good), "{good}");
        }
        for bad in ["", "inof", "info,", "heliotrope=loud", "info;debug"] {
            assert!(!is_filter(bad), "{bad:?}");
        }
    }
}
