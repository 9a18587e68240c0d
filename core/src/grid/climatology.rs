use super::series::{IntensityPoint, IntensitySeries};
use crate::quantity::GramsPerKwh;
use jiff::{SignedDuration, Timestamp};

/// Hours of history below which there is no climatology: two days, so that each hour of the day was seen twice.
const MIN_HOURS: usize = 48;
const DAY_HOURS: usize = 24;
const HOUR_SECONDS: i64 = 3600;

/// The mean intensity of each hour of the day over the past, repeated over `[now, now + horizon)`.
///
/// On wind- or hydro-shaped grids the mean of the last seven days predicts better than yesterday repeated, and on
/// solar-shaped ones it is level with it (measured on public traces; `docs/formulas/carbon.md`). Returns nothing
/// unless every hour of the day was seen and at least two days of history are there.
#[must_use]
pub fn climatology(history: &[IntensityPoint], now: Timestamp, horizon: SignedDuration) -> Option<IntensitySeries> {
    let mut sums = [(0.0_f64, 0_u32); DAY_HOURS];
    let mut hours_seen = std::collections::BTreeSet::new();
    for point in history.iter().filter(|point| point.from <= now) {
        hours_seen.insert(point.from.as_second().div_euclid(HOUR_SECONDS));
        let slot = sums.get_mut(hour_of_day(point.from))?;
        slot.0 += point.value.get();
        slot.1 += 1;
    }
    if hours_seen.len() < MIN_HOURS || sums.iter().any(|(_, count)| *count == 0) {
        return None;
    }
    let first = Timestamp::from_second(now.as_second().div_euclid(HOUR_SECONDS) * HOUR_SECONDS).ok()?;
    let hours = horizon.as_hours().max(1);
    let points = (0..hours).filter_map(|hour| {
        let from = first.saturating_add(SignedDuration::from_hours(hour)).ok()?;
        let (sum, count) = sums.get(hour_of_day(from))?;
        Some(IntensityPoint {
            from,
            value: GramsPerKwh::saturating(sum / f64::from(*count)),
        })
    });
    IntensitySeries::new(
        points.collect(),
        first.saturating_add(SignedDuration::from_hours(hours)).ok()?,
    )
    .ok()
}

fn hour_of_day(when: Timestamp) -> usize {
    usize::try_from(when.as_second().div_euclid(HOUR_SECONDS).rem_euclid(24)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(hours: i64) -> Vec<IntensityPoint> {
        (0..hours)
            .map(|h| IntensityPoint {
                from: Timestamp::from_second(h * HOUR_SECONDS).unwrap(),
                value: GramsPerKwh::saturating(if h % 24 < 12 { 100.0 } else { 300.0 }),
            })
            .collect()
    }

    #[test]
    fn repeats_the_hours_of_the_day() {
        let now = Timestamp::from_second(72 * HOUR_SECONDS).unwrap();
        let series = climatology(&history(72), now, SignedDuration::from_hours(48)).unwrap();
        assert!((series.mean(now, SignedDuration::from_hours(12)).get() - 100.0).abs() < 1e-9);
        assert!((series.mean(now, SignedDuration::from_hours(24)).get() - 200.0).abs() < 1e-9);
    }

    #[test]
    fn a_day_and_a_half_is_no_climatology() {
        let now = Timestamp::from_second(36 * HOUR_SECONDS).unwrap();
        assert_eq!(climatology(&history(36), now, SignedDuration::from_hours(24)), None);
    }
}
