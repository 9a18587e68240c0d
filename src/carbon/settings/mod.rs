//! `carbon` in the settings file.

mod keyed;
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
    placement_signal: Option<String>,
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
    /// The one kind that placement ranks. What shifts jobs in time may one day rank another; what accounts for emissions
    /// never has a choice: it is the average.
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
        let kind = IntensityKind {
            signal: signal(
                "placementSignal",
                self.placement_signal.as_deref().or(Some("average")),
                problems,
            )
            .unwrap_or(Signal::Average),
            basis: basis(self.basis.as_deref().or(Some("lifecycle")), problems).unwrap_or(Basis::Lifecycle),
        };
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
        let providers = providers(self.providers.unwrap_or_default(), kind, problems);
        let zones = problems.within("zones", |problems| {
            chains(self.zones.unwrap_or_default(), &providers, kind, problems)
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

fn providers(raw: Vec<RawProvider>, ranked: IntensityKind, problems: &mut Problems) -> Vec<ProviderSettings> {
    problems.within("providers", |problems| {
        let mut names = BTreeSet::new();
        let checked = raw.into_iter().enumerate().filter_map(|(i, raw)| {
            problems.within(format_args!("[{i}]"), |problems| {
                let provider = raw.validate(ranked, problems)?;
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

/// The chains of the zones; each names providers, and each of them once, of the one kind that is ranked.
fn chains(
    raw: BTreeMap<String, Vec<String>>,
    providers: &[ProviderSettings],
    ranked: IntensityKind,
    problems: &mut Problems,
) -> BTreeMap<ZoneId, Vec<String>> {
    let mut zones = BTreeMap::new();
    for (zone, chain) in raw {
        let id = zone.parse::<ZoneId>();
        let mut seen = BTreeSet::new();
        for name in &chain {
            if !seen.insert(name) {
                problems.report(&zone, format_args!("`{name}` stands twice in the chain"));
                continue;
            }
            let Some(provider) = providers.iter().find(|provider| provider.name == *name) else {
                problems.report(&zone, format_args!("`{name}` is not the name of a provider"));
                continue;
            };
            if let Some(given) = provider.source.kind().filter(|given| *given != ranked) {
                problems.report(
                    &zone,
                    format_args!(
                        "`{name}` gives {given} intensity, but {ranked} is ranked, and two kinds are never compared: take it \
                         out, or change carbon.basis or carbon.placementSignal"
                    ),
                );
            }
            if let Some(why) = id.as_ref().ok().and_then(|id| provider.source.cannot_serve(id)) {
                problems.report(&zone, format_args!("`{name}` {why}"));
            }
        }
        match id {
            Ok(id) => drop(zones.insert(id, chain)),
            Err(error) => problems.report(&zone, error),
        }
    }
    zones
}

/// A kind of intensity, of which both keys must be there.
fn kind(raw: &RawProvider, problems: &mut Problems) -> Option<IntensityKind> {
    let signal = signal("signal", raw.signal.as_deref(), problems);
    let basis = basis(raw.basis.as_deref(), problems);
    Some(IntensityKind {
        signal: signal?,
        basis: basis?,
    })
}

fn signal(key: &str, text: Option<&str>, problems: &mut Problems) -> Option<Signal> {
    match text {
        Some("average") => Some(Signal::Average),
        Some("marginal") => Some(Signal::Marginal),
        _ => {
            problems.report(key, "must be average or marginal");
            None
        }
    }
}

fn basis(text: Option<&str>, problems: &mut Problems) -> Option<Basis> {
    match text {
        Some("lifecycle") => Some(Basis::Lifecycle),
        Some("direct") => Some(Basis::Direct),
        _ => {
            problems.report("basis", "must be lifecycle or direct");
            None
        }
    }
}
