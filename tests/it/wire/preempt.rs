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
