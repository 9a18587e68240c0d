//! What is known of a node's watts, and how long it counts.

use crate::quantity::{Source, Watts};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a power sample counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerBounds {
    /// Younger than this it is fresh.
    pub fresh_for: SignedDuration,
    /// Younger than this it is stale; older it is missing.
    pub stale_for: SignedDuration,
}

impl Default for PowerBounds {
    /// 90 s covers a 30 s collect interval, a 15 s scrape and a missed round; 5 min is Prometheus' look-back, after
    /// which a dead exporter is gone anyway.
    fn default() -> Self {
        Self {
            fresh_for: SignedDuration::from_secs(90),
            stale_for: SignedDuration::from_secs(300),
        }
    }
}

/// How good the power figure of a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerRung {
    /// Measured just now.
    Fresh,
    /// Measured some minutes ago.
    Stale,
    /// Not measured: profile and formula.
    Model,
}

impl PowerRung {
    /// The name used in metrics and explanations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Model => "model",
        }
    }
}

/// What telemetry says of a node's boards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodePowerView {
    /// How good it is.
    pub rung: PowerRung,
    /// Sum over the boards measured.
    pub watts: Option<Watts>,
    /// Boards measured.
    pub boards: usize,
    /// When the oldest board was sampled.
    pub observed_at: Option<Timestamp>,
    /// Who measured.
    pub source: Option<Source>,
}

impl NodePowerView {
    /// Nothing was measured.
    #[must_use]
    pub fn modelled() -> Self {
        Self {
            rung: PowerRung::Model,
            watts: None,
            boards: 0,
            observed_at: None,
            source: None,
        }
    }
}
