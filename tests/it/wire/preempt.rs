//! Preemption over the wire: victims in both forms, and no eviction whose beneficiary filter would refuse.

use super::filter;
use super::go::ExtenderPreemptionResult;
use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, job, pod_event};
use heliotrope_core::snapshot::ClusterEvent;
use rstest::rstest;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const DENY: &str = "placement: {mode: prefer, denyZones: [DE]}";

async fn preempt(rig: &Rig, body: &Value) -> ExtenderPreemptionResult {
    rig.post("/preempt", body.to_string()).await.json()
}

fn kept(answer: &ExtenderPreemptionResult) -> Vec<&str> {
    answer.node_name_to_meta_victims.keys().map(String::as_str).collect()
}

/// Pods that fill the boards of each node, in the world and as the victims of a request.
async fn fill(rig: &Rig) -> Vec<(&'static str, Value)> {
    let victims: Vec<(&str, Value)> = all()
        .into_iter()
        .map(|node| (node, bound(job(&format!("batch-{node}"), 8), node)))
        .collect();
    rig.tell(victims.iter().map(|(_, pod)| pod_event(pod)).collect()).await;
    victims
}

fn body(pod: &Value, victims: &[(&str, Value)], form: &str) -> Value {
    let (mut whole, mut meta) = (json!({}), json!({}));
    for (node, victim) in victims {
        whole[*node] = json!({ "Pods": [victim], "NumPDBViolations": 0 });
        meta[*node] = json!({ "Pods": [{ "UID": victim["metadata"]["uid"] }], "NumPDBViolations": 0 });
    }
    match form {
        "meta" => json!({ "Pod": pod, "NodeNameToVictims": null, "NodeNameToMetaVictims": meta }),
        _ => json!({ "Pod": pod, "NodeNameToVictims": whole, "NodeNameToMetaVictims": null }),
    }
}

#[rstest]
#[case::denied(DENY)]
#[case::strict("placement: {mode: strict, wake: {default: 0}}")]
#[case::ceiling("placement: {mode: prefer, ceiling: 100 g/kWh}")]
#[case::nowhere("placement: {mode: prefer, denyZones: [DE, GB, SE-SE3]}")]
#[case::anywhere("placement: {mode: prefer}")]
#[tokio::test]
async fn g12_a_node_is_emptied_only_where_filter_accepts_the_pod_afterwards(
    #[case] settings: &str,
    #[values("whole", "meta")] form: &str,
) {
    let rig = Rig::start(settings).await;
    let victims = fill(&rig).await;
    let urgent = job("urgent", 8);
    let answer = preempt(&rig, &body(&urgent, &victims, form)).await;
    let emptied: BTreeSet<String> = kept(&answer).into_iter().map(str::to_owned).collect();
    for (node, victims) in &answer.node_name_to_meta_victims {
        let uids: Vec<&str> = victims.pods.iter().map(|victim| victim.uid.as_str()).collect();
        assert_eq!(uids, [format!("uid-batch-{node}")]);
    }
    // What filter says once the victims are gone.
    let gone = |(_, pod): &(&str, Value)| ClusterEvent::PodGone {
        uid: Arc::from(pod["metadata"]["uid"].as_str().unwrap()),
    };
    rig.tell(victims.iter().map(gone).collect()).await;
    let accepted = filter(&rig, &urgent, &all()).await.kept();
    assert_eq!(emptied, accepted.into_iter().collect());
}

/// Idle watts of the two nodes of a region, and what eight GPUs of one are booked at.
async fn watts_of(nodes: [&str; 2]) -> (f64, f64) {
    let rig = Rig::start("placement: {mode: prefer}").await;
    let snapshot = rig.world.snapshot();
    let node = |name: &str| snapshot.node(snapshot.find(name).unwrap()).unwrap();
    let idle = nodes.map(|name| node(name).bare.unwrap().watts.get() * node(name).slots.boards() as f64);
    (idle.iter().sum(), node(nodes[0]).rise.unwrap().get() * 8.0)
}

/// A region whose cap has room for one pod of eight boards, and the pod that has it.
async fn full_region() -> (Rig, Value) {
    let (idle, eight) = watts_of(NORTH).await;
    let settings = format!(
        "placement: {{mode: prefer}}\npower: {{domains: [{{name: region, label: topology.kubernetes.io/region, gpuWatts: '{} W'}}]}}",
        idle + 1.5 * eight
    );
    let rig = Rig::start(&settings).await;
    let victim = bound(job("victim", 8), NORTH[0]);
    rig.tell(vec![pod_event(&victim)]).await;
    (rig, victim)
}

fn victim_gone() -> ClusterEvent {
    ClusterEvent::PodGone {
        uid: Arc::from("uid-victim"),
    }
}

/// The room that victims leave is the pod's for whom they go, from the answer until its nomination is seen and from there on
/// until it is bound: another pod that asks in between must not take it, or the eviction would have served nobody.
#[tokio::test]
async fn g12_room_that_preemption_makes_is_held_for_the_pod_it_is_made_for() {
    let (rig, victim) = full_region().await;
    let (mut urgent, other) = (job("urgent", 8), job("other", 8));
    let kept = async |pod: &Value| filter(&rig, pod, &NORTH).await.kept().len();
    assert_eq!((kept(&urgent).await, kept(&other).await), (0, 0), "the region is full");
    let answer = preempt(&rig, &body(&urgent, &[(NORTH[0], victim)], "meta")).await;
    assert_eq!(self::kept(&answer), [NORTH[0]]);
    rig.tell(vec![victim_gone()]).await;
    assert_eq!(kept(&other).await, 0, "the room is promised");
    // The nomination is seen: from there on the snapshot counts the pod.
    urgent["metadata"]["resourceVersion"] = json!("2");
    urgent["status"]["nominatedNodeName"] = json!(NORTH[0]);
    rig.tell(vec![pod_event(&urgent)]).await;
    rig.advance(jiff::SignedDuration::from_secs(6));
    rig.settle().await;
    assert_eq!(kept(&other).await, 0, "the room is the nominated pod's");
    assert!(kept(&urgent).await > 0, "and does not count against itself");
}

/// A nomination that never comes does not hold the room for longer than kube-scheduler takes to write one.
#[tokio::test]
async fn room_that_nobody_is_nominated_for_is_let_go() {
    let (rig, victim) = full_region().await;
    preempt(&rig, &body(&job("urgent", 8), &[(NORTH[0], victim)], "meta")).await;
    rig.tell(vec![victim_gone()]).await;
    for (seconds, room) in [(4, false), (2, true)] {
        rig.advance(jiff::SignedDuration::from_secs(seconds));
        rig.settle().await;
        assert_eq!(
            !filter(&rig, &job("other", 8), &NORTH).await.kept().is_empty(),
            room,
            "{seconds} s later"
        );
    }
}

/// A node that still runs others after its victims are gone stays awake, and is dearer or cheaper for it.
#[tokio::test]
async fn victims_are_taken_off_their_node_before_it_is_judged() {
    let rig = Rig::start("placement: {mode: strict, band: 0.01}").await;
    // Two like nodes: a pod stays on the first, the second is emptied.
    let (stays, goes) = (NORTH[0], WEST[0]);
    rig.intensities(&[("SE-SE3", 100.0), ("GB", 100.0)]).await;
    let rest = bound(job("rest", 1), stays);
    let first = bound(job("first", 4), stays);
    let second = bound(job("second", 4), goes);
    rig.tell([&rest, &first, &second].map(pod_event).into()).await;
    let answer = preempt(
        &rig,
        &body(&job("urgent", 4), &[(stays, first), (goes, second)], "meta"),
    )
    .await;
    assert_eq!(kept(&answer), [stays], "waking the emptied node again costs more");
}

#[tokio::test]
async fn counts_of_broken_budgets_and_nodes_nobody_knows_are_passed_on() {
    let rig = Rig::start(DENY).await;
    let meta = json!({
        NORTH[0]: { "Pods": [{ "UID": "a" }, { "UID": "b" }], "NumPDBViolations": 3 },
        CENTRAL[0]: { "Pods": [{ "UID": "c" }], "NumPDBViolations": 0 },
        "node-of-tomorrow": { "Pods": [{ "UID": "d" }] },
        WEST[0]: { "Pods": null, "NumPDBViolations": 0 },
    });
    let body = json!({ "Pod": job("urgent", 1), "NodeNameToVictims": null, "NodeNameToMetaVictims": meta });
    let answer = preempt(&rig, &body).await;
    let mut expected = vec![NORTH[0], WEST[0], "node-of-tomorrow"];
    expected.sort_unstable();
    assert_eq!(kept(&answer), expected);
    let north = &answer.node_name_to_meta_victims[NORTH[0]];
    assert_eq!((north.pods.len(), north.pdb_violations), (2, 3));
    assert!(answer.node_name_to_meta_victims[WEST[0]].pods.is_empty());
}

#[rstest]
#[case::before_1_17(
    "pod",
    "nodeNameToVictims",
    "nodeNameToMetaVictims",
    "pods",
    "uid",
    "numPDBViolations"
)]
#[case::lower(
    "pod",
    "nodenametovictims",
    "nodenametometavictims",
    "pods",
    "uid",
    "numpdbviolations"
)]
#[tokio::test]
async fn keys_are_read_in_every_casing(
    #[case] pod: &str,
    #[case] whole: &str,
    #[case] meta: &str,
    #[case] pods: &str,
    #[case] uid: &str,
    #[case] violations: &str,
) {
    let rig = Rig::start(DENY).await;
    let victims = |node: &str| (node.to_owned(), json!({ pods: [{ uid: "v" }], violations: 2 }));
    let map: serde_json::Map<String, Value> = [victims(NORTH[0]), victims(CENTRAL[0])].into_iter().collect();
    let answer = preempt(&rig, &json!({ pod: job("urgent", 1), whole: null, meta: map })).await;
    assert_eq!(kept(&answer), [NORTH[0]]);
    assert_eq!(answer.node_name_to_meta_victims[NORTH[0]].pdb_violations, 2);
}

#[rstest]
#[case::both_null(json!({ "Pod": job("urgent", 1), "NodeNameToVictims": null, "NodeNameToMetaVictims": null }))]
#[case::neither(json!({ "Pod": job("urgent", 1) }))]
#[case::empty(json!({ "Pod": job("urgent", 1), "NodeNameToVictims": {}, "NodeNameToMetaVictims": null }))]
#[tokio::test]
async fn no_candidates_are_an_empty_answer(#[case] body: Value) {
    let rig = Rig::start(DENY).await;
    assert!(preempt(&rig, &body).await.node_name_to_meta_victims.is_empty());
}

#[rstest]
#[case::shadow("placement: {mode: shadow, denyZones: [DE]}", job("urgent", 1), "shadow")]
#[case::off("placement: {mode: 'off', denyZones: [DE]}", job("urgent", 1), "off")]
#[case::no_gpu(DENY, job("urgent", 0), "no-gpu")]
#[case::exempt(
    "placement: {mode: strict, denyZones: [DE], exemptNamespaces: [ml]}",
    job("urgent", 1),
    "namespace"
)]
#[tokio::test]
async fn pods_that_are_not_steered_may_preempt_anywhere(
    #[case] settings: &str,
    #[case] pod: Value,
    #[case] outcome: &str,
) {
    let rig = Rig::start(settings).await;
    let victims: Vec<(&str, Value)> = all().into_iter().map(|node| (node, job("victim", 1))).collect();
    let answer = preempt(&rig, &body(&pod, &victims, "whole")).await;
    assert_eq!(kept(&answer).len(), 6);
    assert_eq!(rig.answered("preempt", outcome), 1);
}
