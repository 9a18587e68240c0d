use serde::Serialize;
use serde_saphyr::Location;
use std::fmt;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line.
    pub line: u64,
    /// Column.
    pub column: u64,
}

impl From<Location> for Position {
    fn from(at: Location) -> Self {
        Self {
            line: at.line(),
            column: at.column(),
        }
    }
}

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where, as far as it is known.
    pub at: Option<Position>,
    /// The key: `carbon.providers[2].url`; empty for the file as a whole.
    pub path: String,
    /// What is wrong and what to do. Never holds a value of the file that could be a secret.
    pub message: String,
}

impl Finding {
    /// A finding whose position is looked up later.
    pub(super) fn new(path: &str, message: impl fmt::Display) -> Self {
        Self {
            at: None,
            path: path.to_owned(),
            message: message.to_string(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "line {}, column {}: ", at.line, at.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}
