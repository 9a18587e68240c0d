//! Where pods were bound, against what was preferred: told by the watch, counted once, and shown in the explanation.

use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, daemon, job, names_body, node_json, pod_event};
use heliotrope::cluster::{Labels, LeanNode};
use heliotrope::telemetry::{Clock, Metrics};
use heliotrope::world::{PodId, Record, Stage, Writer, channels};
use heliotrope_core::snapshot::{ClusterEvent, Surroundings};
use heliotrope_core::workload::Exemption;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Within the band of the north: 30 of 20 g/kWh; the west is not. Waking is free, so that a region's nodes tie.
const SETTINGS: &str = "placement: {mode: prefer, band: 0.6, fullSpread: 2, wake: {default: 0}, denyZones: [GB], exemptNamespaces: [kube-system]}";

fn count(rig: &Rig, outcome: &str) -> u64 {
    rig.counted(&format!(r#"heliotrope_bindings_total{{outcome="{outcome}"}}"#))
}

fn total(rig: &Rig) -> u64 {
    let all = [
        "top",
        "in-band",
        "outvoted",
        "not-offered",
        "unpriced",
        "exempt",
        "bypassed",
    ];
    all.iter().map(|outcome| count(rig, outcome)).sum()
}

/// A node in a place that no table knows.
fn placeless() -> ClusterEvent {
    let mut node = node_json()[0].clone();
    node["metadata"]["name"] = json!("placeless");
    node["metadata"]["labels"]["topology.kubernetes.io/region"] = json!("moon-1");
    let lean: LeanNode = serde_json::from_value(node).unwrap();
    ClusterEvent::Node(lean.facts(&Labels::default()).unwrap())
}

async fn ask(rig: &Rig, pod: &Value, names: &[&str]) {
    assert_eq!(rig.post("/filter", names_body(pod, names)).await.status, 200);
    assert_eq!(rig.post("/prioritize", names_body(pod, names)).await.status, 200);
}

#[rstest]
#[case::the_cheapest("top", NORTH[0])]
#[case::one_that_ties_with_it("top", NORTH[1])]
#[case::as_good("in-band", CENTRAL[0])]
#[case::dearer("outvoted", "dear")]
#[case::refused("not-offered", WEST[0])]
#[case::no_candidate("not-offered", "elsewhere")]
#[case::without_a_price("unpriced", "placeless")]
#[case::not_known_when_asked("unpriced", "node-of-tomorrow")]
#[tokio::test]
async fn a_binding_is_compared_with_what_was_preferred(#[case] outcome: &str, #[case] node: &str) {
    let rig = Rig::start(SETTINGS).await;
    let mut dear = node_json()[0].clone();
    dear["metadata"]["name"] = json!("dear");
    dear["metadata"]["labels"]["heliotrope.dev/grid-zone"] = json!("PL");
    let dear: LeanNode = serde_json::from_value(dear).unwrap();
    let mut elsewhere = dear.facts(&Labels::default()).unwrap();
    elsewhere.name = Arc::from("elsewhere");
    let events = [
        placeless(),
        ClusterEvent::Node(dear.facts(&Labels::default()).unwrap()),
        ClusterEvent::Node(elsewhere),
    ];
    rig.tell(events.into()).await;
    rig.intensities(&[("SE-SE3", 20.0), ("DE", 30.0), ("PL", 700.0)]).await;
    let pod = job("a", 1);
    let mut names = all();
    if node == "node-of-tomorrow" {
        names.push(node);
    }
    names.extend(["placeless", "dear"]);
    ask(&rig, &pod, &names).await;
    rig.tell(vec![pod_event(&bound(pod.clone(), node))]).await;
    assert_eq!((count(&rig, outcome), total(&rig)), (1, 1));
    let explained: Value = rig.get("/explain?pod=ml/a").await.json();
    assert_eq!(
        (&explained["bound"], &explained["outcome"]),
        (&json!(node), &json!(outcome))
    );
    // The watch tells of the pod again when it starts, and again when it is listed anew.
    let again = pod_event(&bound(pod, node));
    rig.tell(vec![
        again.clone(),
        ClusterEvent::PodsRelisting,
        again,
        ClusterEvent::PodsListed,
    ])
    .await;
    assert_eq!(total(&rig), 1, "once");
}

#[tokio::test]
async fn a_pod_that_nobody_asked_about_passed_us_by() {
    let rig = Rig::start(SETTINGS).await;
    rig.tell(vec![pod_event(&bound(job("a", 1), WEST[0]))]).await;
    assert_eq!((count(&rig, "bypassed"), total(&rig)), (1, 1));
}

#[tokio::test]
async fn an_exempt_pod_did_not_pass_us_by() {
    let rig = Rig::start(SETTINGS).await;
    let mut pod = job("a", 1);
    pod["metadata"]["namespace"] = json!("kube-system");
    ask(&rig, &pod, &all()).await;
    rig.tell(vec![pod_event(&bound(pod, WEST[0]))]).await;
    assert_eq!((count(&rig, "exempt"), total(&rig)), (1, 1));
}

#[tokio::test]
async fn pods_that_are_not_ours_and_old_news_are_not_counted() {
    let rig = Rig::silent(SETTINGS).await;
    let old = pod_event(&bound(job("old", 1), NORTH[0]));
    rig.tell(vec![old.clone(), ClusterEvent::NodesListed, ClusterEvent::PodsListed])
        .await;
    let mut static_pod = job("static", 1);
    static_pod["metadata"]["ownerReferences"][0]["kind"] = json!("Node");
    let mut system = job("system", 1);
    system["spec"]["priorityClassName"] = json!("system-cluster-critical");
    let pods = [daemon("daemon", 1), static_pod, system, job("cpu-only", 0)];
    let mut events: Vec<ClusterEvent> = pods.into_iter().map(|pod| pod_event(&bound(pod, NORTH[0]))).collect();
    events.extend([old, pod_event(&job("pending", 1))]);
    rig.tell(events).await;
    assert_eq!(total(&rig), 0);
}

#[tokio::test]
async fn a_name_used_again_is_another_pod() {
    let rig = Rig::start(SETTINGS).await;
    let first = job("a", 1);
    ask(&rig, &first, &all()).await;
    rig.tell(vec![pod_event(&bound(first, NORTH[0]))]).await;
    rig.tell(vec![ClusterEvent::PodGone {
        uid: Arc::from("uid-a"),
    }])
    .await;
    let mut second = job("a", 1);
    second["metadata"]["uid"] = json!("uid-a-2");
    ask(&rig, &second, &all()).await;
    rig.settle().await;
    let explained: Value = rig.get("/explain?pod=ml/a").await.json();
    assert_eq!(
        (&explained["uid"], &explained["bound"]),
        (&json!("uid-a-2"), &Value::Null)
    );
    rig.tell(vec![pod_event(&bound(second, NORTH[0]))]).await;
    assert_eq!((count(&rig, "top"), total(&rig)), (2, 2));
}

/// The decision and the binding come through two channels; however late the writer is, the decision counts first.
#[tokio::test]
async fn a_binding_does_not_overtake_its_decision() {
    let clock: Clock = Arc::new(|| "2026-06-01T12:00:00Z".parse().unwrap());
    for _ in 0..30 {
        let (metrics, (senders, inbox)) = (Metrics::new(), channels());
        let around: Surroundings = Surroundings::clone(&Rig::silent("").await.world.snapshot().surroundings);
        let (_around, around_in) = watch::channel((around, 0.02));
        let (writer, _world) = Writer::new(around_in, Arc::clone(&clock), metrics.clone());
        let pod = PodId {
            uid: "uid-a".into(),
            namespace: "ml".into(),
            name: "a".into(),
        };
        senders.cluster.send(ClusterEvent::PodsListed).await.unwrap();
        senders
            .cluster
            .send(pod_event(&bound(job("a", 1), NORTH[0])))
            .await
            .unwrap();
        let decision = Record {
            pod,
            at: clock(),
            stage: Stage::Exempt(Exemption::Namespace),
        };
        senders.records.send(decision).await.unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(writer.run(inbox, stop.clone()));
        crate::rig::until("the binding", || {
            metrics.exposition().contains("heliotrope_bindings_total{")
        })
        .await;
        stop.cancel();
        running.await.unwrap();
        assert!(
            metrics
                .exposition()
                .contains(r#"heliotrope_bindings_total{outcome="exempt"} 1"#)
        );
    }
}
