//! Bodies of WattTime.

use super::signal_type;
use crate::carbon::access::Ability;
use crate::carbon::error::CarbonError;
use crate::carbon::figure::{GRAMS_PER_KWH_IN_LB_PER_MWH, figure};
use crate::carbon::provider::Told;
use heliotrope_core::grid::{Basis, IntensityKind, IntensityPoint, Signal};
use heliotrope_core::quantity::GramsPerKwh;
use heliotrope_core::snapshot::{Forecast, LatestIntensity};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a body of another shape is told to lack.
pub(super) const DOCUMENTED: &str = "no data with meta.region, meta.signal_type, meta.units and a period of minutes";

/// The one unit that is converted: pounds for each megawatt-hour.
const UNIT: &str = "lbs_co2_per_mwh";
/// Periods that data can have, in seconds: a minute to a day.
const PERIODS: std::ops::RangeInclusive<u32> = 60..=86_400;

/// The last part of a route.
pub(super) fn route(what: Ability) -> &'static str {
    match what {
        Ability::Forecast => "forecast",
        Ability::Latest | Ability::History | Ability::Past => "historical",
    }
}

/// An answer of `/v3/forecast` or `/v3/historical`.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    data: Vec<Point>,
    meta: Meta,
}

#[derive(Debug, Deserialize)]
struct Point {
    #[serde(rename = "point_time")]
    from: Timestamp,
    /// Null is no data.
    value: Option<f64>,
    #[serde(default)]
    imputed_data_used: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    data_point_period_seconds: u32,
    region: String,
    signal_type: String,
    units: String,
    generated_at: Option<Timestamp>,
    #[serde(default)]
    warnings: Option<Warnings>,
}

/// Objects, or texts as older clients have them, or one of either. What they say is not repeated anywhere.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Warnings {
    Many(Vec<serde::de::IgnoredAny>),
    One(serde::de::IgnoredAny),
}

impl Reply {
    /// Reads a body of the documented shape. What `meta` must say is not guessed where it is silent.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let reply: Self = serde_json::from_slice(body).ok()?;
        PERIODS.contains(&reply.meta.data_point_period_seconds).then_some(reply)
    }

    /// How many warnings it has.
    pub(super) fn warnings(&self) -> usize {
        match &self.meta.warnings {
            None => 0,
            Some(Warnings::Many(warnings)) => warnings.len(),
            Some(Warnings::One(_)) => 1,
        }
    }

    /// What the answer says about the region asked for.
    pub(super) fn told(
        &self,
        what: Ability,
        region: &str,
        asked: Signal,
        now: Timestamp,
    ) -> Result<Told, CarbonError> {
        if self.meta.region != region {
            return Err(CarbonError::Elsewhere);
        }
        // A percentile, dollars of health damage, or grams that would be converted twice.
        if self.meta.units != UNIT {
            return Err(CarbonError::Unit { expected: UNIT });
        }
        let said = [Signal::Average, Signal::Marginal]
            .into_iter()
            .find(|signal| signal_type(*signal) == self.meta.signal_type);
        let kind = IntensityKind {
            signal: said.ok_or(CarbonError::Unit {
                expected: signal_type(asked),
            })?,
            basis: Basis::Direct,
        };
        let mut told = Told::nothing(kind);
        let points = self.points(kind);
        let is_forecast = what == Ability::Forecast;
        let begun = points.iter().filter(|(from, _)| **from <= now);
        for (from, (value, imputed)) in begun {
            told.latest = Some(LatestIntensity {
                value: *value,
                from: *from,
                until: from.saturating_add(self.period()).unwrap_or(Timestamp::MAX),
                // The first value of a forecast is the running period's, and always an estimate.
                estimated: is_forecast || *imputed,
            });
            if !is_forecast {
                told.history.push(IntensityPoint {
                    from: *from,
                    value: *value,
                });
            }
        }
        if is_forecast {
            told.forecast = self.forecast(&points, now);
        }
        Ok(told)
    }

    fn period(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.meta.data_point_period_seconds))
    }

    /// Values in g/kWh, and whether they were filled in. A marginal zero is a value: sun that would be wasted. A zero of an
    /// average is none: every region of WattTime burns something.
    fn points(&self, kind: IntensityKind) -> BTreeMap<Timestamp, (GramsPerKwh, bool)> {
        let read = |point: &Point| {
            let grams = point.value.map(|pounds| pounds * GRAMS_PER_KWH_IN_LB_PER_MWH);
            let value = figure(grams, kind)?;
            let counts = value > GramsPerKwh::ZERO || kind.signal == Signal::Marginal;
            counts.then_some((point.from, (value, point.imputed_data_used == Some(true))))
        };
        self.data.iter().filter_map(read).collect()
    }

    /// The forecast up to its first gap.
    fn forecast(&self, points: &BTreeMap<Timestamp, (GramsPerKwh, bool)>, now: Timestamp) -> Option<Forecast> {
        let next = |from: Timestamp| from.saturating_add(self.period()).ok();
        let mut kept: Vec<IntensityPoint> = Vec::new();
        for (from, (value, _)) in points.iter().filter(|(from, _)| next(**from) > Some(now)) {
            if kept.last().is_some_and(|last| next(last.from) != Some(*from)) {
                break;
            }
            kept.push(IntensityPoint {
                from: *from,
                value: *value,
            });
        }
        Some(Forecast {
            issued_at: self.meta.generated_at.map_or(now, |made| made.min(now)),
            until: next(kept.last()?.from)?,
            points: kept,
        })
    }
}
