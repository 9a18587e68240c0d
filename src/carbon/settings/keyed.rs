//! Providers that want a key.

use super::raw::RawProvider;
use super::source::address;
use crate::carbon::electricity_maps::{DataCenter, ElectricityMaps, Version};
use crate::carbon::watttime::WattTime;
use crate::settings::Problems;
use heliotrope_core::grid::{IntensityKind, Signal, ZoneId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use url::Url;

const ELECTRICITY_MAPS_URL: &str = "https://api.electricitymaps.com/";
const WATTTIME_URL: &str = "https://api.watttime.org/";
/// Gateways of former times, which answer everybody with a refusal.
const DEAD: [&str; 2] = ["api-access.electricitymaps.com", "api.co2signal.com"];
/// Hours of forecast that there are plans for.
const HORIZONS: [u8; 4] = [6, 24, 48, 72];

/// Electricity Maps, asked in the basis that is ranked.
pub(super) fn electricity_maps(
    raw: &RawProvider,
    ranked: IntensityKind,
    problems: &mut Problems,
) -> Option<ElectricityMaps> {
    let version = match raw.version.as_deref() {
        None | Some("v4") => Some(Version::V4),
        Some("v3") => Some(Version::V3),
        Some(_) => {
            problems.report("version", "must be v4 or v3");
            None
        }
    };
    let horizon_hours = raw.horizon_hours.and_then(|hours| {
        let known = u8::try_from(hours).ok().filter(|hours| HORIZONS.contains(hours));
        if known.is_none() {
            problems.report(
                "horizonHours",
                "must be 6, 24, 48 or 72, of which the plan must have it",
            );
        }
        known
    });
    let url = address(raw.url.as_deref().or(Some(ELECTRICITY_MAPS_URL)), problems);
    if let Some(wrong) = url.as_ref().and_then(wrong_base) {
        problems.report("url", wrong);
    }
    let data_centers = data_centers(raw.data_centers.as_ref(), problems);
    Some(ElectricityMaps {
        key_file: file("keyFile", raw.key_file.as_ref(), problems)?,
        url: url?,
        version: version?,
        basis: ranked.basis,
        horizon_hours,
        data_centers,
    })
}

fn wrong_base(url: &Url) -> Option<&'static str> {
    if url.host_str().is_some_and(|host| DEAD.contains(&host)) {
        return Some("is a gateway that was shut down: leave the key out, or name api.electricitymaps.com");
    }
    let mut parts = url.path_segments()?.rev().filter(|part| !part.is_empty());
    let versioned = parts.next().is_some_and(|last| ["v3", "v4"].contains(&last));
    versioned.then_some("must not end with the version: say it in `version`")
}

/// Zones with a data centre in them, as `gcp/europe-west1`.
fn data_centers(raw: Option<&BTreeMap<String, String>>, problems: &mut Problems) -> BTreeMap<ZoneId, DataCenter> {
    let mut sites = BTreeMap::new();
    problems.within("dataCenters", |problems| {
        for (zone, site) in raw.into_iter().flatten() {
            let parts = site
                .split_once('/')
                .filter(|(provider, region)| is_name(provider) && is_name(region));
            match (zone.parse::<ZoneId>(), parts) {
                (Ok(zone), Some((provider, region))) => {
                    let site = DataCenter {
                        provider: provider.to_lowercase(),
                        region: region.to_lowercase(),
                    };
                    sites.insert(zone, site);
                }
                (Err(error), _) => problems.report(zone, error),
                (_, None) => problems.report(zone, "must be a provider and a region, as in gcp/europe-west1"),
            }
        }
    });
    sites
}

/// WattTime, by the signal that the settings state.
pub(super) fn watttime(raw: &RawProvider, problems: &mut Problems) -> Option<WattTime> {
    let signal = match raw.signal.as_deref() {
        Some("average") => Some(Signal::Average),
        Some("marginal") => Some(Signal::Marginal),
        Some("index" | "percentile" | "signal-index") => {
            problems.report(
                "signal",
                "must be average or marginal: the index is a percentile of a region's own last month, so that a dirty \
                 region at its best would beat a clean one at its worst",
            );
            None
        }
        _ => {
            problems.report("signal", "must be average (co2_aoer) or marginal (co2_moer)");
            None
        }
    };
    let username_file = file("usernameFile", raw.username_file.as_ref(), problems);
    let password_file = file("passwordFile", raw.password_file.as_ref(), problems);
    let regions = regions(raw.regions.as_ref(), problems);
    Some(WattTime {
        url: address(raw.url.as_deref().or(Some(WATTTIME_URL)), problems)?,
        username_file: username_file?,
        password_file: password_file?,
        signal: signal?,
        regions,
    })
}

/// Zones with their region's name, as `CAISO_NORTH`.
fn regions(raw: Option<&BTreeMap<String, String>>, problems: &mut Problems) -> BTreeMap<ZoneId, String> {
    let mut regions = BTreeMap::new();
    problems.within("regions", |problems| {
        for (zone, region) in raw.into_iter().flatten() {
            match zone.parse::<ZoneId>() {
                Ok(zone) if is_name(region) => drop(regions.insert(zone, region.clone())),
                Ok(_) => problems.report(zone, "must be the name of a region of the API, as in CAISO_NORTH"),
                Err(error) => problems.report(zone, error),
            }
        }
    });
    regions
}

fn file(key: &str, path: Option<&PathBuf>, problems: &mut Problems) -> Option<PathBuf> {
    if path.is_none() {
        problems.report(key, "is missing: name a file that holds it and nothing else");
    }
    path.cloned()
}

/// A name of a region or of a provider.
pub(super) fn is_name(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(legal)
}
