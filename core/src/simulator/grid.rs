//! Three grids whose days differ: one with much sun, one with wind at night, one with sun eight hours later.

use super::random::Random;
use crate::grid::{Basis, IntensityKind, IntensityPoint, IntensitySeries, Region, SeriesError, Signal, ZoneId};
use crate::quantity::{GramsPerKwh, Source};
use crate::snapshot::{CarbonReport, Forecast, LatestIntensity};
use jiff::{SignedDuration, Timestamp};
use std::f64::consts::TAU;

/// The kind of every simulated figure.
pub const KIND: IntensityKind = IntensityKind {
    signal: Signal::Average,
    basis: Basis::Lifecycle,
};

/// Settlement period of the simulated grids.
pub const PERIOD: SignedDuration = SignedDuration::from_mins(30);

/// Days before the simulated day that the zones have published: what a climatology is made of.
const PAST_DAYS: i32 = 7;
/// Days from the simulated day on for which the truth is known, so that every run ends inside.
const AHEAD_DAYS: i32 = 7;
/// Periods that a simulated forecast reaches: a day.
const FORECAST_PERIODS: usize = 48;
/// How far a simulated forecast is off a day ahead, as a share of the value (one deviation).
const FORECAST_ERROR: f64 = 0.12;
/// No grid is cleaner than this.
const FLOOR: f64 = 20.0;

/// A day's shape, in g/kWh and hours UTC. Invented; the sizes are those of real grids with much solar or wind.
#[derive(Debug, Clone, Copy)]
struct Shape {
    zone: &'static str,
    region: &'static str,
    /// Without sun and wind.
    base: f64,
    /// What the sun takes away at noon, and when noon is.
    sun: (f64, f64),
    /// What the wind takes away at its strongest and adds at its weakest, and when it is strongest.
    wind: (f64, f64),
    /// What the evening adds, and when.
    evening: (f64, f64),
}

const SHAPES: [Shape; 3] = [
    Shape {
        zone: "SIM-SOUTH",
        region: "sim-south-1",
        base: 410.0,
        sun: (330.0, 12.0),
        wind: (15.0, 2.0),
        evening: (60.0, 19.0),
    },
    Shape {
        zone: "SIM-NORTH",
        region: "sim-north-1",
        base: 255.0,
        sun: (20.0, 12.0),
        wind: (125.0, 3.0),
        evening: (40.0, 18.0),
    },
    Shape {
        zone: "SIM-WEST",
        region: "sim-west-1",
        base: 370.0,
        sun: (250.0, 20.0),
        wind: (30.0, 10.0),
        evening: (50.0, 3.0),
    },
];

impl Shape {
    fn at(&self, hour: f64, weather: Weather) -> f64 {
        let around = |peak: f64| (TAU * (hour - peak) / 24.0).cos();
        let (sun, noon) = self.sun;
        let (wind, strongest) = self.wind;
        let (evening, peak) = self.evening;
        // A bell of some three hours around the evening peak.
        let late = (6.0 * (around(peak) - 1.0)).exp();
        self.base - sun * weather.sun * around(noon).max(0.0) - wind * weather.wind * around(strongest)
            + evening * late
    }
}

/// How strong sun and wind are on one day, 1 being usual.
#[derive(Debug, Clone, Copy)]
struct Weather {
    sun: f64,
    wind: f64,
}

/// A grid zone of the simulated world, with the truth about it.
#[derive(Debug, Clone)]
pub struct SimulatedZone {
    /// Its id.
    pub id: ZoneId,
    /// The one region in it.
    pub region: Region,
    /// Its true intensity, from a week before the simulated day to a week after it.
    pub truth: IntensitySeries,
    seed: u64,
}

/// Why a simulated world cannot be made. None of these depends on the seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// A GPU model of the simulated nodes has no profile.
    #[error("the gpu profile table has no `{0}`, which simulated nodes have")]
    NoProfile(&'static str),
    /// A name that the tables refuse.
    #[error(transparent)]
    Name(#[from] crate::grid::NameError),
    /// A day without points.
    #[error(transparent)]
    Series(#[from] SeriesError),
}

/// Makes the zones of a world whose day begins at `start`.
pub(super) fn zones(seed: u64, start: Timestamp) -> Result<Vec<SimulatedZone>, WorldError> {
    (1..)
        .zip(SHAPES)
        .map(|(label, shape)| {
            let seed = Random::of(seed, label).bits();
            Ok(SimulatedZone {
                id: shape.zone.parse()?,
                region: shape.region.parse()?,
                truth: truth(&shape, seed, start)?,
                seed,
            })
        })
        .collect()
}

fn truth(shape: &Shape, seed: u64, start: Timestamp) -> Result<IntensitySeries, SeriesError> {
    let mut random = Random::new(seed);
    let mut drift = 0.0;
    let mut points = Vec::new();
    let mut from = super::later(start, SignedDuration::from_hours(24) * -PAST_DAYS);
    for _day in -PAST_DAYS..AHEAD_DAYS {
        let weather = Weather {
            sun: random.between(0.7, 1.1),
            wind: random.between(0.6, 1.2),
        };
        for period in 0..48 {
            // Slow noise: what the shape leaves out lasts some hours.
            drift = 0.9 * drift + 0.015 * random.normal();
            let value = shape.at(f64::from(period) / 2.0, weather) * (1.0 + drift);
            points.push(IntensityPoint {
                from,
                value: GramsPerKwh::saturating(value.max(FLOOR)),
            });
            from = super::later(from, PERIOD);
        }
    }
    IntensitySeries::new(points, from)
}

impl SimulatedZone {
    /// What the zone's provider says at a moment: the running period's value, and a forecast that is wrong by more the
    /// further it looks. With `history`, the past week too, as a provider is asked once at start.
    #[must_use]
    pub fn report(&self, now: Timestamp, history: bool) -> Option<CarbonReport> {
        let points = self.truth.points();
        let next = points.partition_point(|point| point.from <= now);
        let past = points.get(..next)?;
        let latest = past.last()?;
        let ahead = points.iter().skip(next).take(FORECAST_PERIODS);
        let until = super::later(latest.from, PERIOD);
        let issue = u64::try_from(next).unwrap_or(0);
        let mut random = Random::of(self.seed, issue);
        let step = FORECAST_ERROR / (FORECAST_PERIODS as f64).sqrt();
        let mut off = 0.0;
        let predicted: Vec<IntensityPoint> = ahead
            .map(|point| {
                off += step * random.normal();
                IntensityPoint {
                    from: point.from,
                    value: GramsPerKwh::saturating((point.value.get() * (1.0 + off)).max(FLOOR)),
                }
            })
            .collect();
        let end = predicted.last().map(|point| super::later(point.from, PERIOD));
        Some(CarbonReport {
            zone: self.id.clone(),
            kind: KIND,
            source: Source::new("simulated"),
            priority: 0,
            latest: Some(LatestIntensity {
                value: latest.value,
                from: latest.from,
                until,
                estimated: false,
            }),
            forecast: end.map(|until| Forecast {
                issued_at: latest.from,
                points: predicted,
                until,
            }),
            history: if history { past.to_vec() } else { Vec::new() },
            fixed: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(seed: u64) -> Vec<SimulatedZone> {
        zones(seed, super::super::FIRST_INSTANT).unwrap()
    }

    fn at(zone: &SimulatedZone, hour: i64) -> f64 {
        let when = super::super::later(super::super::FIRST_INSTANT, SignedDuration::from_hours(hour));
        zone.truth.at(when).unwrap().get()
    }

    #[test]
    fn the_days_cross_so_that_each_zone_is_cleanest_once() {
        for seed in 0..20 {
            let zones = made(seed);
            let best_at = |hour| {
                (0..3)
                    .min_by(|a, b| at(&zones[*a], hour).total_cmp(&at(&zones[*b], hour)))
                    .unwrap()
            };
            assert_eq!((best_at(12), best_at(3), best_at(20)), (0, 1, 2), "seed {seed}");
        }
    }

    #[test]
    fn a_report_tells_the_running_period_and_a_forecast_that_is_near_but_wrong() {
        let zone = &made(1)[0];
        let now = super::super::later(super::super::FIRST_INSTANT, SignedDuration::from_mins(75));
        let report = zone.report(now, true).unwrap();
        let latest = report.latest.unwrap();
        assert_eq!(Some(latest.value), zone.truth.at(now));
        assert!(latest.from <= now && now < latest.until);
        let forecast = report.forecast.unwrap();
        assert_eq!(forecast.points.first().unwrap().from, latest.until);
        let off: Vec<f64> = forecast
            .points
            .iter()
            .map(|p| (p.value.get() / zone.truth.at(p.from).unwrap().get() - 1.0).abs())
            .collect();
        assert!(
            off.iter().all(|off| *off < 0.6) && off.iter().any(|off| *off > 0.005),
            "{off:?}"
        );
        assert!(
            report.history.iter().all(|p| p.from <= now),
            "history never tells the future"
        );
        assert_eq!(report.history.len(), 7 * 48 + 3);
    }
}
