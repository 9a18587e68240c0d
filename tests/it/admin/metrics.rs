//! `/metrics`.

use super::openmetrics::{Family, Labels, parse};
use crate::rig::{NORTH, Rig, USUAL, WEST, all, bound, job, names_body, pod_event};
use heliotrope::telemetry::{Metrics, PowerNodes, ZoneSample};
use heliotrope_core::quantity::{Source, Watts};
use heliotrope_core::snapshot::{BoardPower, ClusterEvent, NodePower, PowerReport};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

async fn page(rig: &Rig) -> BTreeMap<String, Family> {
    let reply = rig.get("/metrics").await;
    let kind = reply.header("content-type").unwrap();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    parse(reply.text())
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn value(page: &BTreeMap<String, Family>, family: &str, suffix: &str, pairs: &[(&str, &str)]) -> f64 {
    let family_of = page.get(family).unwrap_or_else(|| panic!("no {family}"));
    let key = (format!("{family}{suffix}"), labels(pairs));
    *family_of
        .samples
        .get(&key)
        .unwrap_or_else(|| panic!("no {key:?} in {:?}", family_of.samples.keys()))
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-6
}

#[tokio::test]
async fn latency_is_a_histogram_by_verb_and_agrees_with_the_requests_counted() {
    let rig = Rig::start("placement: {mode: prefer}").await;
    for name in ["a", "b", "c"] {
        rig.post("/filter", names_body(&job(name, 1), &all())).await;
    }
    rig.post("/prioritize", names_body(&job("a", 1), &all())).await;
    rig.post("/filter", "no json").await;
    let page = page(&rig).await;
    let name = "heliotrope_extender_request_duration_seconds";
    assert_eq!(page[name].kind, "histogram");
    assert!(near(value(&page, name, "_count", &[("verb", "filter")]), 4.0));
    assert!(near(value(&page, name, "_count", &[("verb", "prioritize")]), 1.0));
    let edges: BTreeSet<&String> = page[name]
        .samples
        .keys()
        .filter_map(|(_, labels)| labels.get("le"))
        .collect();
    assert!(
        edges.len() > 10 && edges.contains(&"0.0008".to_owned()),
        "finer than a millisecond: {edges:?}"
    );
    let requests = "heliotrope_extender_requests";
    let of = |outcome| value(&page, requests, "_total", &[("verb", "filter"), ("outcome", outcome)]);
    assert!(near(of("applied"), 3.0) && near(of("undecodable"), 1.0));
}

#[tokio::test]
async fn data_age_and_rung_are_told_for_each_zone_and_source() {
    let rig = Rig::start("").await;
    rig.forecast("GB", &[(SignedDuration::ZERO, 160.0)]).await;
    rig.advance(SignedDuration::from_mins(7));
    rig.tell(vec![]).await;
    let page = page(&rig).await;
    for (zone, grams) in USUAL {
        let of = [("zone", zone), ("source", "told-by-the-test"), ("rung", "live")];
        assert!(
            near(
                value(&page, "heliotrope_carbon_intensity_grams_per_kwh", "", &of),
                grams
            ),
            "{zone}"
        );
        let age = value(&page, "heliotrope_carbon_age_seconds", "", &of);
        assert!((419.0..421.0).contains(&age), "{zone}: {age}");
        assert!(near(value(&page, "heliotrope_carbon_best_rung", "", &of), 1.0));
    }
    let predicted = [("zone", "GB"), ("source", "told-by-the-test"), ("rung", "forecast")];
    assert!(near(value(&page, "heliotrope_carbon_best_rung", "", &predicted), 0.0));
    assert!(near(
        value(&page, "heliotrope_carbon_intensity_grams_per_kwh", "", &predicted),
        160.0
    ));
    assert!(near(value(&page, "heliotrope_nodes", "", &[]), 6.0));
}

#[tokio::test]
async fn power_is_told_by_how_good_it_is() {
    let rig = Rig::start("").await;
    let board = |node: &str, age: i64| NodePower {
        host: None,
        node: Arc::from(node),
        boards: vec![BoardPower {
            uuid: Arc::from(format!("GPU-{node}")),
            watts: Watts::new(100.0).unwrap(),
            observed_at: rig.now() - SignedDuration::from_secs(age),
            model: None,
            utilisation: None,
            pods: Vec::new(),
        }],
    };
    let report = PowerReport {
        source: Source::new("dcgm"),
        nodes: vec![board(NORTH[0], 10), board(NORTH[1], 20), board(WEST[0], 200)],
    };
    rig.senders.power.send(report).await.unwrap();
    rig.settle().await;
    let page = page(&rig).await;
    let nodes = ["fresh", "stale", "model"].map(|rung| value(&page, "heliotrope_power_nodes", "", &[("rung", rung)]));
    assert!(
        near(nodes[0], 2.0) && near(nodes[1], 1.0) && near(nodes[2], 3.0),
        "{nodes:?}"
    );
    assert!(near(value(&page, "heliotrope_power_measured_watts", "", &[]), 300.0));
    let oldest = value(&page, "heliotrope_power_oldest_sample_seconds", "", &[]);
    assert!((199.0..202.0).contains(&oldest), "{oldest}");
}

#[tokio::test]
async fn the_age_of_a_snapshot_shows_that_the_writer_is_stuck() {
    let rig = Rig::start("").await;
    rig.stop_writer().await;
    rig.advance(SignedDuration::from_secs(90));
    let page = page(&rig).await;
    assert!(value(&page, "heliotrope_snapshot_age_seconds", "", &[]) >= 90.0);
}

/// G9: whatever pods and nodes are called, and however many there are, the number of series stays.
#[tokio::test]
async fn g9_label_values_are_bounded() {
    let rig = Rig::start("placement: {mode: prefer}").await;
    let ask = async |name: &str| {
        let mut pod = job(name, 1);
        pod["metadata"]["annotations"] = json!({ "heliotrope.dev/mode": name, "heliotrope.dev/zones": name });
        pod["metadata"]["namespace"] = json!(format!("ns-{name}"));
        rig.post("/filter", names_body(&pod, &[name, NORTH[0]])).await;
        rig.post("/prioritize", names_body(&pod, &[name, NORTH[0]])).await;
        rig.tell(vec![pod_event(&bound(pod.clone(), name)), pod_event(&pod)])
            .await;
    };
    ask("first-name").await;
    let count = |page: &BTreeMap<String, Family>| page.values().map(|family| family.samples.len()).sum::<usize>();
    let before = count(&page(&rig).await);
    for i in 0..20 {
        ask(&format!("name-{i}-of-a-tenant")).await;
    }
    let after = rig.get("/metrics").await;
    assert_eq!(count(&parse(after.text())), before);
    assert!(!after.text().contains("of-a-tenant") && !after.text().contains("gpu-eu"));
}

/// The gauges of a page are cleared and set again for each reader: one must not see the other's half of it.
#[test]
fn two_scrapers_at_once_both_get_the_whole_page() {
    let metrics = Metrics::new();
    let zone = |i: u32| ZoneSample {
        zone: format!("Z-{i}"),
        source: "told-by-the-test".to_owned(),
        rung: "live",
        intensity: 100.0,
        age: 1.0,
        best: true,
    };
    let zones: Vec<ZoneSample> = (0..300).map(zone).collect();
    let scrape = || {
        for _ in 0..100 {
            let page = metrics.page((1, 0.0), 6, &zones, PowerNodes::default(), Vec::new());
            assert_eq!(page.matches("heliotrope_carbon_best_rung{").count(), 300);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(scrape);
        scope.spawn(scrape);
    });
}

#[tokio::test]
async fn nodes_that_are_gone_leave_the_count() {
    let rig = Rig::start("").await;
    rig.tell(vec![ClusterEvent::NodeGone(Arc::from(WEST[0]))]).await;
    assert!(near(value(&page(&rig).await, "heliotrope_nodes", "", &[]), 5.0));
}
