//! Spellings: every key casing and null that Go may send, and nodes that are not what they should be.

use super::go::{ExtenderFilterResult, HostPriorityList, by_host};
use super::{filter, scores};
use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, job, names_body, node_json};
use rstest::rstest;
use serde_json::{Value, json};

const STRICT: &str = "placement: {mode: strict, wake: {default: 0}}";

/// Same as [`names_body`], under other keys.
fn spelled(pod: &str, nodes: &str, names: &str) -> String {
    let mut body = serde_json::Map::new();
    body.insert(pod.to_owned(), job("a", 1));
    if !nodes.is_empty() {
        body.insert(nodes.to_owned(), Value::Null);
    }
    body.insert(names.to_owned(), json!(all()));
    Value::Object(body).to_string()
}

#[rstest]
#[case::as_now("Pod", "Nodes", "NodeNames")]
#[case::as_before_1_17("pod", "nodes", "nodenames")]
#[case::camel("pod", "nodes", "nodeNames")]
#[case::without_the_unused_list("pod", "", "nodenames")]
#[tokio::test]
async fn keys_are_read_in_every_casing(#[case] pod: &str, #[case] nodes: &str, #[case] names: &str) {
    let rig = Rig::start(STRICT).await;
    let answer: ExtenderFilterResult = rig.post("/filter", spelled(pod, nodes, names)).await.json();
    assert_eq!(answer.kept(), NORTH);
}

#[rstest]
#[case::no_containers(json!({ "containers": null, "initContainers": null }))]
#[case::no_spec(json!({}))]
#[tokio::test]
async fn a_pod_of_nulls_is_a_pod_without_gpus(#[case] spec: Value) {
    let rig = Rig::start(STRICT).await;
    let mut pod = job("a", 1);
    pod["spec"] = spec;
    pod["metadata"]["annotations"] = Value::Null;
    pod["metadata"]["ownerReferences"] = Value::Null;
    pod["metadata"]["creationTimestamp"] = Value::Null;
    let answer = filter(&rig, &pod, &all()).await;
    assert_eq!(answer.kept(), all());
    assert_eq!(rig.answered("filter", "no-gpu"), 1);
}

#[tokio::test]
async fn fields_that_nobody_knows_are_left_alone() {
    let rig = Rig::start(STRICT).await;
    let mut pod = job("a", 1);
    pod["spec"]["fieldOfKubernetes2"] = json!({ "deep": [1, 2, { "x": null }] });
    pod["metadata"]["labels"] = json!({ "\u{1F331}": "\"quoted\"\n" });
    let body = json!({ "Pod": pod, "Nodes": null, "NodeNames": all(), "Later": [true] });
    let answer: ExtenderFilterResult = rig.post("/filter", body.to_string()).await.json();
    assert_eq!(answer.kept(), NORTH);
}

#[tokio::test]
async fn a_request_without_any_nodes_is_refused_and_one_with_none_is_answered() {
    let rig = Rig::start(STRICT).await;
    for verb in ["filter", "prioritize"] {
        let both_null = json!({ "Pod": job("a", 1), "Nodes": null, "NodeNames": null });
        let reply = rig.post(&format!("/{verb}"), both_null.to_string()).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("neither Nodes nor NodeNames"), "{}", reply.text());
        assert_eq!(rig.answered(verb, "undecodable"), 1);
    }
    let answer = filter(&rig, &job("a", 1), &[]).await;
    assert_eq!(answer.node_names, Some(vec![]), "null would be another answer");
    assert!(scores(&rig, &job("a", 1), &[]).await.is_empty());
    // A NodeList without items is a null in Go.
    for items in [Value::Null, json!([])] {
        let body = json!({ "Pod": job("a", 1), "Nodes": { "metadata": {}, "items": items }, "NodeNames": null });
        let answer: ExtenderFilterResult = rig.post("/filter", body.to_string()).await.json();
        assert!(answer.kept().is_empty() && answer.nodes.is_some());
        let list: HostPriorityList = rig.post("/prioritize", body.to_string()).await.json();
        assert!(list.is_empty());
    }
}

#[tokio::test]
async fn names_win_where_both_forms_are_given() {
    let rig = Rig::start(STRICT).await;
    let nodes = json!({ "metadata": {}, "items": node_json() });
    let body = json!({ "Pod": job("a", 1), "Nodes": nodes, "NodeNames": [WEST[0], CENTRAL[0]] });
    let answer: ExtenderFilterResult = rig.post("/filter", body.to_string()).await.json();
    assert_eq!(answer.node_names.unwrap(), [WEST[0]]);
}

/// A node that came with the request and that no watch has told of, as the cluster autoscaler sends templates.
fn template(region: &str, name: &str) -> Value {
    let found = node_json()
        .into_iter()
        .find(|node| node["metadata"]["labels"]["topology.kubernetes.io/region"] == region);
    let mut node = found.unwrap();
    node["metadata"]["name"] = json!(name);
    node
}

#[tokio::test]
async fn whole_nodes_that_no_watch_told_of_are_judged_by_what_they_say() {
    let rig = Rig::start(STRICT).await;
    let items = [
        template("eu-central-1", "template-dirty"),
        template("eu-north-1", "template-green"),
    ];
    let body = json!({ "Pod": job("a", 1), "Nodes": { "metadata": {}, "items": items }, "NodeNames": null });
    let answer: ExtenderFilterResult = rig.post("/filter", body.to_string()).await.json();
    assert_eq!(answer.kept(), ["template-green"]);
    assert_eq!(answer.refused(), ["template-dirty"]);
    rig.reload("placement: {mode: prefer}");
    let list: HostPriorityList = rig.post("/prioritize", body.to_string()).await.json();
    let scores = by_host(&list);
    assert!(scores["template-green"] > scores["template-dirty"], "{scores:?}");
}

#[tokio::test]
async fn a_node_without_a_name_makes_the_request_undecodable() {
    let rig = Rig::start(STRICT).await;
    let nodes = json!({ "items": [node_json()[0], { "metadata": {} }] });
    let body = json!({ "Pod": job("a", 1), "Nodes": nodes });
    let reply = rig.post("/filter", body.to_string()).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("Nodes.items[1]"), "{}", reply.text());
}

#[tokio::test]
async fn a_pod_without_name_or_uid_makes_the_request_undecodable() {
    let rig = Rig::start(STRICT).await;
    for key in ["name", "uid"] {
        let mut pod = job("a", 1);
        pod["metadata"].as_object_mut().unwrap().remove(key);
        let reply = rig.post("/filter", names_body(&pod, &all())).await;
        assert_eq!(reply.status, 400, "{key}");
    }
}

#[tokio::test]
async fn names_nobody_knows_are_kept_and_score_the_median() {
    let rig = Rig::start(STRICT).await;
    let mut names = all();
    names.insert(1, "node-of-tomorrow");
    let answer = filter(&rig, &job("a", 1), &names).await;
    assert_eq!(answer.kept(), ["node-of-tomorrow", NORTH[0], NORTH[1]]);
    rig.reload("placement: {mode: prefer}");
    let scores = scores(&rig, &job("a", 1), &names).await;
    assert!(scores["node-of-tomorrow"] < scores[NORTH[0]], "{scores:?}");
    assert!(scores["node-of-tomorrow"] > scores[CENTRAL[0]], "{scores:?}");
}

#[tokio::test]
async fn a_name_given_twice_is_answered_twice() {
    let rig = Rig::start(STRICT).await;
    let names = [NORTH[0], WEST[0], NORTH[0]];
    // Twice: the second answer comes from the memo.
    for _ in 0..2 {
        let answer = filter(&rig, &job("a", 1), &names).await;
        assert_eq!(answer.kept(), [NORTH[0], NORTH[0]]);
        assert_eq!(answer.refused(), [WEST[0]]);
    }
}

#[tokio::test]
async fn escapes_in_names_are_read() {
    let rig = Rig::start(STRICT).await;
    let body = names_body(&job("a", 1), &all()).replace("gpu-eu-north-1", r"gpu\u002deu\u002Dnorth-1");
    let answer: ExtenderFilterResult = rig.post("/filter", body).await.json();
    assert_eq!(answer.kept(), NORTH);
}

#[tokio::test]
async fn only_nodes_that_were_offered_are_named() {
    let rig = Rig::start(STRICT).await;
    let names = [CENTRAL[1], WEST[1]];
    let answer = filter(&rig, &job("a", 1), &names).await;
    assert_eq!(
        answer.kept(),
        [WEST[1]],
        "the best of those offered, not of all there are"
    );
    assert_eq!(answer.refused(), [CENTRAL[1]]);
}
