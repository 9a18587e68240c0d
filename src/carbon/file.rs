//! Intensities from a file: CSV (portal exports of Electricity Maps included) or JSON.

use super::run::CarbonError;
use heliotrope_core::grid::{Basis, IntensityKind, IntensityPoint, ZoneId};
use heliotrope_core::quantity::{GramsPerKwh, Source};
use heliotrope_core::snapshot::{CarbonReport, Forecast, LatestIntensity};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A larger file is refused.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// History that is read; the climatology uses no more.
const HISTORY: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Deserialize)]
struct JsonZone {
    zone: ZoneId,
    points: Vec<IntensityPoint>,
}

/// Reads a file: past rows are history, the row of now is the latest value, later rows are the forecast. The last row
/// holds as long as the one before it.
pub(super) async fn fetch(
    path: &Path,
    kind: IntensityKind,
    name: &str,
    now: Timestamp,
) -> Result<Vec<CarbonReport>, CarbonError> {
    let unreadable = |_| CarbonError::File {
        line: 0,
        what: "cannot be read",
    };
    if tokio::fs::metadata(path).await.map_err(unreadable)?.len() > MAX_BYTES {
        return Err(CarbonError::File {
            line: 0,
            what: "is larger than 64 MiB",
        });
    }
    let text = tokio::fs::read_to_string(path).await.map_err(unreadable)?;
    let zones = if text.trim_start().starts_with(['[', '{']) {
        json(&text)?
    } else {
        csv(&text, kind.basis)?
    };
    Ok(zones
        .into_iter()
        .filter_map(|(zone, points)| report(zone, points, kind, name, now))
        .collect())
}

fn json(text: &str) -> Result<BTreeMap<ZoneId, Vec<IntensityPoint>>, CarbonError> {
    let wrong = |error: serde_json::Error| CarbonError::File {
        line: error.line(),
        what: "is not {zone, points: [{from, value}]}",
    };
    let zones: Vec<JsonZone> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(wrong)?
    } else {
        vec![serde_json::from_str(text).map_err(wrong)?]
    };
    Ok(zones.into_iter().map(|zone| (zone.zone, zone.points)).collect())
}

/// Columns are found by what their titles contain, for exports have renamed them over the years.
fn csv(text: &str, basis: Basis) -> Result<BTreeMap<ZoneId, Vec<IntensityPoint>>, CarbonError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let titles: Vec<String> = reader
        .headers()
        .map_err(|_| CarbonError::File {
            line: 1,
            what: "has no header",
        })?
        .iter()
        .map(str::to_lowercase)
        .collect();
    let column = |matches: &dyn Fn(&str) -> bool| titles.iter().position(|title| matches(title));
    let wanted = if basis == Basis::Direct { "direct" } else { "lca" };
    let other = |title: &str| ["life", "lca", "direct"].iter().any(|word| title.contains(word));
    let intensity = |title: &str| title.contains("carbon") && title.contains("intensity");
    let missing = |what| CarbonError::File { line: 1, what };
    let when = column(&|t| t.contains("datetime") || t == "time" || t == "timestamp" || t == "from")
        .ok_or_else(|| missing("has no column datetime"))?;
    let zone = column(&|t| t == "zone id" || t == "zone").ok_or_else(|| missing("has no column zone"))?;
    let value = column(&|t| intensity(t) && (t.contains(wanted) || (wanted == "lca" && t.contains("life"))))
        .or_else(|| column(&|t| intensity(t) && !other(t)))
        .ok_or_else(|| missing("has no carbon intensity column of the basis stated"))?;
    let mut zones: BTreeMap<ZoneId, Vec<IntensityPoint>> = BTreeMap::new();
    for row in reader.records() {
        let row = row.map_err(|_| CarbonError::File {
            line: 0,
            what: "has a row that is not CSV",
        })?;
        let line = row.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
        let cell = |at| row.get(at).unwrap_or_default();
        // An empty cell is a gap.
        if cell(value).is_empty() {
            continue;
        }
        let wrong = |what| CarbonError::File { line, what };
        let from = moment(cell(when)).ok_or_else(|| wrong("has a datetime that is not one"))?;
        let number: f64 = cell(value)
            .parse()
            .map_err(|_| wrong("has an intensity that is not a number"))?;
        let value = GramsPerKwh::new(number).map_err(|_| wrong("has a negative or infinite intensity"))?;
        let id = cell(zone).parse().map_err(|_| wrong("has a zone that cannot be one"))?;
        zones.entry(id).or_default().push(IntensityPoint { from, value });
    }
    Ok(zones)
}

/// RFC 3339, or the exports' `2021-01-01 00:00:00`, which are UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let civil = || {
        text.parse::<jiff::civil::DateTime>()
            .ok()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
    };
    text.parse().ok().or_else(|| Some(civil()?.timestamp()))
}

fn report(
    zone: ZoneId,
    mut points: Vec<IntensityPoint>,
    kind: IntensityKind,
    name: &str,
    now: Timestamp,
) -> Option<CarbonReport> {
    points.sort_by_key(|point| point.from);
    let end_of = |i: usize| -> Option<Timestamp> {
        let this = points.get(i)?;
        if let Some(next) = points.get(i + 1) {
            return Some(next.from);
        }
        let step = i
            .checked_sub(1)
            .and_then(|before| points.get(before))
            .map(|before| this.from.duration_since(before.from));
        this.from
            .saturating_add(step.unwrap_or(SignedDuration::from_hours(1)))
            .ok()
    };
    let running = points.partition_point(|point| point.from <= now).checked_sub(1);
    let latest = running.and_then(|i| {
        let point = points.get(i)?;
        Some(LatestIntensity {
            value: point.value,
            from: point.from,
            until: end_of(i)?,
            estimated: false,
        })
    });
    let oldest = now.saturating_sub(HISTORY).unwrap_or(Timestamp::MIN);
    let history = points
        .iter()
        .filter(|point| point.from >= oldest && point.from <= now)
        .copied()
        .collect();
    let ahead: Vec<_> = points.iter().skip(running.unwrap_or(0)).copied().collect();
    let until = points.len().checked_sub(1).and_then(end_of)?;
    let forecast = (until > now && ahead.len() > 1).then_some(Forecast {
        issued_at: now,
        points: ahead,
        until,
    });
    Some(CarbonReport {
        zone,
        kind,
        source: Source::new(name),
        priority: 0,
        latest,
        forecast,
        history,
        fixed: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: &str = "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),Low Carbon Percentage\n\
        2026-01-01 00:00:00,Germany,Germany,DE,300.5,350.25,50\n2026-01-01 01:00:00,Germany,Germany,DE,,,50\n\
        2026-01-01 02:00:00,Germany,Germany,DE,200,250,60\n2026-01-01 03:00:00,Germany,Germany,DE,100,150,60\n";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_export_is_read_in_the_basis_stated_and_a_gap_stays_one() {
        let zones = csv(EXPORT, Basis::Direct).unwrap();
        let points = &zones[&"DE".parse::<ZoneId>().unwrap()];
        assert_eq!(
            points.iter().map(|p| p.value.get()).collect::<Vec<_>>(),
            [300.5, 200.0, 100.0]
        );
        let lifecycle = csv(EXPORT, Basis::Lifecycle).unwrap();
        assert_eq!(
            lifecycle.values().next().unwrap()[0].value,
            GramsPerKwh::new(350.25).unwrap()
        );
    }

    #[test]
    fn now_splits_the_past_from_the_forecast() {
        let points = csv(EXPORT, Basis::Direct).unwrap().into_values().next().unwrap();
        let kind = IntensityKind {
            signal: heliotrope_core::grid::Signal::Average,
            basis: Basis::Direct,
        };
        let report = report(
            "DE".parse().unwrap(),
            points,
            kind,
            "export",
            at("2026-01-01T02:30:00Z"),
        )
        .unwrap();
        let latest = report.latest.unwrap();
        assert_eq!((latest.value.get(), latest.until), (200.0, at("2026-01-01T03:00:00Z")));
        assert_eq!(report.forecast.unwrap().until, at("2026-01-01T04:00:00Z"));
        assert_eq!(report.history.len(), 2);
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let wrong = "datetime,zone,carbon_intensity\n2026-01-01T00:00:00Z,DE,many\n";
        assert!(matches!(
            csv(wrong, Basis::Direct),
            Err(CarbonError::File { line: 2, .. })
        ));
    }
}
