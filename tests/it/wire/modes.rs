//! Modes and policies over the wire, and pods that are none of ours.

use super::{above, filter, scores};
use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, daemon, job, names_body};
use heliotrope_core::placement::REFUSAL_TEXT;
use heliotrope_core::workload::Exemption;
use rstest::rstest;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

fn set(names: &[[&'static str; 2]]) -> BTreeSet<String> {
    names.iter().flatten().map(ToString::to_string).collect()
}

#[rstest]
#[case::strict("strict", "applied", &[NORTH], true)]
#[case::prefer("prefer", "applied", &[NORTH, WEST, CENTRAL], true)]
#[case::shadow("shadow", "shadow", &[NORTH, WEST, CENTRAL], false)]
#[case::off("off", "off", &[NORTH, WEST, CENTRAL], false)]
#[tokio::test]
async fn a_mode_steers_as_far_as_it_says(
    #[case] mode: &str,
    #[case] outcome: &str,
    #[case] kept: &[[&'static str; 2]],
    #[case] steers: bool,
    #[values("the administrator", "the pod")] says: &str,
) {
    let mut pod = job("a", 1);
    let settings = if says == "the pod" {
        pod["metadata"]["annotations"] = json!({ "heliotrope.dev/mode": mode });
        let others: Vec<&str> = ["off", "shadow", "prefer", "strict"]
            .into_iter()
            .filter(|other| *other != mode)
            .collect();
        format!(
            "placement: {{mode: {}, selectableModes: [{mode}], wake: {{default: 0}}}}",
            others[0]
        )
    } else {
        format!("placement: {{mode: {mode}, wake: {{default: 0}}}}")
    };
    let rig = Rig::start(&settings).await;
    let answer = filter(&rig, &pod, &all()).await;
    assert_eq!(answer.kept().into_iter().collect::<BTreeSet<_>>(), set(kept));
    assert_eq!(answer.refused().len(), 6 - answer.kept().len());
    let scores = scores(&rig, &pod, &all()).await;
    assert_eq!(
        above(&scores, NORTH, WEST) && above(&scores, WEST, CENTRAL),
        steers,
        "{scores:?}"
    );
    assert_eq!(
        (rig.answered("filter", outcome), rig.answered("prioritize", outcome)),
        (1, 1)
    );
}

#[tokio::test]
async fn a_mode_that_the_administrator_does_not_offer_is_not_followed() {
    let rig = Rig::start("placement: {mode: strict, selectableModes: [shadow], wake: {default: 0}}").await;
    let mut pod = job("a", 1);
    pod["metadata"]["annotations"] = json!({ "heliotrope.dev/mode": "off" });
    assert_eq!(filter(&rig, &pod, &all()).await.kept(), NORTH);
}

#[tokio::test]
async fn g6_shadow_records_what_it_would_have_said() {
    let rig = Rig::start("placement: {mode: shadow, denyZones: [DE]}").await;
    filter(&rig, &job("a", 1), &all()).await;
    rig.settle().await;
    let log = rig.world.decisions();
    let decision = log.find("ml/a").unwrap();
    let refused = decision.candidates.iter().filter(|one| one.refused.is_some());
    assert_eq!(
        refused.map(|one| one.node.as_ref()).collect::<BTreeSet<_>>(),
        BTreeSet::from(CENTRAL)
    );
    assert_eq!(
        rig.counted(r#"heliotrope_refused_nodes_total{rule="zone"}"#),
        0,
        "nothing was refused"
    );
}

#[tokio::test]
async fn refused_everywhere_is_an_empty_list_and_one_text() {
    let rig = Rig::start("placement: {mode: prefer, denyZones: [DE, GB, SE-SE3]}").await;
    let answer = filter(&rig, &job("a", 1), &all()).await;
    assert_eq!(answer.node_names, Some(vec![]));
    assert_eq!(answer.refused(), sorted(all()));
    let texts: BTreeSet<&String> = answer.failed_and_unresolvable_nodes.values().collect();
    assert_eq!(texts, BTreeSet::from([&REFUSAL_TEXT.to_owned()]));
    assert_eq!(rig.counted(r#"heliotrope_refused_nodes_total{rule="zone"}"#), 6);
}

/// kube-scheduler tries a pod again when the text changes: neither the rule nor a figure may be in it.
#[tokio::test]
async fn the_text_is_the_same_whichever_rule_refuses_and_whatever_the_figures() {
    let settings = "placement: {mode: strict, wake: {default: 0}, ceiling: 300 g/kWh, denyZones: [GB]}";
    let rig = Rig::start(settings).await;
    rig.intensities(&[("SE-SE3", 100.0)]).await;
    let names = [NORTH[0], WEST[0], CENTRAL[0]];
    let first = rig.post("/filter", names_body(&job("a", 1), &names)).await;
    rig.intensities(&[("DE", 500.0), ("SE-SE3", 90.0)]).await;
    let second = rig.post("/filter", names_body(&job("a", 1), &names)).await;
    assert_eq!(first.text(), second.text());
    assert_eq!(first.text().matches(REFUSAL_TEXT).count(), 2);
    rig.reload("placement: {mode: strict, wake: {default: 0}}");
    filter(&rig, &job("a", 1), &names).await;
    let rules = ["zone", "ceiling", "outside-band"];
    let counts = rules.map(|rule| rig.counted(&format!(r#"heliotrope_refused_nodes_total{{rule="{rule}"}}"#)));
    assert_eq!(counts, [2, 2, 2]);
}

#[tokio::test]
async fn narrowing_leaves_nodes_out_without_refusing_them() {
    let rig = Rig::start("placement: {mode: prefer, keep: 2}").await;
    let answer = filter(&rig, &job("a", 1), &all()).await;
    assert_eq!(answer.kept().into_iter().collect::<BTreeSet<_>>(), set(&[NORTH]));
    assert!(answer.refused().is_empty());
    let mut pod = job("b", 1);
    pod["spec"]["topologySpreadConstraints"] = json!([{ "maxSkew": 1 }]);
    assert_eq!(
        filter(&rig, &pod, &all()).await.kept(),
        all(),
        "it needs the wide choice"
    );
}

#[tokio::test]
async fn the_rules_of_a_namespace_and_the_zones_of_a_pod_are_followed() {
    let rig = Rig::start(
        "placement: {mode: prefer, namespaces: {lab: {mode: strict, denyZones: [SE-SE3]}}, wake: {default: 0}}",
    )
    .await;
    let mut pod = job("a", 1);
    pod["metadata"]["namespace"] = json!("lab");
    assert_eq!(
        filter(&rig, &pod, &all())
            .await
            .kept()
            .into_iter()
            .collect::<BTreeSet<_>>(),
        set(&[WEST])
    );
    pod["metadata"]["annotations"] = json!({ "heliotrope.dev/zones": "DE" });
    pod["metadata"]["resourceVersion"] = json!("2");
    assert_eq!(
        filter(&rig, &pod, &all())
            .await
            .kept()
            .into_iter()
            .collect::<BTreeSet<_>>(),
        set(&[CENTRAL])
    );
    assert_eq!(filter(&rig, &job("b", 1), &all()).await.kept(), all());
}

fn with(mut pod: Value, path: &str, value: Value) -> Value {
    *pod.pointer_mut(path).unwrap() = value;
    pod
}

#[rstest]
#[case::daemonset("daemonset", daemon("a", 1))]
#[case::mirror("mirror", with(job("a", 1), "/metadata/ownerReferences/0/kind", json!("Node")))]
#[case::system_priority("system-priority", with(job("a", 1), "/spec", {
    let mut spec = job("a", 1)["spec"].clone();
    spec["priorityClassName"] = json!("system-node-critical");
    spec
}))]
#[case::namespace("namespace", with(job("a", 1), "/metadata/namespace", json!("kube-system")))]
#[tokio::test]
async fn an_exempt_pod_is_answered_neutrally_and_recorded_as_exempt(#[case] outcome: &str, #[case] pod: Value) {
    let rig = Rig::start("placement: {mode: strict, denyZones: [DE], exemptNamespaces: [kube-system]}").await;
    let answer = filter(&rig, &pod, &all()).await;
    assert_eq!(answer.kept(), all());
    assert!(scores(&rig, &pod, &all()).await.values().all(|score| *score == 0));
    assert_eq!(
        (rig.answered("filter", outcome), rig.answered("prioritize", outcome)),
        (1, 1)
    );
    rig.settle().await;
    let name = format!("{}/a", pod["metadata"]["namespace"].as_str().unwrap());
    let log = rig.world.decisions();
    let decision = log.find(&name).unwrap();
    assert_eq!(decision.exempt.map(Exemption::name), Some(outcome));
    assert!(decision.candidates.is_empty());
}

#[tokio::test]
async fn a_pod_without_gpus_is_answered_at_once_and_not_recorded() {
    // Nothing is known of the cluster yet, and it does not matter.
    let rig = Rig::silent("placement: {mode: strict}").await;
    let answer = filter(&rig, &job("a", 0), &all()).await;
    assert_eq!(answer.kept(), all());
    assert_eq!(rig.answered("filter", "no-gpu"), 1);
    rig.settle().await;
    assert!(rig.world.decisions().find("ml/a").is_none());
}

#[tokio::test]
async fn g3_the_same_question_gets_the_same_bytes() {
    let rig = Rig::start("placement: {mode: strict, wake: {default: 0}}").await;
    for verb in ["/filter", "/prioritize"] {
        let first = rig.post(verb, names_body(&job("a", 1), &all())).await.body;
        let other = rig.post(verb, names_body(&job("b", 1), &all())).await.body;
        assert_eq!(first, rig.post(verb, names_body(&job("a", 1), &all())).await.body);
        assert_eq!(first, other, "a pod that asks the same");
    }
}
