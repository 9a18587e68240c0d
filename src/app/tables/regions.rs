use super::zones::required;
use crate::settings::Problems;
use heliotrope_core::grid::{Region, RegionTable, ZoneId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawRegions {
    regions: Vec<RawRegion>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawRegion {
    provider: Option<String>,
    region: Option<String>,
    zone: Option<String>,
    /// For people; read so that a misspelled key is told.
    place: Option<String>,
    uncertain: Option<String>,
}

/// A row that is a guess, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Uncertain {
    /// Scheme of `spec.providerID`.
    pub provider: String,
    /// The region.
    pub region: Region,
    /// The zone that was guessed.
    pub zone: ZoneId,
    /// Why it is a guess.
    pub why: String,
}

/// Region → zone, and which rows are guesses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Regions {
    /// The table.
    pub table: RegionTable,
    /// Its rows that are guesses.
    pub uncertain: Vec<Uncertain>,
}

pub(super) struct Row {
    provider: String,
    region: Region,
    zone: ZoneId,
    uncertain: Option<String>,
}

impl Regions {
    pub(super) fn insert(&mut self, row: Row) {
        self.uncertain
            .retain(|old| old.provider != row.provider || old.region != row.region);
        self.table.insert(&row.provider, row.region.clone(), row.zone.clone());
        if let Some(why) = row.uncertain {
            self.uncertain.push(Uncertain {
                provider: row.provider,
                region: row.region,
                zone: row.zone,
                why,
            });
        }
    }
}

pub(super) fn validate(raw: RawRegions, problems: &mut Problems) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for (raw, ix) in raw.regions.into_iter().zip(0usize..) {
        let row = problems.within(format_args!("regions[{ix}]"), |problems| {
            let provider = provider(raw.provider, problems);
            let region: Option<Region> = required(problems, "region", raw.region.as_deref());
            let zone: Option<ZoneId> = required(problems, "zone", raw.zone.as_deref());
            let row = Row {
                provider: provider?,
                region: region?,
                zone: zone?,
                uncertain: raw.uncertain,
            };
            if !seen.insert((row.provider.clone(), row.region.clone())) {
                problems.report(
                    "region",
                    format_args!("`{}` comes twice for {}", row.region, row.provider),
                );
            }
            Some(row)
        });
        rows.extend(row);
    }
    rows
}

fn provider(text: Option<String>, problems: &mut Problems) -> Option<String> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'+');
    match text {
        Some(text) if !text.is_empty() && text.bytes().all(legal) => return Some(text),
        Some(_) => problems.report(
            "provider",
            "must be the scheme of `spec.providerID`, such as aws, azure or gce",
        ),
        None => problems.report("provider", "is missing"),
    }
    None
}
