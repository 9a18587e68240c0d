//! Every recorded body, answered in the form asked.

use super::go::{ExtenderFilterResult, ExtenderPreemptionResult, HostPriorityList, MetaPod, MetaVictims, by_host};
use crate::rig::{CENTRAL, NORTH, Rig, WEST, recorded};
use heliotrope_core::placement::{MAX_SCORE, REFUSAL_TEXT};
use rstest::rstest;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// The names of a body's nodes, in its order.
fn offered(body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).unwrap();
    let whole = body["Nodes"]["items"].as_array().into_iter().flatten();
    let name = |name: &Value| name.as_str().unwrap().to_owned();
    let names = body["NodeNames"].as_array().into_iter().flatten();
    let offered: Vec<String> = whole
        .map(|node| name(&node["metadata"]["name"]))
        .chain(names.map(name))
        .collect();
    assert_eq!(offered.len(), 6);
    offered
}

/// The bytes of a body's whole nodes.
fn raw_nodes(body: &str) -> Vec<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Nodes {
        items: Vec<Box<RawValue>>,
    }
    #[derive(Deserialize)]
    struct Args {
        #[serde(rename = "Nodes")]
        nodes: Nodes,
    }
    serde_json::from_str::<Args>(body).unwrap().nodes.items
}

fn in_region(name: &str, region: [&str; 2]) -> bool {
    region.contains(&name)
}

#[rstest]
#[tokio::test]
async fn filter_keeps_the_greenest_zone_and_answers_in_the_form_asked(
    #[values("1.37.2", "1.33.13")] version: &str,
    #[values("names", "nodes")] form: &str,
) {
    let rig = Rig::start("placement: {mode: strict, wake: {default: 0}}").await;
    let body = recorded(version, form, "filter");
    let reply = rig.post("/filter", &body).await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let answer: ExtenderFilterResult = reply.json();

    let (kept, refused): (Vec<String>, Vec<String>) =
        offered(&body).into_iter().partition(|name| in_region(name, NORTH));
    assert_eq!(answer.kept(), kept, "in the order of the request");
    let refused: BTreeSet<&str> = refused.iter().map(String::as_str).collect();
    assert_eq!(answer.refused().into_iter().collect::<BTreeSet<_>>(), refused);
    assert!(
        answer
            .failed_and_unresolvable_nodes
            .values()
            .all(|text| text == REFUSAL_TEXT)
    );
    if form == "names" {
        assert!(answer.nodes.is_none());
    } else {
        assert!(answer.node_names.is_none());
        let nodes = answer.nodes.unwrap();
        assert_eq!(nodes.metadata, serde_json::json!({}));
        let came = raw_nodes(&body);
        let came: BTreeSet<&str> = came.iter().map(|node| node.get()).collect();
        assert!(
            nodes.items.iter().all(|node| came.contains(node.get())),
            "bytes changed"
        );
    }
    assert_eq!(rig.answered("filter", "applied"), 1);
}

#[rstest]
#[tokio::test]
async fn prioritize_scores_the_greenest_zone_highest(
    #[values("1.37.2", "1.33.13")] version: &str,
    #[values("names", "nodes")] form: &str,
) {
    let rig = Rig::start("placement: {mode: prefer}").await;
    let body = recorded(version, form, "prioritize");
    let list: HostPriorityList = rig.post("/prioritize", &body).await.json();
    let hosts: Vec<String> = list.iter().map(|one| one.host.clone()).collect();
    assert_eq!(hosts, offered(&body));
    let scores = by_host(&list);
    let of = |region: [&str; 2]| region.map(|name| scores[name]);
    let best = of(NORTH).into_iter().max().unwrap();
    assert_eq!(
        best,
        i64::from(MAX_SCORE),
        "three grids that differ twentyfold use all levels"
    );
    assert!(of(NORTH).into_iter().min() > of(WEST).into_iter().max(), "{scores:?}");
    assert!(of(WEST).into_iter().min() > of(CENTRAL).into_iter().max(), "{scores:?}");
    assert!(scores.values().all(|score| (0..=10).contains(score)));
}

/// UIDs by node of a preempt body, whichever the form.
fn victims(body: &str) -> BTreeMap<String, MetaVictims> {
    let body: Value = serde_json::from_str(body).unwrap();
    let maps = [&body["NodeNameToVictims"], &body["NodeNameToMetaVictims"]];
    let map = maps.into_iter().find_map(Value::as_object).unwrap();
    let uid = |pod: &Value| {
        let uid = pod.get("UID").unwrap_or(&pod["metadata"]["uid"]);
        MetaPod {
            uid: uid.as_str().unwrap().to_owned(),
        }
    };
    map.iter()
        .map(|(node, victims)| {
            let pods = victims["Pods"].as_array().unwrap().iter().map(uid).collect();
            let pdb_violations = victims["NumPDBViolations"].as_i64().unwrap();
            (node.clone(), MetaVictims { pods, pdb_violations })
        })
        .collect()
}

#[rstest]
#[case::denied("placement: {mode: prefer, denyZones: [DE]}", &[NORTH, WEST])]
#[case::strict("placement: {mode: strict, wake: {default: 0}}", &[NORTH])]
#[case::shadow("placement: {mode: shadow, denyZones: [DE]}", &[NORTH, WEST, CENTRAL])]
#[tokio::test]
async fn preempt_answers_the_meta_form_without_the_nodes_that_filter_refuses(
    #[case] settings: &str,
    #[case] kept: &[[&str; 2]],
    #[values("1.37.2", "1.33.13")] version: &str,
    #[values("names", "nodes")] form: &str,
) {
    let rig = Rig::start(settings).await;
    let body = recorded(version, form, "preempt");
    let answer: ExtenderPreemptionResult = rig.post("/preempt", &body).await.json();
    let mut expected = victims(&body);
    assert_eq!(expected.len(), 6);
    expected.retain(|name, _| kept.iter().any(|region| in_region(name, *region)));
    assert_eq!(answer.node_name_to_meta_victims, expected);
}
