use super::days::Days;
use super::span::Span;
use super::zone::ClockZone;
use crate::rightsizing::hpa::Replicas;
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// At least and at most so many replicas at certain hours of certain days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// On which days it begins.
    pub days: Days,
    /// When, by the clock of `zone`.
    pub from: Time,
    /// When it ends: on the same day where that is later than `from`, else on the next.
    pub until: Time,
    /// Whose clock.
    pub zone: ClockZone,
    /// The floor.
    #[serde(default)]
    pub min: Option<Replicas>,
    /// The ceiling.
    #[serde(default)]
    pub max: Option<Replicas>,
    /// The floor rises evenly over this time before `from`, and falls over this time after `until`.
    #[serde(default)]
    pub ramp: SignedDuration,
}

/// The longest ramp: beyond half a day, ramps of following days would meet.
pub(super) const MAX_RAMP: SignedDuration = SignedDuration::from_hours(12);

impl Level {
    /// How much of the level is felt: 1 while it holds.
    pub(super) fn share(&self, now: Timestamp) -> f64 {
        let ramp = self.ramp.min(MAX_RAMP);
        let today = self.zone.rules().to_datetime(now).date();
        // Overnight it may have begun yesterday. A ramp looks half a day farther in both directions.
        let (back, ahead) = if ramp.is_zero() { (1, 0) } else { (2, 1) };
        let mut share: f64 = 0.0;
        let mut day = (0..back).try_fold(today, |day: Date, _| day.yesterday().ok());
        for _ in 0..=(back + ahead) {
            let Some(date) = day.filter(|_| share < 1.0) else { break };
            if self.days.has(date)
                && let Some(span) = self.span(date)
            {
                share = share.max(span.share(now, ramp));
            }
            day = date.tomorrow().ok();
        }
        share
    }

    fn span(&self, date: Date) -> Option<Span> {
        let last = if self.until > self.from {
            date
        } else {
            date.tomorrow().ok()?
        };
        Span::of(&self.zone, date.to_datetime(self.from), last.to_datetime(self.until))
    }
}
