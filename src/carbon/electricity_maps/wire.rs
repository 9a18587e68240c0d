//! Bodies of Electricity Maps.
//!
//! One and the same list has three names (`history`, `data`, `forecast`), and the wrappers of v4 are not known for certain.
//! So any of them is taken for any route, as is a single object where one value is enough; a body with two lists or with a
//! list beside a value of its own could mean either and is refused.

use crate::carbon::access::Ability;
use crate::carbon::error::CarbonError;
use crate::carbon::figure::figure;
use crate::carbon::provider::Told;
use heliotrope_core::grid::{Basis, IntensityKind, IntensityPoint, ZoneId};
use heliotrope_core::quantity::GramsPerKwh;
use heliotrope_core::snapshot::{Forecast, LatestIntensity};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a body of another shape is told to lack.
pub(super) const DOCUMENTED: &str = "no zone with one value, or one list of them, of known hours";

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The last part of a route.
pub(super) fn route(what: Ability) -> &'static str {
    match what {
        Ability::Latest => "latest",
        Ability::History => "history",
        Ability::Past => "past-range",
        Ability::Forecast => "forecast",
    }
}

/// How the API calls a basis.
pub(super) fn name(basis: Basis) -> &'static str {
    match basis {
        Basis::Lifecycle => "lifecycle",
        Basis::Direct => "direct",
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Point>),
    One(Box<Point>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    zone: Option<String>,
    #[serde(alias = "history", alias = "data", alias = "forecast")]
    points: Option<OneOrMany>,
    datetime: Option<Timestamp>,
    #[serde(alias = "value")]
    carbon_intensity: Option<f64>,
    is_estimated: Option<bool>,
    emission_factor_type: Option<Basis>,
    updated_at: Option<Timestamp>,
    temporal_granularity: Option<String>,
    unit: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    zone: Option<String>,
    datetime: Timestamp,
    /// Null is no data.
    #[serde(alias = "value")]
    carbon_intensity: Option<f64>,
    is_estimated: Option<bool>,
    emission_factor_type: Option<Basis>,
    unit: Option<String>,
}

/// A body that can be understood.
#[derive(Debug)]
pub(super) struct Reply {
    zones: Vec<String>,
    bases: Vec<Basis>,
    units: Vec<String>,
    points: BTreeMap<Timestamp, Point>,
    issued_at: Option<Timestamp>,
    step: SignedDuration,
}

impl Reply {
    /// Reads a body of one of the shapes above.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let body: Body = serde_json::from_slice(body).ok()?;
        let has_value = body.datetime.is_some() || body.carbon_intensity.is_some();
        let points = match (body.points, has_value) {
            (Some(OneOrMany::Many(points)), false) => points,
            (Some(OneOrMany::One(point)), false) => vec![*point],
            (None, true) => vec![Point {
                zone: None,
                datetime: body.datetime?,
                carbon_intensity: body.carbon_intensity,
                is_estimated: body.is_estimated,
                emission_factor_type: None,
                unit: None,
            }],
            _ => return None,
        };
        let own = |point: &Point| (point.zone.clone(), point.emission_factor_type, point.unit.clone());
        let (mut zones, mut bases, mut units) = (
            Vec::from_iter(body.zone),
            Vec::from_iter(body.emission_factor_type),
            Vec::from_iter(body.unit),
        );
        for (zone, basis, unit) in points.iter().map(own) {
            zones.extend(zone);
            bases.extend(basis);
            units.extend(unit);
        }
        bases.dedup();
        let step = match body.temporal_granularity.as_deref() {
            None | Some("hourly") => HOUR,
            Some("5_minutes") => SignedDuration::from_mins(5),
            Some("15_minutes") => SignedDuration::from_mins(15),
            Some(_) => return None,
        };
        // Figures of two bases in one answer: nobody can say which is which.
        (bases.len() <= 1).then(|| Self {
            zones,
            bases,
            units,
            issued_at: body.updated_at,
            step,
            points: points.into_iter().map(|point| (point.datetime, point)).collect(),
        })
    }

    /// The basis that the answer says it has.
    pub(super) fn basis(&self) -> Option<Basis> {
        self.bases.first().copied()
    }

    /// Whether the answer is about the zone asked for, in the unit documented.
    pub(super) fn check(&self, zone: &ZoneId) -> Result<(), CarbonError> {
        // An answer that does not say its zone could be about the caller's own.
        if self.zones.is_empty() || self.zones.iter().any(|said| said != zone.as_str()) {
            return Err(CarbonError::Elsewhere);
        }
        if self.units.iter().any(|unit| !is_grams_per_kwh(unit)) {
            return Err(CarbonError::Unit { expected: "gCO2eq/kWh" });
        }
        Ok(())
    }

    /// What the answer says, its figures being of some kind.
    pub(super) fn told(&self, what: Ability, kind: IntensityKind, now: Timestamp) -> Told {
        let mut told = Told::nothing(kind);
        if what == Ability::Forecast {
            told.forecast = self.forecast(kind, now);
        } else {
            told.latest = self.latest(kind, now).or_else(|| self.early(what, kind));
            told.history = self.past(kind, now);
        }
        told
    }

    fn figures(&self, kind: IntensityKind) -> impl Iterator<Item = (Timestamp, &Point, Option<GramsPerKwh>)> {
        let figures = self.points.iter();
        figures.map(move |(from, point)| (*from, point, figure(point.carbon_intensity, kind)))
    }

    /// The value of the last hour that has begun.
    fn latest(&self, kind: IntensityKind, now: Timestamp) -> Option<LatestIntensity> {
        let begun = self
            .figures(kind)
            .filter(|(from, _, value)| *from <= now && value.is_some());
        self.over_its_hour(begun.last()?)
    }

    /// The API publishes an estimate of the next hour before it begins, with a time later than its own `updatedAt`. It is
    /// told as what it is: the ladder takes no value before its time.
    fn early(&self, what: Ability, kind: IntensityKind) -> Option<LatestIntensity> {
        let mut figures = self.figures(kind).filter(|_| what == Ability::Latest);
        self.over_its_hour(figures.next()?)
    }

    fn over_its_hour(
        &self,
        (from, point, value): (Timestamp, &Point, Option<GramsPerKwh>),
    ) -> Option<LatestIntensity> {
        Some(LatestIntensity {
            value: value?,
            from,
            until: from.saturating_add(self.step).ok()?,
            estimated: point.is_estimated == Some(true),
        })
    }

    fn past(&self, kind: IntensityKind, now: Timestamp) -> Vec<IntensityPoint> {
        let begun = self.figures(kind).filter(|(from, _, _)| *from <= now);
        begun
            .filter_map(|(from, _, value)| Some(IntensityPoint { from, value: value? }))
            .collect()
    }

    /// The forecast up to its first gap: what lies beyond is not known from what lies before.
    fn forecast(&self, kind: IntensityKind, now: Timestamp) -> Option<Forecast> {
        let mut points: Vec<IntensityPoint> = Vec::new();
        for (from, _, value) in self.figures(kind) {
            let until = from.saturating_add(self.step).ok()?;
            if until <= now {
                continue;
            }
            let follows = points
                .last()
                .is_none_or(|last| last.from.saturating_add(self.step).ok() == Some(from));
            match value.filter(|_| follows) {
                Some(value) => points.push(IntensityPoint { from, value }),
                None => break,
            }
        }
        let until = points.last()?.from.saturating_add(self.step).ok()?;
        Some(Forecast {
            issued_at: self.issued_at.map_or(now, |issued| issued.min(now)),
            until,
            points,
        })
    }
}

/// `gCO2eq/kWh` and how else it is written.
fn is_grams_per_kwh(unit: &str) -> bool {
    let unit = unit.to_lowercase().replace('₂', "2");
    let unit: String = unit.chars().filter(|c| c.is_alphanumeric() || *c == '/').collect();
    ["gco2eq/kwh", "gco2e/kwh", "gco2/kwh", "g/kwh"].contains(&unit.as_str())
}
