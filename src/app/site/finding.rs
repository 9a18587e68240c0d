use crate::app::yaml::Position;
use serde::Serialize;
use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// It works against placing by carbon, or could not be looked at.
    Warning,
    /// It does not work, or is dangerous.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Where in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, or the ConfigMap and its key.
    pub file: String,
    /// The key: `extenders[0].weight`; empty for the file as a whole.
    pub path: String,
    /// Line and column, as far as they are known.
    pub at: Option<Position>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(at) = self.at {
            write!(f, ":{}:{}", at.line, at.column)?;
        }
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
        }
        Ok(())
    }
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// For programs; it does not change.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where in a file, for findings about one.
    pub place: Option<Place>,
    /// The nodes, pods or resources concerned.
    pub subjects: Vec<String>,
    /// What was found.
    pub what: String,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// What a kind of finding always says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    pub(super) meaning: &'static str,
    pub(super) remedy: &'static str,
}

impl Kind {
    /// A finding about objects.
    pub(super) fn of(self, what: impl fmt::Display, subjects: Vec<String>) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            place: None,
            subjects,
            what: what.to_string(),
            meaning: self.meaning,
            remedy: self.remedy,
        }
    }
}
