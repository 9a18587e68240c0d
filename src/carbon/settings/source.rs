//! What a provider is, by its type.

use super::raw::RawProvider;
use super::{keyed, kind};
use crate::carbon::electricity_maps::ElectricityMaps;
use crate::carbon::gb;
use crate::carbon::prometheus::{Series, Unit};
use crate::carbon::watttime::WattTime;
use crate::outbound::Access;
use crate::settings::Problems;
use heliotrope_core::grid::{IntensityKind, Signal, ZoneId};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use url::Url;

/// The API's public address.
const GB_URL: &str = "https://api.carbonintensity.org.uk/";
/// Electricity Maps publishes no limit; a hundred zones at the default interval stay below this.
const ELECTRICITY_MAPS_CALLS_PER_HOUR: u32 = 600;
/// WattTime takes 3,000 calls in five minutes; in an hour nobody needs more than that.
const WATTTIME_CALLS_PER_HOUR: u32 = 3000;
/// The API has no published limit; the country and all its regions every five minutes make 252 calls an hour.
const GB_CALLS_PER_HOUR: u32 = 300;

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
        /// The zone of all its rows, where the file does not say it.
        zone: Option<ZoneId>,
        /// What its figures are.
        kind: IntensityKind,
    },
    /// A Prometheus series.
    Prometheus {
        /// Base address.
        url: Url,
        /// How it wants to be asked.
        access: Access,
        /// The series.
        series: Series,
    },
    /// Electricity Maps.
    ElectricityMaps(ElectricityMaps),
    /// WattTime.
    WattTime(WattTime),
    /// The yearly table.
    Static,
}

const GB: &str = "gb-carbon-intensity";
const FILE: &str = "file";
const PROMETHEUS: &str = "prometheus";
const ELECTRICITY_MAPS: &str = "electricity-maps";
const WATTTIME: &str = "watttime";
const STATIC: &str = "static";

impl SourceSettings {
    /// The address that is called, where one is.
    #[must_use]
    pub fn url(&self) -> Option<&Url> {
        match self {
            Self::Gb { url, .. } | Self::Prometheus { url, .. } => Some(url),
            Self::ElectricityMaps(settings) => Some(&settings.url),
            Self::WattTime(settings) => Some(&settings.url),
            Self::File { .. } | Self::Static => None,
        }
    }

    /// The `type` by which the settings name it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Gb { .. } => GB,
            Self::File { .. } => FILE,
            Self::Prometheus { .. } => PROMETHEUS,
            Self::ElectricityMaps(_) => ELECTRICITY_MAPS,
            Self::WattTime(_) => WATTTIME,
            Self::Static => STATIC,
        }
    }

    /// What its figures are; none where it has figures of several kinds and gives the one that is ranked.
    #[must_use]
    pub fn kind(&self) -> Option<IntensityKind> {
        match self {
            Self::Gb { .. } => Some(gb::KIND),
            Self::File { kind, .. } => Some(*kind),
            Self::Prometheus { series, .. } => Some(series.kind),
            Self::ElectricityMaps(settings) => Some(settings.kind()),
            Self::WattTime(settings) => Some(settings.kind()),
            Self::Static => None,
        }
    }

    /// The files with its keys.
    #[must_use]
    pub fn key_files(&self) -> Vec<&Path> {
        match self {
            Self::ElectricityMaps(settings) => vec![&settings.key_file],
            Self::WattTime(settings) => vec![&settings.username_file, &settings.password_file],
            _ => Vec::new(),
        }
    }

    /// Why it cannot be asked about a zone, where the settings show it.
    pub(super) fn cannot_serve(&self, zone: &ZoneId) -> Option<&'static str> {
        let is_lost = matches!(self, Self::WattTime(settings) if !settings.regions.contains_key(zone));
        is_lost.then_some("has no region for it: add it to `regions` of the provider")
    }

    /// How often it is asked where the settings do not say it.
    pub(super) fn usual_interval(&self) -> SignedDuration {
        match self {
            Self::File { .. } => SignedDuration::from_secs(30),
            Self::Static => SignedDuration::from_hours(1),
            // Hours that are corrected for some hours more.
            Self::ElectricityMaps(_) => SignedDuration::from_mins(15),
            Self::WattTime(WattTime {
                signal: Signal::Average,
                ..
            }) => SignedDuration::from_mins(30),
            _ => SignedDuration::from_mins(5),
        }
    }

    /// The limit of calls where the settings give none.
    pub(super) fn usual_calls_per_hour(&self) -> Option<u32> {
        match self {
            Self::Gb { .. } => Some(GB_CALLS_PER_HOUR),
            Self::ElectricityMaps(_) => Some(ELECTRICITY_MAPS_CALLS_PER_HOUR),
            Self::WattTime(_) => Some(WATTTIME_CALLS_PER_HOUR),
            _ => None,
        }
    }

    /// The keys that a type reads besides those of every provider.
    pub(super) fn keys(kind: &str) -> Option<&'static [&'static str]> {
        Some(match kind {
            GB => &["url", "regions", "callsPerHour"],
            FILE => &["path", "zone", "signal", "basis"],
            PROMETHEUS => &[
                "url",
                "access",
                "query",
                "zoneLabel",
                "unit",
                "signal",
                "basis",
                "callsPerHour",
            ],
            ELECTRICITY_MAPS => &[
                "url",
                "version",
                "keyFile",
                "horizonHours",
                "dataCenters",
                "callsPerHour",
            ],
            WATTTIME => &[
                "url",
                "usernameFile",
                "passwordFile",
                "signal",
                "regions",
                "callsPerHour",
            ],
            STATIC => &[],
            _ => return None,
        })
    }

    pub(super) fn validate(raw: &RawProvider, ranked: IntensityKind, problems: &mut Problems) -> Option<Self> {
        match raw.r#type.as_deref() {
            Some(GB) => {
                let regions = gb_regions(raw.regions.as_ref(), problems);
                let url = address(raw.url.as_deref().or(Some(GB_URL)), problems)?;
                Some(Self::Gb { url, regions })
            }
            Some(FILE) => file(raw, problems),
            Some(PROMETHEUS) => prometheus(raw, problems),
            Some(ELECTRICITY_MAPS) => keyed::electricity_maps(raw, ranked, problems).map(Self::ElectricityMaps),
            Some(WATTTIME) => keyed::watttime(raw, problems).map(Self::WattTime),
            Some(STATIC) => Some(Self::Static),
            _ => {
                let types = "must be gb-carbon-intensity, electricity-maps, watttime, file, prometheus or static";
                problems.report("type", types);
                None
            }
        }
    }
}

fn file(raw: &RawProvider, problems: &mut Problems) -> Option<SourceSettings> {
    if raw.path.is_none() {
        problems.report("path", "is missing");
    }
    let zone = raw.zone.as_deref().and_then(|text| match text.parse::<ZoneId>() {
        Ok(zone) => Some(zone),
        Err(error) => {
            problems.report("zone", error);
            None
        }
    });
    // Where the wire does not say what its figures are, the settings must.
    let kind = kind(raw, problems);
    Some(SourceSettings::File {
        path: raw.path.clone()?,
        zone,
        kind: kind?,
    })
}

fn prometheus(raw: &RawProvider, problems: &mut Problems) -> Option<SourceSettings> {
    let query = raw.query.clone().filter(|query| !query.trim().is_empty());
    if query.is_none() {
        problems.report("query", "is missing");
    }
    let unit = match raw.unit.as_deref() {
        Some("g/kWh" | "kg/MWh") => Some(Unit::GramsPerKwh),
        Some("lb/MWh") => Some(Unit::PoundsPerMwh),
        _ => {
            problems.report("unit", "must be g/kWh, kg/MWh or lb/MWh: a percentage ranks nothing");
            None
        }
    };
    let (url, kind) = (address(raw.url.as_deref(), problems), kind(raw, problems));
    let access = raw.access.clone().unwrap_or_default().validate(url.as_ref(), problems);
    let series = Series {
        query: query?,
        zone_label: raw.zone_label.clone().unwrap_or_else(|| "location".to_owned()),
        unit: unit?,
        kind: kind?,
    };
    Some(SourceSettings::Prometheus {
        url: url?,
        access,
        series,
    })
}

/// Zones with the number of their region in the GB API, which has 17.
fn gb_regions(raw: Option<&BTreeMap<String, String>>, problems: &mut Problems) -> BTreeMap<ZoneId, u8> {
    let mut regions = BTreeMap::new();
    problems.within("regions", |problems| {
        for (zone, number) in raw.into_iter().flatten() {
            let number = number.parse::<u8>().ok().filter(|number| (1..=17).contains(number));
            match (zone.parse::<ZoneId>(), number) {
                (Ok(zone), Some(number)) => drop(regions.insert(zone, number)),
                (Err(error), _) => problems.report(zone, error),
                (_, None) => problems.report(zone, "must be the number of a region of the API, 1 to 17"),
            }
        }
    });
    regions
}

pub(super) fn address(text: Option<&str>, problems: &mut Problems) -> Option<Url> {
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
    // The address is told in logs and by `check`. A name and a password in it are refused wherever they stand.
    if url.as_ref().is_some_and(|url| url.query().is_some()) {
        problems.report("url", "holds a query: keys are read from files of their own");
        return None;
    }
    url
}
