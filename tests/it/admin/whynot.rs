//! `/explain?node=…` and `heliotrope explain --why-not`: each thing that keeps a pod off a node has a name and its figures.

use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, job, names_body, node_json, pod_event};
use heliotrope::cluster::{Labels, LeanNode};
use heliotrope_core::snapshot::ClusterEvent;
use rstest::rstest;
use serde_json::{Value, json};
use std::process::{Command, Output};

/// Waking is free, so that a region's nodes tie.
const PREFER: &str =
    "placement: {mode: prefer, denyZones: [GB], exemptNamespaces: [kube-system], wake: {default: 0}}";

async fn decide(rig: &Rig, pod: &Value, names: &[&str]) {
    let kept = rig.post("/filter", names_body(pod, names)).await;
    let kept: Value = kept.json();
    let kept: Vec<&str> = kept["NodeNames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    rig.post("/prioritize", names_body(pod, &kept)).await;
    rig.settle().await;
}

async fn served(rig: &Rig, node: &str) -> Value {
    rig.get(&format!("/explain?pod=ml/a&node={node}")).await.json()
}

/// Asks with the binary, which must not go through a proxy on its way to loopback.
fn command(rig: &Rig, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .args(["explain", "ml/a"])
        .args(arguments)
        .env("NO_PROXY", "127.0.0.1")
        .env("HELIOTROPE_ADMIN", format!("http://{}", rig.admin))
        .output()
        .unwrap()
}

fn words(rig: &Rig, node: &str) -> String {
    let output = command(rig, &["--why-not", node]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn grams(explained: &Value, node: &str) -> f64 {
    let rows = explained["candidates"].as_array().unwrap();
    let cost = &rows.iter().find(|row| row["node"] == node).unwrap()["cost"];
    cost["grams"].as_f64().unwrap() + cost["stranded_grams"].as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dearer_node_is_told_in_points_grams_and_what_they_are_made_of() {
    let rig = Rig::start(PREFER).await;
    let pod = job("a", 2);
    decide(&rig, &pod, &all()).await;
    rig.tell(vec![pod_event(&bound(pod, CENTRAL[1]))]).await;
    let answer = served(&rig, CENTRAL[0]).await;
    let explained: Value = rig.get("/explain?pod=ml/a").await.json();
    assert_eq!(
        (
            &answer["why"],
            &answer["preferred"],
            &answer["bound"],
            &answer["steered"]
        ),
        (&json!("scored"), &json!(NORTH[0]), &json!(CENTRAL[1]), &json!(true))
    );
    let scores = [&answer["preferredScore"], &answer["score"], &answer["points"]].map(|n| n.as_u64().unwrap());
    assert!(scores[2] > 0 && scores[0] == scores[1] + scores[2], "{scores:?}");
    let more = grams(&explained, CENTRAL[0]) - grams(&explained, NORTH[0]);
    let near = |key: &Value, expected: f64| (key.as_f64().unwrap() - expected).abs() < 1e-9 * (1.0 + expected.abs());
    assert!(near(&answer["more"], more), "{more} in {answer}");
    // The two are of one model, and waking is free: all of it is the grid.
    let gap = &answer["gap"];
    assert!(
        near(&gap["carbon"], more) && near(&gap["power"], 0.0) && near(&gap["wake"], 0.0),
        "{gap}"
    );
    let told = words(&rig, CENTRAL[0]);
    for part in [
        format!(
            "{} scored {}, and {} was preferred with 10",
            CENTRAL[0], scores[1], NORTH[0]
        ),
        format!("{more:.1} g more than the preferred node"),
        format!("carbon    +{more:.1}"),
        format!("the pod is bound to {}", CENTRAL[1]),
    ] {
        assert!(told.contains(&part), "{part} is not in\n{told}");
    }
    let output = command(&rig, &["--why-not", CENTRAL[0], "-o", "json"]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), answer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waking_is_told_apart_from_watts_and_carbon() {
    let rig = Rig::start("placement: {mode: prefer, wake: {default: 1}}").await;
    rig.tell(vec![pod_event(&bound(job("busy", 1), NORTH[1]))]).await;
    decide(&rig, &job("a", 1), &[NORTH[0], NORTH[1]]).await;
    let answer = served(&rig, NORTH[0]).await;
    assert_eq!(
        (&answer["why"], &answer["preferred"]),
        (&json!("scored"), &json!(NORTH[1]))
    );
    let term = |key: &str| answer["gap"][key].as_f64().unwrap();
    assert!(term("wake") > 0.0 && term("wake") > term("power").abs(), "{answer}");
    assert!(term("carbon").abs() < 1e-9, "one grid: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_ties_is_as_good_and_others_decide() {
    let rig = Rig::start(PREFER).await;
    decide(&rig, &job("a", 2), &all()).await;
    let answer = served(&rig, NORTH[1]).await;
    assert_eq!(
        (&answer["why"], &answer["inBand"], &answer["points"]),
        (&json!("scored"), &json!(true), &json!(0))
    );
    assert!(words(&rig, NORTH[1]).contains(&format!("as good as the preferred {}", NORTH[0])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preferred_node_says_that_another_was_bound() {
    let rig = Rig::start(PREFER).await;
    let pod = job("a", 2);
    decide(&rig, &pod, &all()).await;
    assert!(words(&rig, NORTH[0]).contains("is the preferred node, score 10\nthe pod is not bound yet"));
    rig.tell(vec![pod_event(&bound(pod, CENTRAL[1]))]).await;
    let told = words(&rig, NORTH[0]);
    assert!(told.contains(&format!("the pod is bound to {}", CENTRAL[1])), "{told}");
    let answer = served(&rig, NORTH[0]).await;
    assert_eq!(
        (&answer["why"], &answer["bound"]),
        (&json!("preferred"), &json!(CENTRAL[1]))
    );
}

#[rstest]
#[case::zone("placement: {mode: prefer, denyZones: [GB]}", "zone", "zone GB is not allowed")]
#[case::ceiling(
    "placement: {mode: prefer, ceiling: 100 g/kWh}",
    "ceiling",
    "zone GB is above the ceiling of 100 g/kWh (150 g/kWh expected over the run)"
)]
#[case::band(
    "placement: {mode: strict, band: 0.05}",
    "outside-band",
    "in strict mode the band is 5.0 %"
)]
#[case::cap(
    "placement: {mode: prefer}\npower: {domains: [{name: region, label: topology.kubernetes.io/region, values: {eu-west-2: 2 kW}}]}",
    "power-cap",
    "region=eu-west-2  2000"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_node_has_its_rule(#[case] settings: &str, #[case] rule: &str, #[case] told: &str) {
    let rig = Rig::start(settings).await;
    decide(&rig, &job("a", 8), &all()).await;
    let answer = served(&rig, WEST[0]).await;
    assert_eq!(
        (&answer["why"], &answer["rule"]),
        (&json!("refused"), &json!(rule)),
        "{answer}"
    );
    let words = words(&rig, WEST[0]);
    assert!(
        words.contains(&format!("is refused by rule {rule}: ")) && words.contains(told),
        "{words}"
    );
}

/// What a priority may not fill is no room for it, however empty the domain is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_shows_what_is_left_for_the_pods_priority() {
    let rig = Rig::start(
        "placement: {mode: prefer}\npower: {domains: [{name: region, label: topology.kubernetes.io/region, values: {eu-west-2: \
         9 kW}, shares: [{belowPriority: 1000, share: 0.25}]}, {name: node, gpuWatts: 20 kW}]}",
    )
    .await;
    decide(&rig, &job("a", 4), &all()).await;
    let answer = served(&rig, WEST[0]).await;
    let domains = answer["domains"].as_array().unwrap();
    assert_eq!(domains.len(), 1, "the node's own cap has room: {answer}");
    assert_eq!(
        (
            &domains[0]["domain"],
            &domains[0]["capGpuWatts"],
            &domains[0]["usableGpuWatts"]
        ),
        (&json!("region"), &json!(9000.0), &json!(2250.0))
    );
    let watts = |key: &str| domains[0][key].as_f64().unwrap();
    let needed = answer["bookedGpuWatts"].as_f64().unwrap();
    assert!(
        watts("committedGpuWatts") + watts("reservedGpuWatts") + needed > 2250.0,
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gangs_region_is_named_with_that_of_the_node() {
    let rig = Rig::start("placement: {mode: prefer, wake: {default: 0}}").await;
    let member = |name: &str| {
        let mut pod = job(name, 1);
        pod["metadata"]["annotations"] = json!({ "heliotrope.dev/group": "ring", "heliotrope.dev/group-size": "3" });
        pod
    };
    decide(&rig, &member("first"), &all()).await;
    decide(&rig, &member("a"), &all()).await;
    let answer = served(&rig, WEST[1]).await;
    assert_eq!(
        (&answer["rule"], &answer["group"]["region"], &answer["region"]),
        (
            &json!("group"),
            &json!({"region": "eu-north-1"}),
            &json!({"region": "eu-west-2"})
        )
    );
    let told = words(&rig, WEST[1]);
    let expected = format!(
        "gang annotation/ml/ring goes to region eu-north-1, and {} stands in eu-west-2",
        WEST[1]
    );
    assert!(told.contains(&expected), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_left_out_is_told_with_its_rank_and_one_under_a_full_domain_without() {
    let rig = Rig::start("placement: {mode: prefer, keep: \"2\", band: 0.0, wake: {default: 0}}").await;
    decide(&rig, &job("a", 2), &all()).await;
    let answer = served(&rig, CENTRAL[0]).await;
    assert_eq!(
        (&answer["why"], &answer["by"], &answer["kept"]),
        (&json!("left-out"), &json!("keep"), &json!(2)),
        "{answer}"
    );
    assert!(
        answer["rank"].as_u64().unwrap() >= 5,
        "behind the north and the west: {answer}"
    );
    assert!(words(&rig, CENTRAL[0]).contains("placement.keep"));

    // Room for one such pod on each node: the answer is the best node's domain alone.
    let rig =
        Rig::start("placement: {mode: prefer, wake: {default: 0}}\npower: {domains: [{name: node, gpuWatts: 2 kW}]}")
            .await;
    decide(&rig, &job("a", 2), &all()).await;
    let answer = served(&rig, CENTRAL[0]).await;
    assert_eq!(
        (&answer["why"], &answer["by"]),
        (&json!("left-out"), &json!("full-domain")),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_not_offered_or_not_known_is_told_apart() {
    let rig = Rig::start(PREFER).await;
    let mut names = all();
    names.push("node-of-tomorrow");
    decide(&rig, &job("a", 2), &names).await;
    let answer = served(&rig, "elsewhere").await;
    assert_eq!((&answer["why"], &answer["offered"]), (&json!("not-offered"), &json!(7)));
    assert!(words(&rig, "elsewhere").contains("did not offer elsewhere"));
    assert_eq!(served(&rig, "node-of-tomorrow").await["why"], "unknown-node");
    assert!(words(&rig, "node-of-tomorrow").contains("the watch had not told of it yet"));
}

#[rstest]
#[case::zone("topology.kubernetes.io/region", "moon-1", "zone")]
#[case::model("nvidia.com/gpu.product", "Abacus", "model")]
#[case::intensity("heliotrope.dev/grid-zone", "PL", "intensity")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_price_says_what_is_not_known(
    #[case] label: &str,
    #[case] value: &str,
    #[case] missing: &str,
) {
    let rig = Rig::start(PREFER).await;
    let mut odd = node_json()[0].clone();
    odd["metadata"]["name"] = json!("odd");
    odd["metadata"]["labels"][label] = json!(value);
    let lean: LeanNode = serde_json::from_value(odd).unwrap();
    rig.tell(vec![ClusterEvent::Node(lean.facts(&Labels::default()).unwrap())])
        .await;
    let mut names = all();
    names.push("odd");
    decide(&rig, &job("a", 2), &names).await;
    let answer = served(&rig, "odd").await;
    assert_eq!(
        (&answer["why"], &answer["missing"]),
        (&json!("unpriced"), &json!(missing)),
        "{answer}"
    );
    assert!(words(&rig, "odd").contains("median score"), "{}", words(&rig, "odd"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_shadow_the_scheduler_was_not_told() {
    let rig = Rig::start("placement: {mode: shadow, denyZones: [GB]}").await;
    decide(&rig, &job("a", 2), &all()).await;
    let answer = served(&rig, WEST[0]).await;
    assert_eq!(
        (&answer["rule"], &answer["steered"], &answer["mode"]),
        (&json!("zone"), &json!(false), &json!("shadow"))
    );
    assert!(words(&rig, WEST[0]).contains("was not told: the pod's mode is shadow"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exempt_pod_is_not_steered_and_a_node_without_a_name_is_no_question() {
    let rig = Rig::start("placement: {mode: prefer, exemptNamespaces: [ml]}").await;
    rig.post("/filter", names_body(&job("a", 1), &all())).await;
    rig.settle().await;
    assert_eq!(served(&rig, WEST[0]).await["why"], "exempt");
    assert!(words(&rig, WEST[0]).starts_with("the pod is not steered: namespace\n"));
    let output = command(&rig, &["--why-not", " "]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--why-not wants the name of a node"));
}
