//! `carbon` in the settings file.

mod provider;
mod raw;
mod source;

pub use provider::ProviderSettings;
pub use source::SourceSettings;

use crate::settings::Problems;
use heliotrope_core::grid::{Basis, IntensityKind, Signal, ZoneId};
use heliotrope_core::snapshot::LadderBounds;
use jiff::SignedDuration;
use raw::RawProvider;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// `carbon`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawCarbon {
    signal: Option<String>,
    basis: Option<String>,
    zones_file: Option<PathBuf>,
    regions_file: Option<PathBuf>,
    live_grace: Option<String>,
    last_known_for: Option<String>,
    forecast_for: Option<String>,
    providers: Option<Vec<RawProvider>>,
    zones: Option<BTreeMap<String, Vec<String>>>,
}

/// `carbon`, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CarbonSettings {
    /// The one kind that is ranked.
    pub kind: IntensityKind,
    /// How readings age.
    pub ladder: LadderBounds,
    /// Who is asked.
    pub providers: Vec<ProviderSettings>,
    /// Names of the providers of each zone, best first.
    pub zones: BTreeMap<ZoneId, Vec<String>>,
}

impl RawCarbon {
    /// Takes relative file names from a folder.
    pub fn locate(&mut self, folder: &Path) {
        for provider in self.providers.iter_mut().flatten() {
            provider.locate(folder);
        }
    }

    /// Checks the section. The table files are read with the settings file itself.
    pub fn validate(self, problems: &mut Problems) -> CarbonSettings {
        let default = IntensityKind {
            signal: Signal::Average,
            basis: Basis::Lifecycle,
        };
        let kind = kind(self.signal.as_deref(), self.basis.as_deref(), Some(default), problems).unwrap_or(default);
        let bounds = SignedDuration::from_mins(1)..=SignedDuration::from_hours(7 * 24);
        let ladder = LadderBounds::default();
        let live_grace = problems.duration(
            "liveGrace",
            self.live_grace.as_deref(),
            ladder.live_grace,
            SignedDuration::ZERO..=SignedDuration::from_hours(1),
        );
        let last_known_for = problems.duration(
            "lastKnownFor",
            self.last_known_for.as_deref(),
            ladder.last_known_for,
            bounds.clone(),
        );
        let forecast_for =
            problems.duration("forecastFor", self.forecast_for.as_deref(), ladder.forecast_for, bounds);
        let providers = providers(self.providers.unwrap_or_default(), problems);
        let names: BTreeSet<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
        let zones = problems.within("zones", |problems| {
            chains(self.zones.unwrap_or_default(), &names, problems)
        });
        let ladder = LadderBounds {
            live_grace,
            last_known_for,
            forecast_for,
        };
        CarbonSettings {
            kind,
            ladder,
            providers,
            zones,
        }
    }
}

fn providers(raw: Vec<RawProvider>, problems: &mut Problems) -> Vec<ProviderSettings> {
    problems.within("providers", |problems| {
        let mut names = BTreeSet::new();
        let checked = raw.into_iter().enumerate().filter_map(|(i, raw)| {
            problems.within(format_args!("[{i}]"), |problems| {
                let provider = raw.validate(problems)?;
                if !names.insert(provider.name.clone()) {
                    problems.report(
                        "name",
                        format_args!("`{}` is the name of another provider too", provider.name),
                    );
                }
                Some(provider)
            })
        });
        checked.collect()
    })
}

/// The chains of the zones; each names providers, and each of them once.
fn chains(
    raw: BTreeMap<String, Vec<String>>,
    names: &BTreeSet<&str>,
    problems: &mut Problems,
) -> BTreeMap<ZoneId, Vec<String>> {
    let mut zones = BTreeMap::new();
    for (zone, chain) in raw {
        let mut seen = BTreeSet::new();
        for name in &chain {
            if !names.contains(name.as_str()) {
                problems.report(&zone, format_args!("`{name}` is not the name of a provider"));
            } else if !seen.insert(name) {
                problems.report(&zone, format_args!("`{name}` stands twice in the chain"));
            }
        }
        match zone.parse::<ZoneId>() {
            Ok(id) => drop(zones.insert(id, chain)),
            Err(error) => problems.report(&zone, error),
        }
    }
    zones
}

/// A kind of intensity; without a default both of its keys must be there.
fn kind(
    signal: Option<&str>,
    basis: Option<&str>,
    default: Option<IntensityKind>,
    problems: &mut Problems,
) -> Option<IntensityKind> {
    let signal = match signal {
        Some("average") => Some(Signal::Average),
        Some("marginal") => Some(Signal::Marginal),
        None if default.is_some() => default.map(|kind| kind.signal),
        _ => {
            problems.report("signal", "must be average or marginal");
            None
        }
    };
    let basis = match basis {
        Some("lifecycle") => Some(Basis::Lifecycle),
        Some("direct") => Some(Basis::Direct),
        None if default.is_some() => default.map(|kind| kind.basis),
        _ => {
            problems.report("basis", "must be lifecycle or direct");
            None
        }
    };
    Some(IntensityKind {
        signal: signal?,
        basis: basis?,
    })
}
