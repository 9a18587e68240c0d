//! What `deploy/kustomize` ships, on a real API server: every object is taken, the pods are admitted under `restricted`, and
//! kube-scheduler and Heliotrope do their work with the rights of their own service accounts and not one more.
//!
//! Not shown here: no kubelet runs the pods, so images, mounts and probes are not tried, and both processes are given
//! kubeconfigs where the pods have projected tokens.

use super::shipped::{KUSTOMIZE, NAMESPACE, apply_shipped, eventually, kubeconfig, reader_token, requested_token};
use super::site::{CENTRAL, NORTH, WEST};
use crate::cluster::{Cluster, Images, fleet};
use crate::controlplane::{ControlPlane, Process, free_port};
use crate::extender::{Heliotrope, HeliotropeSettings};
use crate::figures::Figures;
use crate::guest;
use crate::world::CarbonFile;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use std::path::Path;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_deploy_works_with_the_rights_it_ships() {
    let why = "it applies all that deploy/kustomize ships under its shipped names, over what may be installed there";
    if guest::leaves_out("k_deploy", why) {
        return;
    }
    let mut figures = Figures::of("deploy");
    let plane = ControlPlane::start().await;
    let admin = plane.client().await;
    let cluster = Cluster::new(admin.clone());
    let nodes = fleet(12, Images::Nowhere);
    cluster.create_nodes(&nodes).await;
    let applied = apply_shipped(&admin, &["identity", "base"]).await;
    assert!(applied > 12, "only {applied} objects found");
    figures.note("objects applied", applied);

    let pods: Api<Pod> = Api::namespaced(admin.clone(), NAMESPACE);
    let ours = ListParams::default().labels("app.kubernetes.io/name=heliotrope");
    let admitted = eventually("two pods are admitted under restricted", async || {
        let found = pods.list(&ours).await.unwrap().items.len();
        (found == 2).then_some(found)
    });
    figures.note("pods admitted under restricted", admitted.await);

    let token = requested_token(&admin, NAMESPACE, "heliotrope-scheduler", &[]).await;
    let scheduler_file = kubeconfig(&plane, "scheduler", &token);
    let reader_file = kubeconfig(&plane, "reader", &reader_token(&admin).await);
    assert_rights(&scheduler_file, &reader_file).await;

    let settings = [(NORTH, "north"), (WEST, "west"), (CENTRAL, "central")]
        .into_iter()
        .fold(HeliotropeSettings::new(), |settings, ((_, zone, grams), _)| {
            settings.file(zone, &CarbonFile::write(plane.folder(), zone, grams))
        })
        .kubeconfig(&reader_file);
    let mut heliotrope = Heliotrope::start(&plane, &settings).await;
    super::site::wait_metric(
        &heliotrope,
        "heliotrope_carbon_best_rung",
        &[("zone", NORTH.1)],
        |value| value >= 1.0,
    )
    .await;
    let mut scheduler = shipped_scheduler(&plane, &scheduler_file, &heliotrope.url());

    let work: Api<Pod> = Api::namespaced(admin.clone(), "default");
    work.create(&PostParams::default(), &gpu_pod()).await.unwrap();
    let node = eventually("the pod is bound", async || {
        work.get("work").await.unwrap().spec.and_then(|spec| spec.node_name)
    })
    .await;
    scheduler.assert_running();
    heliotrope.assert_running();
    let region = nodes.iter().find(|spec| spec.name == node).map(|spec| spec.region);
    assert_eq!(
        region,
        Some(NORTH.0),
        "bound to {node}, which is not in the greenest region"
    );

    let leases: Api<Lease> = Api::namespaced(admin, NAMESPACE);
    let lease = leases.get("heliotrope-scheduler").await.unwrap();
    assert!(
        lease.spec.is_some_and(|spec| spec.holder_identity.is_some()),
        "the scheduler leads under its own lease"
    );
    let metrics = heliotrope.metrics().await;
    let applied = [("verb", "filter"), ("outcome", "applied")];
    assert_eq!(metrics.get("heliotrope_extender_requests_total", &applied), Some(1.0));
    let interrupted = metrics.get("heliotrope_watch_errors_total", &[]).unwrap_or_default();
    assert!(interrupted < 1.0, "the reader may not watch what it must");
    figures.note("bound in the greenest region", true);
}

/// Asks the API server what the two identities may.
async fn assert_rights(scheduler: &Path, reader: &Path) {
    let on = |verb: &str, resource: &str| json!({ "namespace": "default", "verb": verb, "resource": resource });
    let of = |verb: &str, resource: &str, subresource: &str| json!({ "namespace": "default", "verb": verb, "resource": resource, "subresource": subresource });
    let lease = |verb: &str, name: &str| {
        json!({
            "namespace": NAMESPACE, "verb": verb, "group": "coordination.k8s.io", "resource": "leases", "name": name,
        })
    };
    let review = |group: &str, resource: &str| json!({ "verb": "create", "group": format!("{group}.k8s.io"), "resource": resource });
    let authentication = json!({
        "namespace": "kube-system", "verb": "get", "resource": "configmaps", "name": "extension-apiserver-authentication",
    });
    for (who, attributes, wanted) in [
        (reader, on("watch", "nodes"), true),
        (reader, on("list", "pods"), true),
        (reader, on("watch", "persistentvolumeclaims"), true),
        (
            reader,
            json!({ "verb": "list", "group": "storage.k8s.io", "resource": "storageclasses" }),
            true,
        ),
        (reader, on("delete", "persistentvolumeclaims"), false),
        (reader, of("create", "pods", "binding"), false),
        (reader, on("delete", "pods"), false),
        (reader, on("patch", "nodes"), false),
        (reader, on("get", "secrets"), false),
        (reader, review("authentication", "tokenreviews"), true),
        (reader, review("authorization", "subjectaccessreviews"), true),
        (reader, lease("update", "heliotrope-scheduler"), false),
        (scheduler, of("create", "pods", "binding"), true),
        (scheduler, of("patch", "pods", "status"), true),
        // Without update the lease is taken once and never renewed.
        (scheduler, lease("update", "heliotrope-scheduler"), true),
        (scheduler, lease("update", "another"), false),
        (scheduler, authentication, true),
        (scheduler, on("get", "secrets"), false),
        (scheduler, on("delete", "nodes"), false),
    ] {
        let (file, options) = (Kubeconfig::read_from(who).unwrap(), KubeConfigOptions::default());
        let config = kube::Config::from_custom_kubeconfig(file, &options).await.unwrap();
        let client = kube::Client::try_from(config).unwrap();
        let question = json!({ "spec": { "resourceAttributes": attributes } });
        let question: SelfSubjectAccessReview = serde_json::from_value(question).unwrap();
        let answer = Api::all(client).create(&PostParams::default(), &question).await;
        let allowed = answer.unwrap().status.unwrap().allowed;
        assert_eq!(allowed, wanted, "{}: {attributes}", who.display());
    }
}

/// kube-scheduler with the file of the shipped ConfigMap; what cannot be as shipped is changed: the place of the
/// kubeconfig, which a pod does not need, and the extender's port.
fn shipped_scheduler(plane: &ControlPlane, kubeconfig: &Path, extender: &str) -> Process {
    let text = std::fs::read_to_string(Path::new(KUSTOMIZE).join("base/kube-scheduler-config.yaml")).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    config["clientConnection"]["kubeconfig"] = json!(kubeconfig);
    config["extenders"][0]["urlPrefix"] = json!(extender);
    let file = plane.folder().join("shipped-scheduler.yaml");
    std::fs::write(&file, config.to_string()).unwrap();
    let kubeconfig = kubeconfig.display();
    let flags = [
        format!("--config={}", file.display()),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", free_port()),
        format!("--cert-dir={}", plane.folder().join("shipped-scheduler").display()),
    ];
    let binary = plane.binaries().path("kube-scheduler");
    Process::start("shipped-scheduler", &binary, flags, plane.folder())
}

fn gpu_pod() -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": "work", "annotations": { "heliotrope.dev/duration": "30m" } },
        "spec": {
            "schedulerName": "heliotrope",
            "automountServiceAccountToken": false,
            "containers": [{ "name": "main", "image": "train:1", "resources": { "limits": { "nvidia.com/gpu": "1" } } }],
        },
    }))
    .unwrap()
}
