//! What rows say now: past rows are history, the row of now is the latest value, later ones are the forecast.

use super::rows::{Row, ZoneRows};
use crate::carbon::provider::Told;
use heliotrope_core::grid::{IntensityKind, IntensityPoint, ZoneId};
use heliotrope_core::snapshot::{Forecast, LatestIntensity};
use jiff::{SignedDuration, Timestamp};

/// History that is told; the climatology uses no more.
const HISTORY: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a lone row holds.
const LONE: SignedDuration = SignedDuration::from_hours(1);

/// A row with the end of its period.
#[derive(Debug, Clone, Copy)]
struct Period {
    from: Timestamp,
    until: Timestamp,
    row: Row,
}

/// What is told of a zone. The forecast was issued when the file was written.
pub(super) fn told(
    zone: &ZoneId,
    rows: &ZoneRows,
    kind: IntensityKind,
    issued_at: Timestamp,
    now: Timestamp,
) -> Told {
    let periods = periods(rows);
    let point = |period: &Period| IntensityPoint {
        from: period.from,
        value: period.row.value,
    };
    let running = periods.partition_point(|period| period.from <= now);
    let (past, ahead) = periods.split_at(running);
    let latest = past.last().map(|period| LatestIntensity {
        value: period.row.value,
        from: period.from,
        until: period.until,
        estimated: period.row.estimated,
    });
    let oldest = now.saturating_sub(HISTORY).unwrap_or(Timestamp::MIN);
    let mut foretold: Vec<Period> = Vec::new();
    let from_now = past.last().filter(|period| period.until > now).into_iter().chain(ahead);
    for period in from_now {
        if foretold.last().is_some_and(|before| before.until != period.from) {
            break;
        }
        foretold.push(*period);
    }
    let forecast = foretold.last().filter(|_| foretold.len() > 1).map(|last| Forecast {
        issued_at,
        points: foretold.iter().map(point).collect(),
        until: last.until,
    });
    Told {
        zone: Some(zone.clone()),
        latest,
        forecast,
        history: past.iter().filter(|period| period.from >= oldest).map(point).collect(),
        ..Told::nothing(kind)
    }
}

/// A period ends with the next row, but never lasts longer than its neighbours do: where rows are missing there is a
/// gap, and no value is stretched over it. A file may change its step, as from five minutes of past to hours ahead.
fn periods(rows: &ZoneRows) -> Vec<Period> {
    let rows: Vec<(Timestamp, Row)> = rows.iter().map(|(from, row)| (*from, *row)).collect();
    let step = |i: usize| Some(rows.get(i + 1)?.0.duration_since(rows.get(i)?.0));
    let period = |(i, (from, row)): (usize, &(Timestamp, Row))| {
        let before = i.checked_sub(1).and_then(step);
        let usual = before.max(step(i + 1)).unwrap_or(LONE);
        let lasts = match step(i) {
            Some(step) if rows.len() > 2 => step.min(usual),
            Some(step) => step,
            None => usual,
        };
        Period {
            from: *from,
            until: from.saturating_add(lasts).unwrap_or(Timestamp::MAX),
            row: *row,
        }
    };
    rows.iter().enumerate().map(period).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_core::grid::{Basis, Signal};
    use heliotrope_core::quantity::GramsPerKwh;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Rows of 2026-01-01 at these minutes after midnight, each with its minute as its value.
    fn tell(minutes: &[i64], now: i64) -> Told {
        let midnight = at("2026-01-01T00:00:00Z");
        let rows = minutes.iter().map(|&minute| {
            let value = GramsPerKwh::saturating(f64::from(i32::try_from(minute).unwrap()) + 1.0);
            let row = Row {
                value,
                estimated: false,
            };
            (midnight + SignedDuration::from_mins(minute), row)
        });
        let kind = IntensityKind {
            signal: Signal::Average,
            basis: Basis::Direct,
        };
        let now = midnight + SignedDuration::from_mins(now);
        told(&"DE".parse().unwrap(), &rows.collect(), kind, midnight, now)
    }

    fn minutes(of: Timestamp) -> i64 {
        of.duration_since(at("2026-01-01T00:00:00Z")).as_mins()
    }

    #[test]
    fn now_splits_the_past_from_the_forecast() {
        let told = tell(&[0, 60, 120, 180], 90);
        let latest = told.latest.unwrap();
        assert_eq!((minutes(latest.from), minutes(latest.until)), (60, 120));
        assert_eq!(told.history.len(), 2);
        let forecast = told.forecast.unwrap();
        let points: Vec<i64> = forecast.points.iter().map(|point| minutes(point.from)).collect();
        assert_eq!((points.as_slice(), minutes(forecast.until)), (&[60, 120, 180][..], 240));
    }

    #[test]
    fn no_value_is_stretched_over_a_gap() {
        let in_the_gap = tell(&[0, 60, 300, 360, 420], 200);
        let latest = in_the_gap.latest.unwrap();
        assert_eq!(minutes(latest.until), 120, "it holds its hour and no longer");
        let before = tell(&[0, 60, 120, 300, 360], 61).forecast.unwrap();
        assert_eq!(
            (before.points.len(), minutes(before.until)),
            (2, 180),
            "it ends where rows are missing"
        );
    }

    #[test]
    fn the_step_may_change() {
        let told = tell(&[0, 5, 10, 15, 75, 135], 16);
        assert_eq!(minutes(told.latest.unwrap().until), 75, "the first of the long steps");
        assert_eq!(minutes(told.forecast.unwrap().until), 195);
    }

    #[test]
    fn a_file_of_the_past_foretells_nothing() {
        let told = tell(&[0, 60, 120], 600);
        assert_eq!(minutes(told.latest.unwrap().until), 180);
        assert_eq!(told.forecast, None);
        let lone = tell(&[0], 10);
        assert_eq!(minutes(lone.latest.unwrap().until), 60);
    }
}
