use super::level::MAX_RAMP;
use super::span::Span;
use super::zone::ClockZone;
use crate::rightsizing::hpa::Replicas;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What an event does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// So many times what the metrics ask for; at least 1.
    Factor(f64),
    /// At least so many replicas.
    Replicas(Replicas),
}

/// Something that happens once, such as a launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When it begins, by the clock of `zone`.
    pub from: DateTime,
    /// When it ends.
    pub until: DateTime,
    /// Whose clock.
    pub zone: ClockZone,
    /// What it does.
    pub effect: Effect,
    /// The effect rises evenly over this time before `from`, and falls over this time after `until`.
    #[serde(default)]
    pub ramp: SignedDuration,
}

impl Event {
    /// How much of the event is felt: 1 while it lasts.
    pub(super) fn share(&self, now: Timestamp) -> f64 {
        let span = Span::of(&self.zone, self.from, self.until);
        span.map_or(0.0, |span| span.share(now, self.ramp.min(MAX_RAMP)))
    }
}
