//! Rows from JSON: our own shape, and the bodies of the Electricity Maps API, which names one and the same list three
//! ways.

use super::rows::{Row, Rows, figure, moment};
use crate::carbon::error::CarbonError;
use heliotrope_core::grid::{Basis, IntensityKind, ZoneId};
use serde::Deserialize;

/// One zone, or a list of them.
#[derive(Debug, Deserialize)]
struct Zone {
    zone: Option<String>,
    #[serde(alias = "history", alias = "data", alias = "forecast")]
    points: Vec<Point>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    #[serde(alias = "datetime")]
    from: String,
    /// Null is a gap.
    #[serde(alias = "carbonIntensity")]
    value: Option<f64>,
    emission_factor_type: Option<Basis>,
    #[serde(default)]
    is_estimated: Option<bool>,
}

/// Reads the rows. `zone` is what every point is about, for a file that does not say it.
pub(super) fn rows(text: &str, zone: Option<&ZoneId>, kind: IntensityKind) -> Result<Rows, CarbonError> {
    let wrong = |error: &serde_json::Error| CarbonError::File {
        line: error.line(),
        what: "is not {zone, points: [{from, value}]}, nor a body of Electricity Maps",
    };
    let zones: Vec<Zone> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| wrong(&error))?
    } else {
        vec![serde_json::from_str(text).map_err(|error| wrong(&error))?]
    };
    let refused = |what| CarbonError::File { line: 0, what };
    let mut rows = Rows::default();
    for Zone { zone: named, points } in zones {
        let id: ZoneId = match (&named, zone) {
            (Some(named), _) => named.parse().map_err(|_| refused("has a zone that cannot be one"))?,
            (None, Some(zone)) => zone.clone(),
            (None, None) => return Err(refused("names no zone: add it, or set zone")),
        };
        for point in points {
            if point.emission_factor_type.is_some_and(|said| said != kind.basis) {
                let basis = kind.basis;
                return Err(CarbonError::Basis { line: 0, basis });
            }
            let from = moment(&point.from).ok_or_else(|| refused("has a datetime that is not one"))?;
            let value = point.value.map_or(Ok(None), |number| figure(number, kind));
            if let Some(value) = value.map_err(refused)? {
                let estimated = point.is_estimated == Some(true);
                rows.insert(id.clone(), from, Row { value, estimated });
            }
        }
    }
    match zone {
        Some(zone) => rows.of_one(zone),
        None => Ok(rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_core::grid::Signal;

    const LIFECYCLE: IntensityKind = IntensityKind {
        signal: Signal::Average,
        basis: Basis::Lifecycle,
    };

    fn values(text: &str) -> Vec<(String, f64, bool)> {
        let rows = rows(text, None, LIFECYCLE).unwrap_or_else(|error| panic!("{error}: {text}"));
        let of_zone = rows.zones().flat_map(|(zone, rows)| {
            rows.values()
                .map(move |row| (zone.to_string(), row.value.get(), row.estimated))
        });
        of_zone.collect()
    }

    #[test]
    fn our_own_shape_and_every_name_of_the_list_are_read() {
        for list in ["points", "history", "data", "forecast"] {
            let text = format!(
                r#"{{"zone":"DE","{list}":[{{"datetime":"2026-01-01T00:00:00.000Z","carbonIntensity":216,"emissionFactorType":"lifecycle","isEstimated":true,"estimationMethod":"TIME_SLICER_AVERAGE"}},
                {{"datetime":"2026-01-01T01:00:00.000Z","carbonIntensity":null}}]}}"#
            );
            assert_eq!(values(&text), [("DE".to_owned(), 216.0, true)], "null is a gap");
        }
        let two = r#"[{"zone":"FR","points":[{"from":"2026-01-01T00:00:00Z","value":30}]},
            {"zone":"DE","points":[{"from":"2026-01-01T01:00:00+01:00","value":300}]}]"#;
        assert_eq!(
            values(two),
            [("DE".to_owned(), 300.0, false), ("FR".to_owned(), 30.0, false)]
        );
    }

    #[test]
    fn a_file_of_another_basis_than_stated_is_refused() {
        let text = r#"{"zone":"DE","data":[{"datetime":"2026-01-01T00:00:00Z","carbonIntensity":216,"emissionFactorType":"direct"}]}"#;
        let told = rows(text, None, LIFECYCLE).unwrap_err().to_string();
        assert!(told.contains("not lifecycle"), "{told}");
    }

    #[test]
    fn another_shape_is_told_with_its_line() {
        let told = rows("{\n\"zone\": 5}", None, LIFECYCLE).unwrap_err().to_string();
        assert!(told.contains("line 2"), "{told}");
        let no_zone = r#"{"points":[]}"#;
        assert!(rows(no_zone, None, LIFECYCLE).is_err());
        assert!(rows(no_zone, Some(&"DE".parse().unwrap()), LIFECYCLE).is_ok());
    }
}
