//! `carbon` in the settings file.

use crate::settings::Problems;
use heliotrope_core::grid::{Basis, IntensityKind, Signal, ZoneId};
use heliotrope_core::snapshot::LadderBounds;
use jiff::SignedDuration;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// `carbon`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawCarbon {
    signal: Option<String>,
    basis: Option<String>,
    zones_file: Option<PathBuf>,
    regions_file: Option<PathBuf>,
    last_known_for: Option<String>,
    forecast_for: Option<String>,
    providers: Option<Vec<RawProvider>>,
    zones: Option<BTreeMap<String, Vec<String>>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawProvider {
    name: Option<String>,
    r#type: Option<String>,
    url: Option<String>,
    path: Option<PathBuf>,
    query: Option<String>,
    zone_label: Option<String>,
    unit: Option<String>,
    signal: Option<String>,
    basis: Option<String>,
    interval: Option<String>,
    regions: Option<BTreeMap<String, u64>>,
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
    /// Names of the providers of each zone, first asked first.
    pub zones: BTreeMap<ZoneId, Vec<String>>,
}

/// One provider, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderSettings {
    /// Its name in the file.
    pub name: String,
    /// How often it is asked.
    pub interval: Duration,
    /// What it is.
    pub source: SourceSettings,
}

/// What a provider is.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceSettings {
    /// GB Carbon Intensity API: national, and regions by their number.
    Gb {
        /// Base address.
        url: Url,
        /// Region number by zone; a zone that is not here is national.
        regions: BTreeMap<ZoneId, u8>,
    },
    /// A file of intensities.
    File {
        /// Where it is.
        path: PathBuf,
        /// What its figures are.
        kind: IntensityKind,
    },
    /// A Prometheus series.
    Prometheus {
        /// Base address.
        url: Url,
        /// The expression.
        query: String,
        /// The label with the zone.
        zone_label: String,
        /// What one unit is in g/kWh.
        grams_per_unit: f64,
        /// What its figures are.
        kind: IntensityKind,
    },
    /// The yearly table.
    Static,
}

impl SourceSettings {
    /// The address that is called, where one is.
    #[must_use]
    pub fn url(&self) -> Option<&Url> {
        match self {
            Self::Gb { url, .. } | Self::Prometheus { url, .. } => Some(url),
            Self::File { .. } | Self::Static => None,
        }
    }
}

/// The API's public address.
const GB_URL: &str = "https://api.carbonintensity.org.uk/";

impl RawCarbon {
    /// Takes relative file names from a folder.
    pub fn locate(&mut self, folder: &Path) {
        for provider in self.providers.iter_mut().flatten() {
            provider.path = provider.path.take().map(|path| folder.join(path));
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
        let last_known_for = problems.duration(
            "lastKnownFor",
            self.last_known_for.as_deref(),
            ladder.last_known_for,
            bounds.clone(),
        );
        let forecast_for =
            problems.duration("forecastFor", self.forecast_for.as_deref(), ladder.forecast_for, bounds);
        let providers: Vec<ProviderSettings> = problems.within("providers", |problems| {
            let raw = self.providers.unwrap_or_default().into_iter().enumerate();
            raw.filter_map(|(i, raw)| problems.within(format_args!("[{i}]"), |p| raw.validate(p)))
                .collect()
        });
        let mut names = BTreeSet::new();
        for provider in providers.iter().filter(|provider| !names.insert(provider.name.clone())) {
            problems.report("providers", format_args!("two providers are named `{}`", provider.name));
        }
        let zones = problems.within("zones", |problems| {
            let mut zones = BTreeMap::new();
            for (zone, chain) in self.zones.unwrap_or_default() {
                for name in chain.iter().filter(|name| !names.contains(*name)) {
                    problems.report(&zone, format_args!("`{name}` is not the name of a provider"));
                }
                match zone.parse::<ZoneId>() {
                    Ok(id) => {
                        zones.insert(id, chain);
                    }
                    Err(error) => problems.report(&zone, error),
                }
            }
            zones
        });
        let ladder = LadderBounds {
            last_known_for,
            forecast_for,
            ..ladder
        };
        CarbonSettings {
            kind,
            ladder,
            providers,
            zones,
        }
    }
}

impl RawProvider {
    fn validate(self, problems: &mut Problems) -> Option<ProviderSettings> {
        let source = self.source(problems);
        let bounds = SignedDuration::from_secs(1)..=SignedDuration::from_hours(24);
        let default = match &source {
            Some(SourceSettings::File { .. }) => SignedDuration::from_secs(30),
            Some(SourceSettings::Static) => SignedDuration::from_hours(1),
            _ => SignedDuration::from_mins(5),
        };
        let interval = problems.duration("interval", self.interval.as_deref(), default, bounds);
        let Some(name) = self.name.filter(|name| !name.is_empty()) else {
            problems.report("name", "is missing");
            return None;
        };
        Some(ProviderSettings {
            name,
            interval: interval.unsigned_abs(),
            source: source?,
        })
    }

    fn source(&self, problems: &mut Problems) -> Option<SourceSettings> {
        match self.r#type.as_deref() {
            Some("gb-carbon-intensity") => {
                let regions = gb_regions(self.regions.as_ref(), problems);
                Some(SourceSettings::Gb {
                    url: address(self.url.as_deref().or(Some(GB_URL)), problems)?,
                    regions,
                })
            }
            Some("file") => {
                let path = self.path.clone().or_else(|| {
                    problems.report("path", "is missing");
                    None
                })?;
                Some(SourceSettings::File {
                    path,
                    kind: self.stated_kind(problems)?,
                })
            }
            Some("prometheus") => {
                let query = self.query.clone().filter(|query| !query.is_empty()).or_else(|| {
                    problems.report("query", "is missing");
                    None
                })?;
                let grams_per_unit = match self.unit.as_deref() {
                    Some("g/kWh" | "kg/MWh") => 1.0,
                    Some("lb/MWh") => 0.453_592_37,
                    _ => {
                        problems.report("unit", "must be g/kWh, kg/MWh or lb/MWh: a percentage ranks nothing");
                        return None;
                    }
                };
                let zone_label = self.zone_label.clone().unwrap_or_else(|| "location".to_owned());
                let (url, kind) = (address(self.url.as_deref(), problems)?, self.stated_kind(problems)?);
                Some(SourceSettings::Prometheus {
                    url,
                    query,
                    zone_label,
                    grams_per_unit,
                    kind,
                })
            }
            Some("static") => Some(SourceSettings::Static),
            _ => {
                problems.report("type", "must be gb-carbon-intensity, file, prometheus or static");
                None
            }
        }
    }

    /// Where the wire does not say what its figures are, the settings must.
    fn stated_kind(&self, problems: &mut Problems) -> Option<IntensityKind> {
        kind(self.signal.as_deref(), self.basis.as_deref(), None, problems)
    }
}

/// Zones with the number of their region in the GB API, which has 17.
fn gb_regions(raw: Option<&BTreeMap<String, u64>>, problems: &mut Problems) -> BTreeMap<ZoneId, u8> {
    let mut regions = BTreeMap::new();
    for (zone, &number) in raw.into_iter().flatten() {
        let number = u8::try_from(number).ok().filter(|number| (1..=17).contains(number));
        match (zone.parse::<ZoneId>(), number) {
            (Ok(zone), Some(number)) => {
                regions.insert(zone, number);
            }
            (Err(error), _) => problems.report("regions", error),
            (_, None) => problems.report("regions", "numbers of the API's regions are from 1 to 17"),
        }
    }
    regions
}

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

fn address(text: Option<&str>, problems: &mut Problems) -> Option<Url> {
    let Some(text) = text else {
        problems.report("url", "is missing");
        return None;
    };
    let url = text
        .parse::<Url>()
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_none() {
        problems.report("url", "is not an http or https address");
    }
    url
}
