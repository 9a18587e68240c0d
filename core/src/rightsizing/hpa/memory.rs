use super::Replicas;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest window and the longest period that the API allows are an hour and half an hour.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// One change of the replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleEvent {
    /// When.
    pub at: Timestamp,
    /// Replicas added, or removed where negative.
    pub change: Replicas,
}

/// What an autoscaler remembers from one decision to the next. The controller keeps it in its process and loses it with
/// that; here it is a value, to be kept where its owner likes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Unstabilised recommendations.
    pub recommendations: Vec<(Timestamp, Replicas)>,
    /// Changes made.
    pub events: Vec<ScaleEvent>,
    /// Whether the autoscaler itself scaled the target to zero.
    #[serde(default)]
    pub scaled_to_zero: bool,
}

impl Memory {
    /// The first recommendation is what there is: without it the first decision after a start could scale down at once.
    pub(super) fn begin(&mut self, current: Replicas, now: Timestamp) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
    }

    /// Notes a recommendation, and drops those that no window can reach any more.
    ///
    /// The controller overwrites one outdated entry in place and keeps the others: which entries a window sees is the same.
    pub(super) fn recommend(&mut self, replicas: Replicas, now: Timestamp) {
        let oldest = now.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        self.recommendations.retain(|(at, _)| *at >= oldest);
        self.recommendations.push((now, replicas));
    }

    /// Notes a change that was made.
    pub fn scaled(&mut self, from: Replicas, to: Replicas, now: Timestamp) {
        let oldest = now.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        self.events.retain(|event| event.at >= oldest);
        self.scaled_to_zero = from > 0 && to == 0;
        self.events.push(ScaleEvent {
            at: now,
            change: to.saturating_sub(from),
        });
    }
}
