use super::zone::ClockZone;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset};
use jiff::{SignedDuration, Timestamp};

/// From a moment up to, but not including, another, with ramps outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

impl Span {
    /// What local times mean. Where clocks are set back and a time comes twice, a span begins with the first and ends
    /// with the second; where they are set forward and a time does not come, it is the moment of the change. So a span is
    /// in one piece, and one that lies whole in the missing hour is empty.
    pub(super) fn of(zone: &ClockZone, from: DateTime, until: DateTime) -> Option<Self> {
        let start = moment(zone, from, Twice::First)?;
        let end = moment(zone, until, Twice::Second)?;
        (start < end).then_some(Self { start, end })
    }

    /// How much of the span is felt at a moment: 1 inside, less on the ramps before and after, 0 beyond.
    pub(super) fn share(self, now: Timestamp, ramp: SignedDuration) -> f64 {
        let outside = if now < self.start {
            self.start.duration_since(now)
        } else if now < self.end {
            return 1.0;
        } else {
            now.duration_since(self.end)
        };
        if ramp.is_zero() || ramp.is_negative() {
            return 0.0;
        }
        (1.0 - outside.as_secs_f64() / ramp.as_secs_f64()).max(0.0)
    }
}

/// Which of two equal local times.
#[derive(Debug, Clone, Copy)]
enum Twice {
    First,
    Second,
}

fn moment(zone: &ClockZone, local: DateTime, twice: Twice) -> Option<Timestamp> {
    let at = |offset: Offset| offset.to_timestamp(local).ok();
    match zone.rules().to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => at(offset),
        AmbiguousOffset::Fold { before, after } => match twice {
            Twice::First => at(before),
            Twice::Second => at(after),
        },
        // The clock that is set forward reads too early a moment: the change is the next one after it.
        AmbiguousOffset::Gap { after, .. } => {
            let before_change = at(after)?;
            zone.rules()
                .following(before_change)
                .next()
                .map(|change| change.timestamp())
        }
    }
}
