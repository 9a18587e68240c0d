use crate::quantity::Reading;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A measured value, or why there is none. Absent, stale and zero are three things: zero is `Fresh` of zero, and a stale
/// value is not in here at all, so that nobody can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Signal<T> {
    /// Nobody said anything.
    #[default]
    Absent,
    /// The last value is too old to count; this is its age.
    Stale(SignedDuration),
    /// A value that counts.
    Fresh(T),
}

impl<T> Signal<T> {
    /// What a reading is worth at `now`: stale when it is older than `bound`.
    #[must_use]
    pub fn of(reading: Option<Reading<T>>, bound: SignedDuration, now: Timestamp) -> Self {
        match reading {
            None => Self::Absent,
            Some(reading) if reading.age(now) > bound => Self::Stale(reading.age(now)),
            Some(reading) => Self::Fresh(reading.value),
        }
    }

    /// The value, where it counts.
    #[must_use]
    pub fn fresh(self) -> Option<T> {
        match self {
            Self::Fresh(value) => Some(value),
            Self::Absent | Self::Stale(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Source;

    #[test]
    fn absent_stale_and_zero_are_three_things() {
        let now = Timestamp::constant(1_800_000_000, 0);
        let read = |seconds_ago: i64| Reading {
            value: 0,
            observed_at: now - SignedDuration::from_secs(seconds_ago),
            source: Source::new("test"),
        };
        let of = |reading| Signal::of(reading, SignedDuration::from_secs(60), now);
        assert_eq!(of(None), Signal::Absent);
        assert_eq!(of(Some(read(61))), Signal::Stale(SignedDuration::from_secs(61)));
        assert_eq!(of(Some(read(60))), Signal::Fresh(0));
    }
}
