//! Bodies of the GB Carbon Intensity API.

use heliotrope_core::quantity::GramsPerKwh;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// An answer of any route that is asked.
#[derive(Debug, Deserialize)]
pub(super) struct Body {
    data: OneOrMany<Item>,
}

/// Regional routes answer a region or a list of one, whatever the documentation shows.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

/// A period of a national route, or a region with its periods.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Item {
    Region { regionid: u8, data: Vec<RawPeriod> },
    Period(RawPeriod),
}

#[derive(Debug, Deserialize)]
struct RawPeriod {
    from: String,
    to: String,
    intensity: RawIntensity,
}

#[derive(Debug, Deserialize)]
struct RawIntensity {
    forecast: Option<f64>,
    actual: Option<f64>,
}

/// A half-hour with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Period {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) forecast: Option<GramsPerKwh>,
    pub(super) actual: Option<GramsPerKwh>,
}

impl Body {
    /// Reads a body of one of the documented shapes.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The periods of a region, or of the country, in order and each once. None where the answer is about another place.
    ///
    /// The API has been seen to send one period twice; what is known of it in either counts. A period without legal times
    /// is left out.
    pub(super) fn periods(self, region: Option<u8>) -> Option<Vec<Period>> {
        let items = match self.data {
            OneOrMany::Many(items) => items,
            OneOrMany::One(item) => vec![item],
        };
        let (mut raw, mut elsewhere) = (Vec::new(), false);
        for item in items {
            match item {
                Item::Period(period) if region.is_none() => raw.push(period),
                Item::Region { regionid, data } if region == Some(regionid) => raw.extend(data),
                Item::Period(_) | Item::Region { .. } => elsewhere = true,
            }
        }
        if raw.is_empty() && elsewhere {
            return None;
        }
        let mut periods: BTreeMap<Timestamp, Period> = BTreeMap::new();
        for period in raw.iter().filter_map(RawPeriod::checked) {
            let held = periods.entry(period.from).or_insert(period);
            held.actual = period.actual.or(held.actual);
            held.forecast = period.forecast.or(held.forecast);
        }
        Some(periods.into_values().collect())
    }
}

impl RawPeriod {
    fn checked(&self) -> Option<Period> {
        let (from, to) = (minute(&self.from)?, minute(&self.to)?);
        (from < to).then_some(Period {
            from,
            to,
            forecast: grams(self.intensity.forecast),
            actual: grams(self.intensity.actual),
        })
    }
}

/// Zero or less is no data: Great Britain has never been free of carbon, and a zero would make it the greenest place on
/// earth.
fn grams(value: Option<f64>) -> Option<GramsPerKwh> {
    value
        .filter(|value| *value > 0.0)
        .and_then(|value| GramsPerKwh::new(value).ok())
}

/// `2018-01-20T12:00Z`: without seconds, which parsers of RFC 3339 refuse. jiff reads it.
fn minute(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}
