//! `log` in the settings file.

use crate::settings::Problems;
use serde::Deserialize;

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
        if let Err(error) = level.parse::<tracing_subscriber::filter::Targets>() {
            problems.report(
                "level",
                format_args!("`{level}` is not a log filter ({error}): write info, or info,heliotrope::carbon=debug"),
            );
        }
        let format = match self.format.as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                problems.report(
                    "format",
                    format_args!("`{other}` is not a log format: write text or json"),
                );
                LogFormat::Text
            }
        };
        LogSettings { level, format }
    }
}
