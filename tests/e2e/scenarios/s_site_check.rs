//! What an operator learns before anything is steered: in shadow, the report's decisions and grams are those of the
//! explanations added up; and the check of the cluster finds what was planted, and nothing else.

use super::site::Site;
use crate::cluster::{Cluster, Images, Work, by_region};
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::Heliotrope;
use crate::figures::{Figures, out_folder};
use crate::guest;
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const PODS: usize = 36;
/// More than there are pods: however the scheduler spreads them, a node stays empty.
const NODES: usize = 42;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_site_check_finds_what_is_there() {
    let why = "it plants a scheduler's ConfigMap in kube-system and counts every GPU pod of the cluster";
    if guest::leaves_out("s_site_check", why) {
        return;
    }
    let mut figures = Figures::of("s_site_check");
    let site = Site::start(NODES, Images::Uneven).await;
    let heliotrope = site.heliotrope(&site.settings().placement("mode", "shadow")).await;
    let asking = SchedulerConfig::shipped().with_extender(&heliotrope.url());
    // The scheduler as it comes: what is judged here is its own choice.
    let mut scheduler = site.plane.scheduler(Which::Current, &asking.clone().least_allocated());
    let work = Work::new("service", 1);
    site.cluster.create_deployment(&work, PODS).await;
    let placed = site.cluster.wait_placed(&work, PODS, Duration::from_secs(60)).await;
    figures.note("by region", json!(by_region(&placed)));
    let report = told(&heliotrope).await;
    assert_report(
        &heliotrope,
        &placed.iter().map(|placed| placed.pod.clone()).collect::<Vec<_>>(),
        &report,
    )
    .await;
    figures.note(
        "kg at stake",
        report["total"]["atStake"]["grams"].as_f64().unwrap() / 1000.0,
    );
    figures.note("verdict", report["verdict"]["text"].clone());
    show(&heliotrope);
    scheduler.assert_running();
    scheduler.stop().await;

    let bad = asking
        .without_preempt()
        .default_sampling()
        .to_file(site.plane.kubeconfig());
    let sleeper = plant(&site, &placed, &bad).await;
    let checked = heliotrope.command(&["check", "--cluster", "-o", "json"]);
    assert_eq!(
        checked.status.code(),
        Some(4),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let findings = checked["findings"].as_array().unwrap();
    let codes: BTreeSet<&str> = findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    figures.note("found", json!(codes));
    let planted = [
        "cpu-pods-keep-gpu-node-awake",
        "no-region",
        // The planted node has no exporter.
        "no-power-data",
        "no-preempt-verb",
        "sampled-nodes",
    ];
    assert_eq!(codes, BTreeSet::from(planted), "{checked:#}");
    assert_eq!(findings.len(), planted.len(), "{checked:#}");
    let subjects = |code: &str| findings.iter().find(|finding| finding["code"] == code).unwrap()["subjects"].clone();
    assert_eq!(subjects("no-region"), json!(["gpu-nowhere"]));
    assert_eq!(subjects("no-power-data"), json!(["gpu-nowhere"]));
    let awake = subjects("cpu-pods-keep-gpu-node-awake");
    assert_eq!(awake.as_array().map(Vec::len), Some(1));
    let text = awake[0].as_str().unwrap();
    assert!(
        text.starts_with(&format!("{sleeper}: ")) && text.ends_with("/cpu"),
        "{text}"
    );
    figures.note("kept awake", text);
}

/// Plants a pod without GPUs on an empty GPU node, a node without a region and a scheduler's configuration; that node.
async fn plant(site: &Site, placed: &[crate::cluster::Placed], bad: &str) -> String {
    let empty = site
        .nodes
        .iter()
        .find(|node| placed.iter().all(|placed| placed.node != node.name));
    let empty = empty.expect("a node without GPU pods").name.clone();
    site.cluster.create_pod(&Work::new("cpu", 0).on(&empty)).await;
    let client = site.plane.client().await;
    let mut nowhere = serde_json::to_value(site.nodes[0].to_node()).unwrap();
    nowhere["metadata"]["name"] = json!("gpu-nowhere");
    let labels = nowhere["metadata"]["labels"].as_object_mut().unwrap();
    labels.remove("topology.kubernetes.io/region");
    let nowhere: Node = serde_json::from_value(nowhere).unwrap();
    Api::all(client.clone())
        .create(&PostParams::default(), &nowhere)
        .await
        .unwrap();
    let map = json!({ "metadata": { "name": "scheduler-config" }, "data": { "config.yaml": bad } });
    let map: ConfigMap = serde_json::from_value(map).unwrap();
    Api::namespaced(client, "kube-system")
        .create(&PostParams::default(), &map)
        .await
        .unwrap();
    wait_pod(&site.cluster, "cpu").await;
    empty
}

async fn wait_pod(cluster: &Cluster, name: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while cluster
        .pod(name)
        .await
        .status
        .and_then(|status| status.phase)
        .as_deref()
        != Some("Running")
    {
        assert!(Instant::now() < until, "{name} does not run");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The report of the command, once every binding was seen.
async fn told(heliotrope: &Heliotrope) -> Value {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let output = heliotrope.command(&["report", "-o", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let seen = report["total"]["all"]["placements"].as_u64().unwrap();
        if seen == PODS as u64 {
            return report;
        }
        assert!(
            Instant::now() < until && seen < PODS as u64,
            "{seen} of {PODS} placements are in the report"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Adds up what the explanations say, and holds the report to it.
async fn assert_report(heliotrope: &Heliotrope, pods: &[String], report: &Value) {
    let (mut bound, mut cheapest, mut mean) = (0.0, 0.0, 0.0);
    for pod in pods {
        let decision = heliotrope.explain(pod).await;
        let rows = decision["candidates"].as_array().unwrap();
        let grams = |row: &Value| row["cost"]["grams"].as_f64();
        let acceptable: Vec<f64> = rows
            .iter()
            .filter(|row| row["refused"].is_null())
            .filter_map(grams)
            .collect();
        bound += grams(rows.iter().find(|row| row["node"] == decision["bound"]).unwrap()).unwrap();
        cheapest += acceptable.iter().copied().fold(f64::INFINITY, f64::min);
        mean += acceptable.iter().sum::<f64>() / acceptable.len() as f64;
    }
    let all = &report["total"]["all"];
    for (key, sum) in [("bound", bound), ("cheapest", cheapest), ("mean", mean)] {
        let reported = all[key]["grams"].as_f64().unwrap();
        assert!(
            (reported - sum).abs() < 1e-6 * sum,
            "{key}: {reported} reported, {sum} explained"
        );
    }
    assert_eq!(all["priced"], PODS);
    assert_eq!(all["withZones"], PODS, "every decision had three zones");
    let modes: Vec<&String> = report["total"]["modes"].as_object().unwrap().keys().collect();
    assert_eq!(modes, ["shadow"]);
    assert_eq!(report["verdict"]["kind"], "at-stake", "{}", report["verdict"]["text"]);
    assert!(report["attempts"].as_u64().unwrap() >= PODS as u64);
}

/// Prints the tables, and draws the figure where somebody keeps them.
fn show(heliotrope: &Heliotrope) {
    let mut arguments = vec!["report".to_owned(), "--by".to_owned(), "zone".to_owned()];
    if let Some(folder) = out_folder() {
        arguments.extend(["--svg".to_owned(), folder.join("s_report.svg").display().to_string()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = heliotrope.command(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", String::from_utf8_lossy(&output.stdout));
}
