//! What a zone's intensity was: one value for each half hour of the last days, however often a provider reports.

use crate::grid::IntensityPoint;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Days that a climatology is made of.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// One value is kept for each slot of this many seconds: half an hour, as long as the period of most providers. A
/// five-minute feed would otherwise weigh a day that it covers more than one that an hourly feed covers.
const SLOT_SECONDS: i64 = 1800;

/// Past values by half hour: 337 at most, that of an unfinished slot included.
#[derive(Debug, Clone, Default)]
pub(super) struct History(BTreeMap<i64, IntensityPoint>);

impl History {
    /// Takes past points in, in any order. Of several points in one half hour the last one stays; what is in the future
    /// or too old is left out.
    pub(super) fn extend(&mut self, points: impl IntoIterator<Item = IntensityPoint>, now: Timestamp) {
        let oldest = oldest(now);
        let past = points
            .into_iter()
            .filter(|point| point.from <= now && slot(point.from) >= oldest);
        for point in past {
            let held = self.0.entry(slot(point.from)).or_insert(point);
            if held.from <= point.from {
                *held = point;
            }
        }
        self.0 = self.0.split_off(&oldest);
    }

    /// The points of the last days, in order: fewer and fewer once nothing new is heard.
    pub(super) fn points(&self, now: Timestamp) -> Vec<IntensityPoint> {
        self.0.range(oldest(now)..).map(|(_, point)| *point).collect()
    }

    /// When the next point becomes too old: slots end together, whatever their age.
    pub(super) fn next_turn(now: Timestamp) -> Timestamp {
        Timestamp::from_second((slot(now) + 1) * SLOT_SECONDS).unwrap_or(Timestamp::MAX)
    }
}

fn oldest(now: Timestamp) -> i64 {
    slot(now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN))
}

fn slot(when: Timestamp) -> i64 {
    when.as_second().div_euclid(SLOT_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::GramsPerKwh;

    fn point(second: i64, value: f64) -> IntensityPoint {
        IntensityPoint {
            from: Timestamp::from_second(second).unwrap(),
            value: GramsPerKwh::saturating(value),
        }
    }

    #[test]
    fn a_five_minute_feed_keeps_seven_days_and_not_more() {
        let mut history = History::default();
        let days_9 = 9 * 24 * 12;
        for five in 0..days_9 {
            let at = five * 300;
            history.extend([point(at, 100.0)], Timestamp::from_second(at).unwrap());
        }
        let points = history.points(Timestamp::from_second(days_9 * 300).unwrap());
        let reach = points.last().unwrap().from.duration_since(points.first().unwrap().from);
        assert!(reach >= SignedDuration::from_hours(7 * 24 - 1), "{reach}");
        assert!(points.len() <= 337, "{}", points.len());
    }

    #[test]
    fn of_a_half_hour_the_last_point_stays_whatever_the_order() {
        let now = Timestamp::from_second(7200).unwrap();
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let all = [point(1800, 1.0), point(2100, 2.0), point(3599, 3.0)];
            let mut history = History::default();
            history.extend(order.map(|i: usize| all[i]), now);
            assert_eq!(history.points(now), vec![all[2]], "{order:?}");
        }
    }

    #[test]
    fn a_restated_point_replaces_the_old_one_and_the_future_is_no_history() {
        let now = Timestamp::from_second(7200).unwrap();
        let mut history = History::default();
        history.extend([point(3600, 1.0), point(3600, 2.0), point(7201, 9.0)], now);
        assert_eq!(history.points(now), vec![point(3600, 2.0)]);
    }

    #[test]
    fn what_is_too_old_goes_even_if_nothing_new_is_heard() {
        let mut history = History::default();
        history.extend([point(0, 1.0), point(1800, 2.0)], Timestamp::from_second(1800).unwrap());
        let week = KEPT.as_secs();
        for (now, left) in [(week, 2), (week + 1799, 2), (week + 1800, 1), (week + 3600, 0)] {
            let now = Timestamp::from_second(now).unwrap();
            assert_eq!(history.points(now).len(), left, "{now}");
        }
        assert_eq!(
            History::next_turn(Timestamp::from_second(1799).unwrap()).as_second(),
            1800
        );
        assert_eq!(
            History::next_turn(Timestamp::from_second(1800).unwrap()).as_second(),
            3600
        );
    }
}
