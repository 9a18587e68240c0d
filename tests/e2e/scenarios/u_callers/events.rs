//! A pod that strays gets one Event, however many processes know of it, and none in shadow.

use super::{PATIENCE, Place};
use crate::cluster::Work;
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings, RecordingProxy};
use crate::figures::Figures;
use crate::guest;
use crate::scenarios::shipped::{apply_shipped, eventually};
use crate::scenarios::site::{CENTRAL, NORTH, wait_metric};
use k8s_openapi::api::core::v1;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams};
use serde_json::json;

impl Place {
    /// The pods that Heliotrope wrote Events on, once for each.
    async fn written(&self) -> Vec<String> {
        let events: Api<Event> = Api::all(self.admin.clone());
        let ours = ListParams::default().fields("reason=NotGreenestNode");
        let found = events.list(&ours).await.unwrap().items;
        let pods = found.into_iter().map(|event| event.regarding.unwrap().name.unwrap());
        let mut pods: Vec<String> = pods.collect();
        pods.sort();
        pods
    }

    /// Reads a pod's Event as `kubectl describe` does.
    async fn check_event(&self, pod: &str, node: &str) {
        let uid = self.cluster.pod(pod).await.metadata.uid.unwrap();
        let of_pod = ListParams::default().fields(&format!(
            "involvedObject.kind=Pod,involvedObject.name={pod},involvedObject.uid={uid},reason=NotGreenestNode"
        ));
        let found = self.cluster.api::<v1::Event>().list(&of_pod).await.unwrap().items;
        let [event] = &found[..] else { panic!("{found:?}") };
        let message = event.message.as_deref().unwrap();
        let preferred = format!("bound to {node}; heliotrope preferred gpu-{}", NORTH.0);
        assert!(
            message.starts_with(&preferred) && message.contains("g CO2e less"),
            "{message}"
        );
        assert_eq!(event.type_.as_deref(), Some("Normal"));
        assert_eq!(event.reporting_component.as_deref(), Some("heliotrope.dev/extender"));
    }

    /// Creates a pod that would rather be in the dirtiest region, and waits until it is there.
    async fn stray(&self, name: &str, mode: Option<&str>) -> String {
        let mut work = Work::new(name, 1).preferring(CENTRAL.0);
        if let Some(mode) = mode {
            work = work.annotated("heliotrope.dev/mode", mode);
        }
        self.cluster.create_pod(&work).await;
        let placed = self.cluster.wait_placed(&work, 1, PATIENCE).await.remove(0);
        assert_eq!(placed.region(), CENTRAL.0, "{name} did not stray");
        placed.node
    }
}

/// What became of the Events on pods that strayed, over some processes.
async fn outcomes(heliotropes: &[&Heliotrope], outcome: &str) -> usize {
    let mut sum = 0;
    for heliotrope in heliotropes {
        let metrics = heliotrope.metrics().await;
        sum += metrics.count("heliotrope_pod_events_total", &[("outcome", outcome)]);
    }
    sum
}

/// Waits until so many Events were created or found; how many of them were created.
async fn dealt_with(heliotropes: &[&Heliotrope], events: usize) -> usize {
    eventually("the Events are dealt with", async || {
        let created = outcomes(heliotropes, "created").await;
        let all = created + outcomes(heliotropes, "exists").await;
        assert!(all <= events, "{all} Events, and not {events}");
        (all == events).then_some(created)
    })
    .await
}

/// Where a pod's own preference outvotes any number of extenders.
fn affinity_rules() -> SchedulerConfig {
    SchedulerConfig::shipped().score_weight("NodeAffinity", 50)
}

/// Without the right nothing is written, and the process says so; one that is not to write does not even try.
async fn unwritten(place: &Place, steering: &HeliotropeSettings) {
    let one = place.heliotrope(steering).await;
    let silent = place.heliotrope(&place.settings).await;
    let config = affinity_rules().with_extender(&one.url()).and_extender(&silent.url());
    let mut scheduler = place.plane.scheduler(Which::Current, &config);
    place.stray("forbidden", None).await;
    eventually("it is refused", async || {
        (outcomes(&[&one], "forbidden").await == 1).then_some(())
    })
    .await;
    wait_metric(
        &silent,
        "heliotrope_bindings_total",
        &[("outcome", "outvoted")],
        |strayed| strayed > 0.0,
    )
    .await;
    let tried = silent.metrics().await.count("heliotrope_pod_events_total", &[]);
    assert_eq!(tried, 0, "it tried");
    assert!(place.written().await.is_empty());
    scheduler.assert_running();
    scheduler.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u_events_are_one_a_pod_and_none_in_shadow() {
    let why = "it applies what deploy/kustomize ships under its shipped names";
    if guest::leaves_out("u_events", why) {
        return;
    }
    let mut figures = Figures::of("u_events");
    let mut place = Place::start().await;
    let settings = place.settings.clone().events();
    let steering = settings.clone().placement("selectableModes", json!(["shadow"]));
    unwritten(&place, &steering).await;

    // With the right as shipped, both know of the binding, and there is one Event.
    assert_eq!(apply_shipped(&place.admin, &["events"]).await, 2);
    let mut one = place.heliotrope(&steering).await;
    let two = place.heliotrope(&steering).await;
    let proxy = RecordingProxy::start(&two.url(), 0).await;
    let config = affinity_rules().with_extender(&one.url()).and_extender(&proxy.url());
    let mut scheduler = place.plane.scheduler(Which::Current, &config);
    let node = place.stray("twice", None).await;
    assert_eq!(dealt_with(&[&one, &two], 2).await, 1, "created");
    place.check_event("twice", &node).await;

    // Whoever is content or in shadow gets none: each process writes in the order in which pods are bound, so that the Event of the
    // last would come after theirs.
    let content = Work::new("content", 1);
    place.cluster.create_pod(&content).await;
    let placed = place.cluster.wait_placed(&content, 1, PATIENCE).await.remove(0);
    assert_eq!(placed.region(), NORTH.0);
    place.stray("shadowed", Some("shadow")).await;
    place.stray("after", None).await;
    assert_eq!(dealt_with(&[&one, &two], 4).await, 2, "created");
    assert_eq!(place.written().await, ["after", "twice"]);

    // One is killed between its decision and the binding, and sees the pod again when it starts.
    proxy.hold_after("prioritize", 0);
    let work = Work::new("killed", 1).preferring(CENTRAL.0);
    place.cluster.create_pod(&work).await;
    proxy.held(PATIENCE).await;
    one.crash(&place.plane);
    proxy.open();
    place.cluster.wait_placed(&work, 1, PATIENCE).await;
    one.wait_ready(PATIENCE).await;
    dealt_with(&[&two], 3).await;
    place.stray("last", None).await;
    dealt_with(&[&two], 4).await;
    // It knows nothing of those that came before it.
    dealt_with(&[&one], 1).await;
    assert_eq!(place.written().await, ["after", "killed", "last", "twice"]);
    figures.note("Events on pods that strayed", 4);
    scheduler.assert_running();
    scheduler.stop().await;
    drop((one, two));

    // A process in shadow writes none, but on a pod that asks to be steered.
    let shadow = settings
        .placement("mode", "shadow")
        .placement("selectableModes", json!(["prefer"]));
    let three = place.heliotrope(&shadow).await;
    let mut scheduler = place
        .plane
        .scheduler(Which::Current, &affinity_rules().with_extender(&three.url()));
    place.stray("quiet", None).await;
    place.stray("steered", Some("prefer")).await;
    assert_eq!(dealt_with(&[&three], 1).await, 1, "created");
    let metrics = three.metrics().await;
    let outvoted = metrics.get("heliotrope_bindings_total", &[("outcome", "outvoted")]);
    assert_eq!(outvoted, Some(2.0), "both strayed");
    assert_eq!(place.written().await, ["after", "killed", "last", "steered", "twice"]);
    scheduler.assert_running();
    place.plane.assert_running();
}
