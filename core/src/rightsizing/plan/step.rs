use super::reason::Reason;
use crate::rightsizing::hpa::Replicas;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The steps of a plan, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What the metrics ask for, as the HorizontalPodAutoscaler computes it.
    Metrics,
    /// The clock and the calendar.
    Schedule,
    /// What is expected.
    Forecast,
    /// How the service does.
    Latency,
    /// The grid.
    Carbon,
    /// Watts.
    Power,
    /// The grid that will be.
    Prewarm,
    /// Recent recommendations: `stabilizationWindowSeconds`.
    Window,
    /// Rates, `minReplicas` and `maxReplicas`.
    Limits,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Metrics,
        Self::Schedule,
        Self::Forecast,
        Self::Latency,
        Self::Carbon,
        Self::Power,
        Self::Prewarm,
        Self::Window,
        Self::Limits,
    ];

    /// Its name in a status.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Schedule => "schedule",
            Self::Forecast => "forecast",
            Self::Latency => "latency",
            Self::Carbon => "carbon",
            Self::Power => "power",
            Self::Prewarm => "prewarm",
            Self::Window => "window",
            Self::Limits => "limits",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one step made of the number before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which one.
    pub stage: Stage,
    /// Replicas after it.
    pub replicas: Replicas,
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.stage, self.replicas, self.reason)
    }
}
