use crate::settings::Problems;
use heliotrope_core::grid::{YearlyAverage, ZoneId, ZoneRow};
use heliotrope_core::quantity::{GramsPerKwh, Source};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawZones {
    sources: BTreeMap<String, RawPublisher>,
    zones: Vec<RawZone>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawPublisher {
    name: Option<String>,
    /// For people; read so that a misspelled key is told.
    url: Option<String>,
    licence: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawZone {
    zone: Option<String>,
    name: Option<String>,
    lifecycle: Option<RawYear>,
    direct: Option<RawYear>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawYear {
    intensity: Option<String>,
    year: Option<i16>,
    source: Option<String>,
}

/// Years that a table can plausibly speak of.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2100;

pub(super) fn validate(raw: RawZones, problems: &mut Problems) -> Vec<(ZoneId, ZoneRow)> {
    publishers(&raw.sources, problems);
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for (zone, ix) in raw.zones.into_iter().zip(0usize..) {
        let row = problems.within(format_args!("zones[{ix}]"), |problems| {
            let id: ZoneId = required(problems, "zone", zone.zone.as_deref())?;
            if !seen.insert(id.clone()) {
                problems.report("zone", format_args!("`{id}` comes twice"));
            }
            let row = ZoneRow {
                name: zone.name.unwrap_or_else(|| id.to_string()),
                lifecycle: problems.within("lifecycle", |p| yearly(zone.lifecycle, &raw.sources, p)),
                direct: problems.within("direct", |p| yearly(zone.direct, &raw.sources, p)),
            };
            Some((id, row))
        });
        rows.extend(row);
    }
    rows
}

fn publishers(sources: &BTreeMap<String, RawPublisher>, problems: &mut Problems) {
    problems.within("sources", |problems| {
        for (id, source) in sources {
            problems.within(id, |problems| {
                if source.name.is_none() {
                    problems.report("name", "is missing: say who publishes the figures");
                }
                if source.licence.is_none() {
                    problems.report(
                        "licence",
                        "is missing: say under which licence the figures are published",
                    );
                }
            });
        }
    });
}

fn yearly(
    raw: Option<RawYear>,
    sources: &BTreeMap<String, RawPublisher>,
    problems: &mut Problems,
) -> Option<YearlyAverage> {
    let raw = raw?;
    let intensity: Option<GramsPerKwh> = required(problems, "intensity", raw.intensity.as_deref());
    let year = raw.year.filter(|year| YEARS.contains(year));
    if year.is_none() {
        let (first, last) = (YEARS.start(), YEARS.end());
        problems.report("year", format_args!("must be a year from {first} to {last}"));
    }
    let source = raw.source.filter(|source| sources.contains_key(source));
    if source.is_none() {
        problems.report("source", "must be one of the keys under `sources`");
    }
    Some(YearlyAverage {
        intensity: intensity?,
        year: year?,
        source: Source::new(&source?),
    })
}

/// Reads a text that has to be there.
pub(super) fn required<T: std::str::FromStr>(problems: &mut Problems, key: &str, text: Option<&str>) -> Option<T>
where
    T::Err: std::fmt::Display,
{
    match text.map(T::from_str) {
        Some(Ok(value)) => return Some(value),
        Some(Err(error)) => problems.report(key, error),
        None => problems.report(key, "is missing"),
    }
    None
}
