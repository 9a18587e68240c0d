//! What was learned outlives the process: a stop writes it down and the next start has it at once, with nobody to learn it
//! from again; a spoilt file is set aside and pods are scheduled without it. And a volume that is yet to be made is judged
//! over a year, though its claim is made in one breath with the pod.

use super::site::{Site, wait_metric};
use crate::cluster::{Cluster, Images, Work};
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::Heliotrope;
use crate::figures::Figures;
use crate::guest;
use crate::loopback::now;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// The idle watts of an empty node count after a minute.
const FLOOR: Duration = Duration::from_secs(150);
const RUNS: usize = 3;
const MINUTES: i64 = 25;

/// KWOK ends the pods of a Job at once and says that they ran for no time at all: gives them a life, as a kubelet tells it.
async fn give_lives(cluster: &Cluster, job: &Work) {
    for placed in cluster.wait_placed(job, RUNS, PATIENCE).await {
        let until = Instant::now() + PATIENCE;
        while !ended(&cluster.pod(&placed.pod).await) {
            assert!(Instant::now() < until, "{} does not end", placed.pod);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let now = now();
        let from = now - SignedDuration::from_mins(MINUTES);
        let life = json!({ "exitCode": 0, "startedAt": whole(from), "finishedAt": whole(now) });
        let container = json!({
            "name": "main", "image": "train:1", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "terminated": life },
        });
        let status = Patch::Merge(json!({ "status": { "containerStatuses": [container] } }));
        let api = cluster.api::<Pod>();
        api.patch_status(&placed.pod, &PatchParams::default(), &status)
            .await
            .unwrap();
    }
}

fn ended(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Succeeded")
}

/// Kubernetes tells times in whole seconds.
fn whole(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap().to_string()
}

/// The duration that a pod was judged over, once it was.
async fn judged(heliotrope: &Heliotrope, pod: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(decision) = heliotrope.try_explain(pod).await {
            return decision["workload"]["duration"].clone();
        }
        assert!(
            Instant::now() < until,
            "{pod} was not judged\n{}",
            heliotrope.log_tail()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What is known: nodes whose idle watts were learned, samples behind them, owners with run times, placements added up.
async fn known(heliotrope: &Heliotrope) -> [f64; 4] {
    let metrics = heliotrope.metrics().await;
    let bare = [("coefficient", "bare"), ("source", "observed")];
    let get = |name, labels: &[(&str, &str)]| metrics.get(name, labels).unwrap_or(0.0);
    let report = heliotrope.command(&["report", "-o", "json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    [
        get("heliotrope_coefficient_nodes", &bare),
        get("heliotrope_coefficient_samples", &bare),
        get("heliotrope_learned_owners", &[("what", "run-time")]),
        report["total"]["all"]["placements"].as_f64().unwrap_or(0.0),
    ]
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_history_outlives_the_process() {
    if guest::leaves_out("t_history", "it makes a storage class, which is the cluster's") {
        return;
    }
    let mut figures = Figures::of("t_history");
    let mut site = Site::start(12, Images::Nowhere).await;
    let dir = site.plane.folder().join("history");
    // So rarely that only the end of the process writes it.
    let settings = site.settings().history(&dir, "24h");
    let mut heliotrope = site.heliotrope(&settings).await;
    let config = SchedulerConfig::shipped().with_extender(&heliotrope.url());
    let scheduler = site.plane.scheduler(Which::Current, &config);

    let job = Work::new("train", 1);
    site.cluster.create_job(&job, RUNS).await;
    give_lives(&site.cluster, &job).await;
    wait_metric(
        &heliotrope,
        "heliotrope_learned_owners",
        &[("what", "run-time")],
        |owners| owners >= 1.0,
    )
    .await;

    site.cluster.create_storage_class("local").await;
    site.cluster.create_stateful_set(&Work::new("store", 1), "local").await;
    let volume = judged(&heliotrope, "store-0").await;
    assert_eq!(volume["source"], "volume", "{volume}");
    assert_eq!(volume["horizon"], "volume", "{volume}");

    let begun = Instant::now();
    let until = begun + FLOOR;
    while known(&heliotrope).await[0] < 1.0 {
        assert!(Instant::now() < until, "no node's idle watts were learned");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // Nobody is there to learn it from again.
    site.prometheus.kill();
    scheduler.stop().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = known(&heliotrope).await;
    assert!(before.iter().all(|known| *known > 0.0), "{before:?}");
    // What providers were asked is written down before they are asked.
    assert_eq!(
        names(&dir),
        ["calls.json", "lock"],
        "nothing else is written before its time"
    );

    heliotrope.restart(&site.plane).await;
    heliotrope.wait_ready(PATIENCE).await;
    let after = known(&heliotrope).await;
    let same = before
        .iter()
        .zip(after)
        .all(|(before, after)| (before - after).abs() < 0.5);
    assert!(same, "{before:?}, and {after:?} after a stop and a start");
    assert_eq!(names(&dir), ["calls.json", "learned.json", "lock", "report.json"]);
    figures.note("nodes with learned idle watts", before[0]);
    figures.note("samples behind them", before[1]);
    figures.note(
        "bytes of what was learned",
        std::fs::metadata(dir.join("learned.json")).unwrap().len(),
    );

    // The next pod of the same owner is judged by its runs.
    let mut scheduler = site.plane.scheduler(Which::Current, &config);
    site.cluster.delete_work(&job).await;
    site.cluster.create_job(&job, RUNS).await;
    let next = site.cluster.wait_placed(&job, 1, PATIENCE).await;
    let judged_over = judged(&heliotrope, &next[0].pod).await;
    assert_eq!(judged_over["source"]["history"]["runs"], RUNS, "{judged_over}");

    // A file that somebody spoilt is set aside, the other one counts, and pods are placed.
    heliotrope.kill();
    let spoilt = b"not a history";
    std::fs::write(dir.join("learned.json"), spoilt).unwrap();
    heliotrope.crash(&site.plane);
    heliotrope.wait_ready(PATIENCE).await;
    let metrics = heliotrope.metrics().await;
    for (what, outcome) in [("learned", "refused"), ("report", "ok")] {
        let labels = [("what", what), ("outcome", outcome)];
        assert_eq!(
            metrics.get("heliotrope_history_loads_total", &labels),
            Some(1.0),
            "{what}"
        );
    }
    assert_eq!(std::fs::read(dir.join("learned.json.refused-1")).unwrap(), spoilt);
    let after = Work::new("after", 1);
    site.cluster.create_pods(&after, 1).await;
    site.cluster.wait_placed(&after, 1, PATIENCE).await;
    heliotrope.assert_running();
    scheduler.assert_running();
    site.plane.assert_running();
}
