use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// How good a value is: the ladder that missing data walks down. A smaller rung is a better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Rung {
    /// Published or measured for now.
    Live,
    /// The last live value, within its bound.
    LastKnown,
    /// What a provider predicted for now.
    Forecast,
    /// The same hours of the last days.
    Climatology,
    /// A yearly average or a table.
    Static,
}

impl Rung {
    /// All rungs, best first.
    pub const ALL: [Self; 5] = [
        Self::Live,
        Self::LastKnown,
        Self::Forecast,
        Self::Climatology,
        Self::Static,
    ];

    /// The name used in metrics, logs and explanations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::LastKnown => "last-known",
            Self::Forecast => "forecast",
            Self::Climatology => "climatology",
            Self::Static => "static",
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a value came from, such as `gb-carbon-intensity` or `file:intensity.csv`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(Arc<str>);

impl Source {
    /// Names a source.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value with when it was observed and where it came from. How good it is depends on `now`, so the rung is computed
/// by whoever reads it and is not stored here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading<T> {
    /// The value.
    pub value: T,
    /// When the value held, not when it was fetched.
    pub observed_at: Timestamp,
    /// Who said so.
    pub source: Source,
}

impl<T> Reading<T> {
    /// How old the value is. Never negative: a reading from the future is as old as zero.
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.observed_at).max(SignedDuration::ZERO)
    }
}
