//! One and the same grid, served by every provider in turn: a real scheduler puts the same pods into the same region, and
//! Heliotrope weighs every node alike. A zone that answers in another kind of intensity is not ranked.

use super::site::{CENTRAL, NORTH, WEST, wait_metric};
use crate::cluster::{Cluster, Images, Work, by_region, fleet};
use crate::controlplane::{ControlPlane, SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings};
use crate::fakes::{FakeElectricityMaps, FakeWattTime};
use crate::figures::Figures;
use crate::loopback::now;
use crate::world::{CarbonFile, FakeGrid, FakeIntensityExporter, Prometheus};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "key-of-the-suite";
const GRID: [(&str, &str, f64); 3] = [NORTH, WEST, CENTRAL];
/// Fewer than a region has GPUs, so that one region can take all.
const PODS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn q_providers_of_one_grid_place_alike() {
    let mut figures = Figures::of("q_providers");
    let mut plane = ControlPlane::start().await;
    let cluster = Cluster::new(plane.client().await);
    cluster.create_nodes(&fleet(30, Images::Nowhere)).await;
    let maps = FakeElectricityMaps::start(KEY, Arc::new(now)).await;
    let watttime = FakeWattTime::start(Arc::new(now)).await;
    for (_, zone, grams) in GRID {
        maps.zone(zone, grams);
        watttime.region(zone, grams);
    }
    let mut grids = Vec::new();
    for (_, _, grams) in GRID {
        grids.push(FakeGrid::start(grams).await);
    }
    let files = GRID.map(|(_, zone, grams)| CarbonFile::write(plane.folder(), zone, grams));
    let new = HeliotropeSettings::new;
    let gb = GRID
        .iter()
        .zip(&grids)
        .fold(new(), |all, ((_, zone, _), grid)| all.grid(zone, grid));
    let file = GRID
        .iter()
        .zip(&files)
        .fold(new(), |all, ((_, zone, _), file)| all.file(zone, file));
    let zones = GRID.map(|(_, zone, _)| zone);
    let served = |provider: Value| new().provider_of(&zones, provider);
    let key = |name: &str, text: &str| write(&plane, name, text);
    let electricity_maps = |version: &str| {
        served(json!({
            "name": "maps", "type": "electricity-maps", "version": version, "url": maps.url(), "keyFile": key("maps.key", KEY),
        }))
    };
    let (name, password) = FakeWattTime::account();
    let regions: BTreeMap<&str, &str> = zones.iter().map(|zone| (*zone, *zone)).collect();
    let account = served(json!({
        "name": "watttime", "type": "watttime", "signal": "average", "url": watttime.url(), "regions": regions,
        "usernameFile": key("name", name), "passwordFile": key("password", password),
    }));
    let table =
        served(json!({ "name": "table", "type": "static" })).carbon("zonesFile", key("zones.yaml", &yearly()));
    let exporter = FakeIntensityExporter::start(&GRID.map(|(_, zone, grams)| (zone, grams))).await;
    let second = Duration::from_secs(1);
    let scraped = "count(last_over_time(grid_intensity_carbon_average[6h]))";
    let prometheus = Prometheus::scraping(&plane, exporter.address(), second, scraped).await;
    let series = served(json!({
        "name": "series", "type": "prometheus", "url": prometheus.url(), "query": "grid_intensity_carbon_average",
        "unit": "g/kWh", "signal": "average", "basis": "direct",
    }));
    let cases = [
        ("gb-carbon-intensity", gb),
        ("electricity-maps v4", electricity_maps("v4")),
        ("electricity-maps v3", electricity_maps("v3")),
        ("watttime", account),
        ("file", file),
        ("prometheus", series),
        ("static", table),
    ];
    let mut first: Option<Value> = None;
    for (name, settings) in &cases {
        let heliotrope = Heliotrope::start(&plane, settings).await;
        for zone in zones {
            wait_metric(&heliotrope, "heliotrope_carbon_best_rung", &[("zone", zone)], |best| {
                best >= 1.0
            })
            .await;
        }
        let weighed = wave(&plane, &cluster, &heliotrope, name, &mut figures).await;
        match &first {
            None => first = Some(weighed),
            Some(first) => assert_eq!(&weighed, first, "{name} differs from {}", cases[0].0),
        }
    }

    // The dirtiest zone answers in lifecycle, though asked in direct, and as if it were the greenest.
    maps.zone(CENTRAL.1, 1.0);
    maps.answers_in(CENTRAL.1, "lifecycle");
    let heliotrope = Heliotrope::start(&plane, &electricity_maps("v4")).await;
    wait_metric(&heliotrope, "heliotrope_carbon_kind_mismatches_total", &[], |count| {
        count >= 1.0
    })
    .await;
    wait_metric(
        &heliotrope,
        "heliotrope_carbon_best_rung",
        &[("zone", NORTH.1)],
        |best| best >= 1.0,
    )
    .await;
    wait_metric(
        &heliotrope,
        "heliotrope_carbon_best_rung",
        &[("zone", WEST.1)],
        |best| best >= 1.0,
    )
    .await;
    wave(&plane, &cluster, &heliotrope, "another kind on the wire", &mut figures).await;
    plane.assert_running();
}

/// Lets pods come one after the other; all must land in the greenest region. What the first was told of each node.
async fn wave(
    plane: &ControlPlane,
    cluster: &Cluster,
    heliotrope: &Heliotrope,
    name: &str,
    figures: &mut Figures,
) -> Value {
    let config = SchedulerConfig::shipped().with_extender(&heliotrope.url());
    let mut scheduler = plane.scheduler(Which::Current, &config);
    let first = Work::new("first", 1);
    cluster.create_pod(&first).await;
    cluster.wait_placed(&first, 1, Duration::from_secs(30)).await;
    let explained = heliotrope.explain("first").await;
    let work = Work::new("work", 1);
    cluster.create_pods(&work, PODS).await;
    let placed = cluster.wait_placed(&work, PODS, Duration::from_secs(60)).await;
    figures.note(&format!("{name}: by region"), json!(by_region(&placed)));
    figures.note(&format!("{name}: compared on"), explained["rung"].clone());
    assert_eq!(by_region(&placed)[NORTH.0], PODS, "{name}: {placed:?}");
    scheduler.assert_running();
    scheduler.stop().await;
    cluster.delete_work(&first).await;
    cluster.delete_work(&work).await;
    let mut nodes: Vec<Value> = explained["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(weighed)
        .collect();
    nodes.sort_by_key(|node| node["node"].to_string());
    json!(nodes)
}

/// A node as it was weighed; grams to a millionth, for pounds are converted.
fn weighed(candidate: &Value) -> Value {
    let grams = candidate["cost"]["grams"].as_f64().map(|grams| (grams * 1e6).round());
    json!({ "node": candidate["node"], "grams": grams, "score": candidate["score"], "offered": candidate["offered"] })
}

/// The grid as a table of yearly averages.
fn yearly() -> String {
    let row = |(_, zone, grams): (&str, &str, f64)| {
        format!("  - {{zone: {zone}, direct: {{intensity: {grams} g/kWh, year: 2025, source: suite}}}}\n")
    };
    format!(
        "sources: {{suite: {{name: the suite, licence: none}}}}\nzones:\n{}",
        GRID.map(row).concat()
    )
}

fn write(plane: &ControlPlane, name: &str, text: &str) -> String {
    let path: PathBuf = plane.folder().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}
