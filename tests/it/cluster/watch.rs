//! Watches: what they tell when the API server ends them, forgets versions, breaks off or sends nonsense.

use super::server::{ApiServer, End, event, gone};
use crate::rig::PATIENCE;
use heliotrope::cluster::{ClusterWatch, Labels};
use heliotrope_core::snapshot::{ClusterEvent, VolumeEvent};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

fn node(name: &str, version: &str) -> Value {
    json!({ "metadata": { "name": name, "resourceVersion": version }, "spec": {}, "status": { "allocatable": { "nvidia.com/gpu": "8" } } })
}

fn pod(name: &str, version: &str, node: &str) -> Value {
    json!({ "metadata": { "name": name, "namespace": "ml", "uid": format!("uid-{name}"), "resourceVersion": version },
        "spec": { "nodeName": node, "containers": [] } })
}

fn of_volume(event: &VolumeEvent) -> String {
    match event {
        VolumeEvent::Claim(claim) => {
            let state = if claim.bound { "bound" } else { "unbound" };
            format!(
                "{}/{} {state} of {}",
                claim.namespace,
                claim.name,
                claim.class.as_deref().unwrap_or("the default")
            )
        }
        VolumeEvent::ClaimGone { namespace, name } => format!("{namespace}/{name} gone"),
        VolumeEvent::Class(class) => format!("{} waits: {}, default: {}", class.name, class.waits, class.default),
        VolumeEvent::ClassGone(name) => format!("{name} gone"),
        VolumeEvent::ClaimsRelisting | VolumeEvent::ClassesRelisting => "anew".to_owned(),
        VolumeEvent::ClaimsListed | VolumeEvent::ClassesListed => "listed".to_owned(),
    }
}

/// What is watched.
enum Kind {
    Nodes,
    Pods,
    Claims,
    Classes,
}

/// A running watch.
struct Watching {
    events: Receiver<ClusterEvent>,
    failures: Arc<AtomicU32>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Watching {
    fn nodes(server: &ApiServer) -> Self {
        Self::start(server, Kind::Nodes)
    }

    fn pods(server: &ApiServer) -> Self {
        Self::start(server, Kind::Pods)
    }

    fn claims(server: &ApiServer) -> Self {
        Self::start(server, Kind::Claims)
    }

    fn classes(server: &ApiServer) -> Self {
        Self::start(server, Kind::Classes)
    }

    fn start(server: &ApiServer, kind: Kind) -> Self {
        let watch = ClusterWatch::new(server.client(), Labels::default());
        let (out, events) = channel(64);
        let (failures, cancel) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let (counted, stop) = (Arc::clone(&failures), cancel.clone());
        let failed = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let task = tokio::spawn(async move {
            match kind {
                Kind::Nodes => watch.run_nodes(out, failed, stop).await,
                Kind::Pods => watch.run_pods(out, failed, stop).await,
                Kind::Claims => watch.run_volume_claims(out, failed, stop).await,
                Kind::Classes => watch.run_storage_classes(out, failed, stop).await,
            }
        });
        Self {
            events,
            failures,
            cancel,
            task,
        }
    }

    /// The next events, as short words.
    async fn next(&mut self, count: usize) -> Vec<String> {
        let mut told = Vec::new();
        while told.len() < count {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
            let event = event
                .unwrap_or_else(|_| panic!("only {told:?}"))
                .expect("the watch ended");
            told.push(match event {
                ClusterEvent::Node(node) if node.schedulable => node.name.to_string(),
                ClusterEvent::Node(node) => format!("{} cordoned", node.name),
                ClusterEvent::NodeGone(name) => format!("{name} gone"),
                ClusterEvent::Pod(pod) => format!("{} on {}", pod.name, pod.node.as_deref().unwrap_or("nothing")),
                ClusterEvent::PodGone { uid } => format!("{uid} gone"),
                ClusterEvent::NodesRelisting | ClusterEvent::PodsRelisting => "anew".to_owned(),
                ClusterEvent::NodesListed | ClusterEvent::PodsListed => "listed".to_owned(),
                ClusterEvent::Volume(event) => of_volume(&event),
                ClusterEvent::Devices(event) => format!("{event:?}"),
            });
        }
        told
    }

    fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Stops it, which it must do by itself, and nothing more may have been told.
    async fn stop(mut self) {
        assert!(self.events.try_recv().is_err());
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn nodes_are_listed_and_then_followed() {
    let server = ApiServer::start().await;
    server.list("10", &[node("a", "1"), node("b", "2")]);
    let mut cordoned = node("a", "11");
    cordoned["spec"]["unschedulable"] = json!(true);
    let bookmark = json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "resourceVersion": "13" } });
    let events = vec![
        event("MODIFIED", &cordoned),
        event("ADDED", &node("c", "12")),
        event("BOOKMARK", &bookmark),
        event("DELETED", &node("b", "14")),
    ];
    server.watch(events, End::Open);
    let mut watching = Watching::nodes(&server);
    assert_eq!(
        watching.next(7).await,
        ["anew", "a", "b", "listed", "a cordoned", "c", "b gone"]
    );
    assert!(server.asked()[1].contains("resourceVersion=10"), "{:?}", server.asked());
    assert_eq!(watching.failures(), 0);
    watching.stop().await;
}

#[tokio::test]
async fn a_watch_that_the_server_ends_goes_on_where_it_was() {
    let server = ApiServer::start().await;
    server.list("10", &[node("a", "1")]);
    server.watch(vec![event("ADDED", &node("b", "11"))], End::Closed);
    server.watch(vec![event("ADDED", &node("c", "12"))], End::Open);
    let mut watching = Watching::nodes(&server);
    assert_eq!(watching.next(5).await, ["anew", "a", "listed", "b", "c"]);
    assert!(server.asked()[2].contains("resourceVersion=11"), "{:?}", server.asked());
    watching.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_goes_on_where_it_was() {
    let server = ApiServer::start().await;
    server.list("10", &[pod("a", "1", "n")]);
    server.watch(vec![event("ADDED", &pod("b", "11", "n"))], End::Broken);
    server.watch(vec![event("DELETED", &pod("a", "12", "n"))], End::Open);
    let mut watching = Watching::pods(&server);
    assert_eq!(
        watching.next(5).await,
        ["anew", "a on n", "listed", "b on n", "uid-a gone"]
    );
    assert!(server.asked()[2].contains("resourceVersion=11"), "{:?}", server.asked());
    watching.stop().await;
}

#[tokio::test]
async fn a_version_that_is_too_old_begins_anew_and_what_is_gone_is_dropped() {
    let server = ApiServer::start().await;
    server.list("10", &[node("a", "1"), node("b", "2")]);
    server.watch(vec![gone()], End::Closed);
    server.list("90", &[node("a", "1"), node("c", "80")]);
    let mut watching = Watching::nodes(&server);
    let told = ["anew", "a", "b", "listed", "anew", "a", "c", "listed"];
    assert_eq!(watching.next(8).await, told);
    assert_eq!(watching.failures(), 1);
    watching.stop().await;
}

/// The whole way: a pod and a node that went away while nobody watched leave the snapshot, and not before the list is
/// complete.
#[tokio::test]
async fn what_went_away_meanwhile_leaves_the_picture_with_the_complete_list() {
    let rig = crate::rig::Rig::silent("").await;
    let stop = CancellationToken::new();
    let (nodes, pods) = (ApiServer::start().await, ApiServer::start().await);
    nodes.list("10", &[node("a", "1"), node("b", "2")]);
    nodes.watch(vec![gone()], End::Closed);
    nodes.fail(500);
    nodes.list("90", &[node("a", "1")]);
    pods.list("10", &[pod("p", "1", "a")]);
    pods.watch(vec![gone()], End::Closed);
    pods.list("90", &[]);
    let watch = ClusterWatch::new(nodes.client(), Labels::default());
    let told = watch.run_nodes(rig.senders.cluster.clone(), || {}, stop.clone());
    let nodes_task = tokio::spawn(told);
    let watch = ClusterWatch::new(pods.client(), Labels::default());
    let told = watch.run_pods(rig.senders.cluster.clone(), || {}, stop.clone());
    let pods_task = tokio::spawn(told);
    let awake = |name: &str| {
        let snapshot = rig.world.snapshot();
        snapshot
            .find(name)
            .and_then(|ix| snapshot.node(ix).map(|node| node.awake))
    };
    crate::rig::until("both nodes and the pod", || {
        awake("a") == Some(true) && awake("b").is_some()
    })
    .await;
    crate::rig::until("node and pod gone", || {
        awake("a") == Some(false) && awake("b").is_none()
    })
    .await;
    assert!(rig.world.readiness().is_ready());
    stop.cancel();
    nodes_task.await.unwrap();
    pods_task.await.unwrap();
}

#[tokio::test]
async fn an_empty_cluster_is_listed() {
    let server = ApiServer::start().await;
    server.list("10", &[]);
    let mut watching = Watching::pods(&server);
    assert_eq!(watching.next(2).await, ["anew", "listed"]);
    watching.stop().await;
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_left_out_and_the_others_are_not() {
    let server = ApiServer::start().await;
    let mut nonsense = node("nonsense", "3");
    nonsense["status"]["allocatable"] = json!(["nvidia.com/gpu"]);
    server.list("10", &[node("a", "1"), nonsense.clone(), node("b", "2")]);
    server.watch(
        vec![event("MODIFIED", &nonsense), event("ADDED", &node("c", "12"))],
        End::Open,
    );
    let mut watching = Watching::nodes(&server);
    assert_eq!(watching.next(5).await, ["anew", "a", "b", "listed", "c"]);
    watching.stop().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut server = ApiServer::reserve().await;
    server.fail(500);
    server.list("10", &[node("a", "1")]);
    let mut watching = Watching::nodes(&server);
    crate::rig::until("a failure", || watching.failures() > 0).await;
    server.open().await;
    // Each attempt begins anew; one is completed.
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "listed") {
        told.extend(watching.next(1).await);
    }
    assert!(
        told.ends_with(&["anew".to_owned(), "a".to_owned(), "listed".to_owned()]),
        "{told:?}"
    );
    assert_eq!(told.iter().filter(|word| *word == "a").count(), 1, "{told:?}");
    assert!(watching.failures() >= 2);
    watching.stop().await;
}

#[tokio::test]
async fn a_watch_ends_when_nobody_listens() {
    let server = ApiServer::start().await;
    server.list("10", &[node("a", "1")]);
    let Watching { events, task, .. } = Watching::nodes(&server);
    drop(events);
    tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn claims_and_classes_are_followed_as_nodes_are() {
    let server = ApiServer::start().await;
    let claim = |name: &str, spec: Value| json!({ "metadata": { "name": name, "namespace": "ml", "resourceVersion": "1" }, "spec": spec });
    let waiting = claim(
        "data",
        json!({ "storageClassName": "local", "resources": { "requests": { "storage": "1Gi" } } }),
    );
    server.list("10", &[waiting, claim("plain", json!({}))]);
    let bound = claim("data", json!({ "storageClassName": "local", "volumeName": "pv-1" }));
    let events = vec![event("MODIFIED", &bound), event("DELETED", &bound)];
    server.watch(events, End::Open);
    let mut watching = Watching::claims(&server);
    assert_eq!(
        watching.next(6).await,
        [
            "anew",
            "ml/data unbound of local",
            "ml/plain unbound of the default",
            "listed",
            "ml/data bound of local",
            "ml/data gone"
        ]
    );
    watching.stop().await;
    let annotations = json!({ "storageclass.kubernetes.io/is-default-class": "true" });
    let class = json!({ "metadata": { "name": "local", "resourceVersion": "1", "annotations": annotations }, "provisioner": "x", "volumeBindingMode": "WaitForFirstConsumer" });
    let at_once = json!({ "metadata": { "name": "net", "resourceVersion": "1" }, "provisioner": "x", "volumeBindingMode": "Immediate" });
    server.list("10", &[class, at_once]);
    let mut watching = Watching::classes(&server);
    assert_eq!(
        watching.next(4).await,
        [
            "anew",
            "local waits: true, default: true",
            "net waits: false, default: false",
            "listed"
        ]
    );
    watching.stop().await;
}

/// A cluster whose administrator grants only nodes and pods: it is counted and tried again, and nothing else waits for it.
#[tokio::test]
async fn claims_that_may_not_be_read_are_told_as_a_failure() {
    let server = ApiServer::start().await;
    server.fail(403);
    server.list("10", &[]);
    let mut watching = Watching::claims(&server);
    assert_eq!(watching.next(3).await, ["anew", "anew", "listed"]);
    assert!(watching.failures() >= 1);
    watching.stop().await;
}
