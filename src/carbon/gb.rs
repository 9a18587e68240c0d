//! GB Carbon Intensity API (NESO): half-hours in gCO2/kWh, average, direct emissions of generation.

use super::run::CarbonError;
use crate::outbound::{HttpClient, OutboundError};
use heliotrope_core::grid::{Basis, IntensityKind, IntensityPoint, Signal, ZoneId};
use heliotrope_core::quantity::{GramsPerKwh, Source};
use heliotrope_core::snapshot::{CarbonReport, Forecast, LatestIntensity};
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

const KIND: IntensityKind = IntensityKind {
    signal: Signal::Average,
    basis: Basis::Direct,
};

#[derive(Deserialize)]
struct Body {
    data: Data,
}

/// National routes answer a list of periods; regional ones a region, or a list of one, though the docs show but the list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    Periods(Vec<Period>),
    Regions(Vec<Region>),
    Region(Region),
}

#[derive(Deserialize)]
struct Region {
    data: Vec<Period>,
}

#[derive(Deserialize)]
struct Period {
    from: String,
    to: String,
    intensity: Intensity,
}

#[derive(Deserialize)]
struct Intensity {
    forecast: Option<f64>,
    actual: Option<f64>,
}

/// Fetches the day before and the two days ahead of a zone.
pub(super) async fn fetch(
    http: &HttpClient,
    base: &Url,
    region: Option<u8>,
    zone: &ZoneId,
    name: &str,
    now: Timestamp,
) -> Result<CarbonReport, CarbonError> {
    let stamp = now.strftime("%Y-%m-%dT%H:%MZ");
    let path = |span: &str| match region {
        None => format!("intensity/{stamp}/{span}"),
        Some(id) => format!("regional/intensity/{stamp}/{span}/regionid/{id}"),
    };
    let mut periods = Vec::new();
    for span in ["pt24h", "fw48h"] {
        let url = base.join(&path(span)).map_err(|_| CarbonError::Address)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let body = http.get(url).await?;
        let parsed: Body = serde_json::from_slice(&body).map_err(|_| OutboundError::Shape {
            host,
            what: "data is neither periods nor a region".to_owned(),
        })?;
        periods.extend(match parsed.data {
            Data::Periods(periods) => periods,
            Data::Regions(regions) => regions.into_iter().flat_map(|region| region.data).collect(),
            Data::Region(region) => region.data,
        });
    }
    report(&periods, zone, name, now)
}

/// What the periods say. `actual` is null for the running period and absent from regional answers; a value of zero or
/// less is no data either, for Great Britain has never been free of carbon. Regions have no `actual` at all: their
/// figure for the running period is the API's own estimate of now, and is told as such.
fn report(periods: &[Period], zone: &ZoneId, name: &str, now: Timestamp) -> Result<CarbonReport, CarbonError> {
    let mut latest: Option<LatestIntensity> = None;
    let (mut history, mut ahead) = (Vec::new(), Vec::new());
    let mut until = now;
    for period in periods {
        let (from, to) = (minute(&period.from)?, minute(&period.to)?);
        let positive = |value: Option<f64>| value.filter(|v| *v > 0.0).and_then(|v| GramsPerKwh::new(v).ok());
        let (actual, forecast) = (positive(period.intensity.actual), positive(period.intensity.forecast));
        if from <= now
            && let Some(value) = actual.or(forecast)
        {
            history.push(IntensityPoint { from, value });
            if latest.is_none_or(|held| held.from <= from) {
                latest = Some(LatestIntensity {
                    value,
                    from,
                    until: to,
                    estimated: actual.is_none(),
                });
            }
        }
        if to > now
            && let Some(value) = forecast
        {
            ahead.push(IntensityPoint { from, value });
            until = until.max(to);
        }
    }
    if latest.is_none() && ahead.is_empty() {
        return Err(CarbonError::NoData);
    }
    let forecast = (!ahead.is_empty()).then_some(Forecast {
        issued_at: now,
        points: ahead,
        until,
    });
    let source = Source::new(name);
    Ok(CarbonReport {
        zone: zone.clone(),
        kind: KIND,
        source,
        priority: 0,
        latest,
        forecast,
        history,
        fixed: None,
    })
}

/// `2018-01-20T12:00Z`: without seconds, which RFC 3339 parsers refuse.
fn minute(text: &str) -> Result<Timestamp, CarbonError> {
    let full = text.strip_suffix('Z').map(|minute| format!("{minute}:00Z"));
    full.and_then(|text| text.parse().ok()).ok_or(CarbonError::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn periods(body: &str) -> Vec<Period> {
        match serde_json::from_str::<Body>(body).unwrap().data {
            Data::Periods(periods) => periods,
            Data::Regions(regions) => regions.into_iter().flat_map(|region| region.data).collect(),
            Data::Region(region) => region.data,
        }
    }

    fn parse(body: &str) -> Result<CarbonReport, CarbonError> {
        let (zone, now) = (zone("GB"), at("2018-01-20T12:10:00Z"));
        report(&periods(body), &zone, "gb", now)
    }

    fn zone(text: &str) -> ZoneId {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_null_actual_is_not_a_zero() {
        let report = parse(
            r#"{"data":[{"from":"2018-01-20T11:30Z","to":"2018-01-20T12:00Z","intensity":{"forecast":266,"actual":263,"index":"moderate"}},
            {"from":"2018-01-20T12:00Z","to":"2018-01-20T12:30Z","intensity":{"forecast":250,"actual":null,"index":"moderate"}},
            {"from":"2018-01-20T12:30Z","to":"2018-01-20T13:00Z","intensity":{"forecast":240,"actual":null,"index":"moderate"}}]}"#,
        )
        .unwrap();
        let latest = report.latest.unwrap();
        assert_eq!((latest.value.get(), latest.estimated), (250.0, true));
        assert_eq!(report.forecast.unwrap().points.len(), 2);
        assert_eq!(report.history.len(), 2);
    }

    #[test]
    fn a_region_comes_as_an_object_or_in_a_list_and_has_no_actual() {
        let region = r#"{"regionid":3,"data":[{"from":"2018-01-20T12:00Z","to":"2018-01-20T12:30Z","intensity":{"forecast":266,"index":"moderate"}}]}"#;
        for body in [format!(r#"{{"data":{region}}}"#), format!(r#"{{"data":[{region}]}}"#)] {
            assert_eq!(
                parse(&body).unwrap().latest.unwrap().value,
                GramsPerKwh::new(266.0).unwrap()
            );
        }
    }

    #[test]
    fn zeros_and_nulls_are_no_data() {
        let body = r#"{"data":[{"from":"2018-01-20T12:00Z","to":"2018-01-20T12:30Z","intensity":{"forecast":0,"actual":null}}]}"#;
        assert!(matches!(parse(body), Err(CarbonError::NoData)));
    }
}
