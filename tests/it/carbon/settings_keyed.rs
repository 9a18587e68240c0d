//! What is wrong with the settings of providers that want a key, and with kinds that do not go together.

use super::settings::{provider, told};
use super::*;

#[test]
fn a_wrong_provider_with_a_key_is_told_by_its_key() {
    for (keys, expected) in [
        ("type: electricity-maps", "providers[0].keyFile: is missing"),
        (
            "type: electricity-maps, keyFile: k, version: v2",
            "providers[0].version: must be v4 or v3",
        ),
        (
            "type: electricity-maps, keyFile: k, horizonHours: 25",
            "providers[0].horizonHours: must be 6",
        ),
        (
            "type: electricity-maps, keyFile: k, url: 'https://api-access.electricitymaps.com/free-tier'",
            "providers[0].url: is a gateway that was shut down",
        ),
        (
            "type: electricity-maps, keyFile: k, url: 'https://api.co2signal.com/v1'",
            "providers[0].url: is a gateway that was shut down",
        ),
        (
            "type: electricity-maps, keyFile: k, url: 'https://api.electricitymaps.com/v3/'",
            "providers[0].url: must not end with the version",
        ),
        (
            "type: electricity-maps, keyFile: k, dataCenters: {DE: europe-west3}",
            "providers[0].dataCenters.DE: must be a provider and a region",
        ),
        (
            "type: electricity-maps, keyFile: k, basis: direct",
            "providers[0].basis: has no effect",
        ),
        (
            "type: watttime, passwordFile: p, signal: average",
            "providers[0].usernameFile: is missing",
        ),
        (
            "type: watttime, usernameFile: u, signal: average",
            "providers[0].passwordFile: is missing",
        ),
        (
            "type: watttime, usernameFile: u, passwordFile: p",
            "providers[0].signal: must be average (co2_aoer)",
        ),
        (
            "type: watttime, usernameFile: u, passwordFile: p, signal: index",
            "a percentile of a region's own last month",
        ),
        (
            "type: watttime, usernameFile: u, passwordFile: p, signal: average, regions: {DE: 'a b'}",
            "providers[0].regions.DE: must be the name of a region",
        ),
    ] {
        let told = provider(keys);
        assert!(told.contains(expected), "{keys}: {told}");
    }
}

#[test]
fn a_key_has_no_place_in_an_address_and_is_not_repeated() {
    for url in [
        "https://me:hush@a.example",
        "https://hush@a.example",
        "https://a.example/?token=hush",
    ] {
        for kind in ["gb-carbon-intensity", "electricity-maps, keyFile: k"] {
            let told = provider(&format!("type: {kind}, url: '{url}'"));
            assert!(told.starts_with("carbon.providers[0].url: "), "{told}");
            assert!(!told.contains("hush"), "{told}");
        }
    }
}

/// Providers of every kind that can be known beforehand.
const PROVIDERS: &str = "  providers:
    - {name: gb, type: gb-carbon-intensity}
    - {name: maps, type: electricity-maps, keyFile: k}
    - {name: moer, type: watttime, usernameFile: u, passwordFile: p, signal: marginal, regions: {DE: A}}
    - {name: aoer, type: watttime, usernameFile: u, passwordFile: p, signal: average, regions: {DE: A}}
    - {name: file, type: file, path: a, signal: average, basis: lifecycle}
    - {name: series, type: prometheus, url: 'http://a', query: q, unit: g/kWh, signal: average, basis: direct}
    - {name: table, type: static}\n";

#[test]
fn two_kinds_in_one_ranking_are_refused() {
    for (ranked, fits) in [
        ("basis: lifecycle", &["maps", "file", "table"][..]),
        ("basis: direct", &["gb", "maps", "aoer", "series", "table"]),
        ("placementSignal: marginal, basis: direct", &["moer", "table"]),
        ("placementSignal: marginal, basis: lifecycle", &["table"]),
    ] {
        for name in ["gb", "maps", "moer", "aoer", "file", "series", "table"] {
            let ranked = ranked.replace(", ", "\n  ");
            let carbon = format!("carbon:\n  {ranked}\n{PROVIDERS}  zones: {{DE: [{name}]}}\n");
            if fits.contains(&name) {
                settings(carbon.strip_prefix("carbon:\n").unwrap());
                continue;
            }
            let told = told(&carbon);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(
                told[0].starts_with(&format!("carbon.zones.DE: `{name}` gives")),
                "{told:?}"
            );
            assert!(told[0].contains("two kinds are never compared"), "{told:?}");
        }
    }
}

#[test]
fn marginal_is_a_choice_of_its_own_name() {
    let told = told("carbon: {signal: marginal}\n");
    assert!(told[0].starts_with("carbon.signal: "), "an unknown key: {told:?}");
}

#[test]
fn a_zone_without_a_region_is_told() {
    let carbon = format!("carbon:\n  basis: direct\n{PROVIDERS}  zones: {{DE: [aoer], FR: [aoer]}}\n");
    let told = told(&carbon);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("carbon.zones.FR: `aoer` has no region for it"),
        "{told:?}"
    );
}
