//! The HorizontalPodAutoscaler's arithmetic against the controllers whose numbers it promises: hundreds of generated
//! autoscalers, with the real kube-controller-manager before 1.33 and the current one. For what the controller was answered
//! and when, every desired replica count and every condition's reason is the same as ours. A run that meets a reason too seldom fails too.
//!
//! ```text
//! case ─► manifests ─► kube-apiserver ◄─ kube-controller-manager (its autoscaler alone)
//!   └───► metrics_api (a fake of the three metrics APIs, aggregated) ─► answers ─┐
//!                        status (a watch of every status) ───────────► seen ────┴─► compare
//! ```
//!
//! Pods are written with the status that a case wants and stay so: nobody else touches them, and no controller makes others.

mod case;
mod compare;
mod draw;
mod enough;
mod manifests;
mod metrics_api;
mod status;

use crate::cluster::Cluster;
use crate::controlplane::{Autoscaler, AutoscalerOf, ControlPlane, Pace, Purpose};
use crate::figures::{Figures, out_folder};
use crate::guest;
use crate::loopback::now;
use case::Case;
use compare::{Compared, compare, is_off};
use futures::StreamExt;
use heliotrope_core::rightsizing::hpa::HpaVersion;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use metrics_api::{FakeMetricsApi, SERVED};
use serde_json::{Value, json};
use status::StatusWatch;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Autoscalers, on each version.
const CASES: u64 = 560;
/// Syncs that every script holds before it begins again.
const STEPS: usize = 6;
/// Syncs of every autoscaler that are waited for; the last is not compared.
const SYNCS: usize = 9;
/// Seconds; shorter than a run, so that what it holds is let go within it.
const DOWNSCALE_STABILISATION: i32 = 10;
const SYNC_PERIOD: Duration = Duration::from_secs(4);
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w_hpa_conformance() {
    if guest::leaves_out(
        "w_hpa_conformance",
        "it registers metrics APIs, which are the cluster's",
    ) {
        return;
    }
    let mut figures = Figures::of("w_hpa_conformance");
    let mut plane = ControlPlane::start_own(Purpose::Autoscaling).await;
    let cluster = Cluster::new(plane.client().await);
    let cases: Vec<_> = (0..CASES).map(|number| Arc::new(Case::generate(number))).collect();
    let metrics = FakeMetricsApi::serve(&cases, plane.server_certificate()).await;
    register(&plane, metrics.port()).await;
    let start = Timestamp::from_second(now().as_second()).unwrap();
    each(&cases, |case| put_target(&cluster, case, start)).await;
    let (mut syncs, mut differences, mut too_few) = (Vec::new(), Vec::new(), Vec::new());
    for (of, version) in [
        (AutoscalerOf::Before133, HpaVersion::UpTo132),
        (AutoscalerOf::Current, HpaVersion::From137),
    ] {
        let compared = run(&plane, &cluster, (of, version), &cases, &metrics, start).await;
        let binary = plane.binaries().autoscaler_version(of);
        note(&mut figures, &binary, &compared);
        syncs.push(compared.syncs);
        too_few.extend(compared.too_few(version));
        differences.extend(compared.differences);
    }
    plane.assert_running();
    if let Some(folder) = out_folder() {
        std::fs::write(folder.join("w_hpa_differences.txt"), differences.join("\n\n")).unwrap();
    }
    let some: Vec<_> = differences.iter().take(8).map(String::as_str).collect();
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        some.join("\n")
    );
    assert!(
        syncs.iter().all(|syncs| *syncs > CASES * 4),
        "syncs compared: {syncs:?}"
    );
    assert!(too_few.is_empty(), "{}", too_few.join("\n"));
}

/// Lets one version run every autoscaler anew, and compares.
async fn run(
    plane: &ControlPlane,
    cluster: &Cluster,
    (of, version): (AutoscalerOf, HpaVersion),
    cases: &[Arc<Case>],
    metrics: &FakeMetricsApi,
    start: Timestamp,
) -> Compared {
    let everything = ListParams::default();
    let api = cluster.api::<HorizontalPodAutoscaler>();
    api.delete_collection(&DeleteParams::default(), &everything)
        .await
        .unwrap();
    each(cases, |case| reset_target(cluster, case)).await;
    metrics.take();
    let watch = StatusWatch::start(api);
    let pace = Pace {
        sync: SYNC_PERIOD,
        downscale_stabilisation: Duration::from_secs(DOWNSCALE_STABILISATION.unsigned_abs().into()),
    };
    let autoscaler = Autoscaler::start(plane, of, pace);
    // One by one, so that they are not all looked at in the same moment.
    for case in cases {
        let object = serde_json::from_value(case.autoscaler()).unwrap();
        let made = cluster
            .api::<HorizontalPodAutoscaler>()
            .create(&PostParams::default(), &object)
            .await;
        made.unwrap_or_else(|error| panic!("{error}: {}", case.autoscaler()));
    }
    let until = Instant::now() + PATIENCE;
    let waits = |case: &&Arc<Case>| !is_off(case, version) && metrics.syncs(case) < SYNCS;
    while let Some(case) = cases.iter().find(waits) {
        assert!(
            Instant::now() < until,
            "{} was synced {} times in {PATIENCE:?}",
            case.name,
            metrics.syncs(case)
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    autoscaler.stop().await;
    let (answers, seen) = (metrics.take(), watch.stop());
    let mut compared = Compared::default();
    for case in cases {
        let answers = answers.get(&case.name).map_or(&[][..], Vec::as_slice);
        let seen = seen.get(&case.name).map_or(&[][..], Vec::as_slice);
        compare(case, version, start, (answers, seen), &mut compared);
    }
    compared
}

fn note(figures: &mut Figures, version: &str, compared: &Compared) {
    figures.note(&format!("{version}: autoscalers"), CASES);
    figures.note(&format!("{version}: syncs compared"), compared.syncs);
    figures.note(&format!("{version}: syncs that changed replicas"), compared.changes);
    figures.note(&format!("{version}: syncs that scaled to zero"), compared.to_zero);
    figures.note(&format!("{version}: syncs that scaled from zero"), compared.from_zero);
    figures.note(
        &format!("{version}: syncs at the very end of a window"),
        compared.on_the_edge,
    );
    figures.note(
        &format!("{version}: autoscalers that differ"),
        compared.differences.len(),
    );
    for (reason, times) in &compared.reasons {
        figures.note(&format!("{version}: {reason}"), *times);
    }
}

/// Does something for every case, some at once.
async fn each<'a, F: Future<Output = ()>>(cases: &'a [Arc<Case>], what: impl Fn(&'a Case) -> F) {
    let all = futures::stream::iter(cases).map(|case| what(case));
    all.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

/// Makes the target of a case, and its pods with their status.
async fn put_target(cluster: &Cluster, case: &Case, start: Timestamp) {
    let deployments = cluster.api::<Deployment>();
    let object = serde_json::from_value(case.deployment()).unwrap();
    deployments.create(&PostParams::default(), &object).await.unwrap();
    let status = json!({ "status": { "replicas": case.status } });
    let merge = PatchParams::default();
    deployments
        .patch_status(&case.name, &merge, &Patch::Merge(status))
        .await
        .unwrap();
    let pods = cluster.api::<Pod>();
    for (ix, described) in case.pods.iter().enumerate() {
        let (name, (object, status)) = (case.pod_name(ix), case.pod(ix, start));
        let object = serde_json::from_value(object).unwrap();
        pods.create(&PostParams::default(), &object).await.unwrap();
        pods.patch_status(&name, &merge, &Patch::Strategic(status))
            .await
            .unwrap();
        if described.deleting {
            pods.delete(&name, &DeleteParams::default()).await.unwrap();
        }
    }
}

/// As many replicas as a case begins with.
async fn reset_target(cluster: &Cluster, case: &Case) {
    let spec = json!({ "spec": { "replicas": case.current } });
    let deployments = cluster.api::<Deployment>();
    let patched = deployments
        .patch(&case.name, &PatchParams::default(), &Patch::Merge(spec))
        .await;
    patched.unwrap();
}

/// Has the API server ask the fake for metrics, through a name instead of an address: it refuses one on loopback.
async fn register(plane: &ControlPlane, port: u16) {
    let client = plane.client().await;
    let send = async |method: &str, path: &str, body: Value| {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("Content-Type", "application/json");
        let request = request.body(serde_json::to_vec(&body).unwrap()).unwrap();
        client.request::<Value>(request).await
    };
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "fake-metrics" },
        "spec": { "type": "ExternalName", "externalName": "localhost" },
    });
    send("POST", "/api/v1/namespaces/default/services", service)
        .await
        .unwrap();
    let services = "/apis/apiregistration.k8s.io/v1/apiservices";
    for (group, version) in SERVED {
        let name = format!("{version}.{group}");
        let object = json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": name },
            "spec": {
                "group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100,
                "insecureSkipTLSVerify": true,
                "service": { "namespace": "default", "name": "fake-metrics", "port": port },
            },
        });
        send("POST", services, object).await.unwrap();
    }
    let until = Instant::now() + Duration::from_secs(60);
    for (group, version) in SERVED {
        let path = format!("{services}/{version}.{group}");
        loop {
            let object = send("GET", &path, Value::Null).await.unwrap();
            let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let is_available = |condition: &Value| condition["type"] == "Available" && condition["status"] == "True";
            if conditions.iter().any(is_available) {
                break;
            }
            assert!(
                Instant::now() < until,
                "{group} does not become available: {conditions:?}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
