use super::{files, logging, logging_under, replayed};
use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, job, names_body, node_json, pod_event};
use heliotrope_core::quantity::{Ratio, Watts};
use heliotrope_core::snapshot::{BoardPower, ClusterEvent, NodePower, PowerReport};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PLACEMENTS: [&str; 6] = [
    "{mode: prefer}",
    "{mode: strict, wake: {default: 0}}",
    "{mode: prefer, keep: \"2\", band: 0.0, strandedGrams: 40}",
    "{mode: prefer, ceiling: 200 g/kWh, denyZones: [SE-SE3]}",
    "{mode: shadow, throughput: rated, keep: all}",
    "{mode: prefer, serviceHorizon: 7h, jobDuration: 3h, utilisation: 0.35}",
];

/// What regions and nodes may draw: two nodes of eight boards idle at about a kilowatt.
const POWER: [&str; 3] = [
    "{}",
    "{domains: [{name: region, label: topology.kubernetes.io/region, gpuWatts: 7 kW}, {name: node, gpuWatts: 5 kW}]}",
    "{domains: [{name: region, label: topology.kubernetes.io/region, values: {eu-north-1: 5 kW}, shares: [{belowPriority: 1000, \
     share: 0.8}]}]}",
];

/// Something that happens to the rig.
#[derive(Debug, Clone)]
enum Step {
    Intensity(usize, f64),
    Forecast(usize, Vec<f64>),
    Measure(usize, f64),
    Bind(u8, usize, u32),
    Gone(u8),
    NodeGone(usize),
    Pass(i64),
    Reload(usize),
    Filter(u8, u32, Vec<usize>),
    Prioritize(u8, u32, Vec<usize>),
    Preempt(u8, Vec<(usize, u8)>),
    Whole(u8, Vec<usize>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = 0_usize..6;
    let nodes = || proptest::collection::vec(0_usize..7, 1..9);
    let step = prop_oneof![
        (0_usize..3, 0.0..900.0_f64).prop_map(|(zone, grams)| Step::Intensity(zone, grams)),
        (0_usize..3, proptest::collection::vec(0.1..700.0_f64, 1..6))
            .prop_map(|(zone, ahead)| Step::Forecast(zone, ahead)),
        (node.clone(), 1.0..3000.0_f64).prop_map(|(node, watts)| Step::Measure(node, watts)),
        (0_u8..6, node.clone(), 1_u32..8).prop_map(|(pod, node, gpus)| Step::Bind(pod, node, gpus)),
        (0_u8..6).prop_map(Step::Gone),
        node.prop_map(Step::NodeGone),
        (1_i64..3_000_000).prop_map(Step::Pass),
        (0..PLACEMENTS.len()).prop_map(Step::Reload),
        (0_u8..6, 1_u32..9, nodes()).prop_map(|(pod, gpus, nodes)| Step::Filter(pod, gpus, nodes)),
        (0_u8..6, 1_u32..9, nodes()).prop_map(|(pod, gpus, nodes)| Step::Filter(pod, gpus, nodes)),
        (0_u8..6, 1_u32..9, nodes()).prop_map(|(pod, gpus, nodes)| Step::Prioritize(pod, gpus, nodes)),
        (0_u8..6, proptest::collection::vec((0_usize..6, 0_u8..6), 1..5))
            .prop_map(|(pod, nodes)| Step::Preempt(pod, nodes)),
        (0_u8..6, nodes()).prop_map(|(pod, nodes)| Step::Whole(pod, nodes)),
    ];
    proptest::collection::vec(step, 4..28)
}

const ZONES: [&str; 3] = ["SE-SE3", "GB", "DE"];

/// The last one is a name that nobody knows.
fn names(nodes: &[usize]) -> Vec<&'static str> {
    let known = all();
    let mut names: Vec<&str> = nodes
        .iter()
        .map(|node| known.get(*node).copied().unwrap_or("nobody-knows-me"))
        .collect();
    // kube-scheduler names a node once.
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

fn pod(name: u8, gpus: u32) -> Value {
    let mut pod = job(&format!("p{name}"), gpus);
    // Another spec is another version, as the API server counts.
    pod["metadata"]["resourceVersion"] = json!(gpus.to_string());
    let mut annotations = serde_json::Map::new();
    if name >= 3 {
        annotations.insert("heliotrope.dev/group".to_owned(), json!("gang"));
        annotations.insert("heliotrope.dev/group-size".to_owned(), json!("3"));
    }
    if name % 2 == 1 {
        annotations.insert("heliotrope.dev/duration".to_owned(), json!("95m"));
    }
    pod["metadata"]["annotations"] = Value::Object(annotations);
    pod
}

/// Does it; tells how many calls were decided.
async fn play(rig: &Rig, step: &Step) -> u64 {
    let node = |node: usize| all()[node];
    match step {
        Step::Intensity(zone, grams) => rig.intensities(&[(ZONES[*zone], *grams)]).await,
        Step::Forecast(zone, ahead) => {
            let hours = (0_i64..).map(SignedDuration::from_hours);
            let points: Vec<_> = hours.zip(ahead.iter().copied()).collect();
            rig.forecast(ZONES[*zone], &points).await;
        }
        Step::Measure(at, watts) => {
            let board = |n: u32| BoardPower {
                uuid: Arc::from(format!("GPU-{at}-{n}")),
                watts: Watts::saturating(*watts / 8.0 + f64::from(n)),
                observed_at: rig.now(),
                model: None,
                pods: Vec::new(),
                utilisation: Some(Ratio::saturating(watts / 3000.0)),
            };
            let nodes = vec![NodePower {
                node: Arc::from(node(*at)),
                boards: (0..8).map(board).collect(),
                host: None,
            }];
            let source = heliotrope_core::quantity::Source::new("told-by-the-test");
            rig.senders.power.send(PowerReport { source, nodes }).await.unwrap();
            rig.settle().await;
        }
        Step::Bind(name, at, gpus) => rig.tell(vec![pod_event(&bound(pod(*name, *gpus), node(*at)))]).await,
        Step::Gone(name) => {
            let uid = Arc::from(format!("uid-p{name}"));
            rig.tell(vec![ClusterEvent::PodGone { uid }]).await;
        }
        Step::NodeGone(at) => {
            rig.tell(vec![ClusterEvent::NodeGone(Arc::from(node(*at)))]).await;
        }
        Step::Pass(millis) => {
            rig.advance(SignedDuration::from_millis(*millis));
            rig.settle().await;
        }
        Step::Reload(which) => rig.reload(&format!("placement: {}", PLACEMENTS[*which])),
        Step::Filter(name, gpus, nodes) => {
            rig.post("/filter", names_body(&pod(*name, *gpus), &names(nodes))).await;
            // Prioritize finds the costs remembered, and the clock gone on.
            rig.advance(SignedDuration::from_millis(7));
            rig.post("/prioritize", names_body(&pod(*name, *gpus), &names(nodes)))
                .await;
            return 2;
        }
        Step::Prioritize(name, gpus, nodes) => {
            rig.post("/prioritize", names_body(&pod(*name, *gpus), &names(nodes)))
                .await;
            return 1;
        }
        Step::Preempt(name, nodes) => {
            let mut victims = json!({});
            for (at, victim) in nodes {
                victims[node(*at)] = json!({ "Pods": [{ "UID": format!("uid-p{victim}") }], "NumPDBViolations": 0 });
            }
            let body = json!({ "Pod": pod(*name, 8), "NodeNameToVictims": null, "NodeNameToMetaVictims": victims });
            rig.post("/preempt", body.to_string()).await;
            return 1;
        }
        Step::Whole(name, nodes) => {
            let whole: Vec<Value> = nodes
                .iter()
                .enumerate()
                .map(|(place, node)| {
                    let mut whole = node_json()[node % 6].clone();
                    whole["metadata"]["name"] = json!(format!("template-{place}"));
                    whole
                })
                .collect();
            let body =
                json!({ "Pod": pod(*name, 2), "Nodes": { "metadata": {}, "items": whole }, "NodeNames": null });
            rig.post("/filter", body.to_string()).await;
            return 1;
        }
    }
    0
}

#[test]
fn g3_whatever_happened_the_log_gives_the_same_bits_again() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(32)
    });
    let (capped, gangs) = (AtomicU64::new(0), AtomicU64::new(0));
    let worlds = (0..PLACEMENTS.len(), 0..POWER.len(), steps());
    let tested = runner.run(&worlds, |(placement, power, steps)| {
        let (report, asked) = runtime.block_on(async {
            let (rig, dir) = logging_under(PLACEMENTS[placement], "", POWER[power]).await;
            let mut asked = 0;
            for step in &steps {
                asked += play(&rig, step).await;
            }
            rig.close_log().await;
            let refused = rig.counted(r#"heliotrope_refused_nodes_total{rule="power-cap"}"#);
            capped.fetch_add(refused, Ordering::Relaxed);
            let followed = rig.counted(r#"heliotrope_group_decisions_total{outcome="followed"}"#);
            gangs.fetch_add(followed, Ordering::Relaxed);
            (replayed(dir.path()), asked)
        });
        prop_assert_eq!(&report.differences, &Vec::new());
        prop_assert_eq!((report.calls(), report.different, report.dropped), (asked, 0, 0));
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
    let (capped, gangs) = (capped.into_inner(), gangs.into_inner());
    assert!(
        capped > 0 && gangs > 0,
        "{capped} nodes refused by caps, {gangs} pods after their gang"
    );
}

fn heliotrope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .args(arguments)
        .output()
        .unwrap()
}

async fn a_log() -> tempfile::TempDir {
    let (rig, dir) = logging("{mode: prefer, denyZones: [GB]}", "").await;
    for name in ["a", "b"] {
        let pod = job(name, 2);
        rig.post("/filter", names_body(&pod, &all())).await;
        let kept = [CENTRAL[0], CENTRAL[1], NORTH[0], NORTH[1]];
        rig.post("/prioritize", names_body(&pod, &kept)).await;
        rig.settle().await;
        rig.tell(vec![pod_event(&bound(pod, CENTRAL[0]))]).await;
    }
    rig.close_log().await;
    dir
}

#[tokio::test]
async fn the_command_says_that_all_is_the_same() {
    let dir = a_log().await;
    let path = files(dir.path())[0].display().to_string();
    let told = heliotrope(&["replay", &path]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.status.code(), Some(0), "{text}");
    assert!(
        text.contains("4 calls decided again: 2 filter, 2 prioritize, 0 preempt; 2 pods seen bound"),
        "{text}"
    );
    assert!(text.contains("all the same, to the last bit"), "{text}");
}

#[tokio::test]
async fn a_changed_figure_is_found_and_named() {
    let dir = a_log().await;
    let path = &files(dir.path())[0];
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.contains("\"filter\"")).unwrap();
    let mut call: Value = serde_json::from_str(line).unwrap();
    let grams = call["answer"]["filter"]["costs"][0][0].as_f64().unwrap();
    call["answer"]["filter"]["costs"][0][0] = json!(grams.next_up());
    call["answer"]["filter"]["costs"][0][1] = json!("0123456789abcdef");
    call["answer"]["filter"]["kept"] = json!([0, 6]);
    std::fs::write(path, text.replacen(line, &call.to_string(), 1)).unwrap();
    let told = heliotrope(&["replay", path.to_str().unwrap(), "-o", "json"]);
    assert_eq!(told.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&report["different"], &report["filter"]), (&json!(1), &json!(2)));
    let first = &report["differences"][0];
    assert_eq!(
        (&first["what"], &first["pod"]),
        (&json!("grams"), &json!("ml/a")),
        "{report}"
    );
    let parsed = |key: &str| first[key].as_str().unwrap().parse::<f64>().unwrap();
    assert_eq!(
        (parsed("logged"), parsed("replayed")),
        (grams.next_up(), grams),
        "a single bit"
    );
    let kept = report["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["what"] == "kept");
    let nodes: Vec<&str> = kept.map(|one| one["node"].as_str().unwrap()).collect();
    assert_eq!(nodes, WEST, "those in GB were refused");
}

#[tokio::test]
async fn changed_inputs_do_not_pass_for_those_that_were_written() {
    let dir = a_log().await;
    let path = &files(dir.path())[0];
    let text = std::fs::read_to_string(path).unwrap();
    // The wake weight of the policy's pools decides nothing about nodes that are awake; the hash tells all the same.
    assert!(text.contains("\"generation\""));
    let changed = text.replacen("\"pue\":1.0", "\"pue\":1.0000000000000002", 1);
    assert_ne!(text, changed);
    std::fs::write(path, changed).unwrap();
    let told = heliotrope(&["replay", path.to_str().unwrap()]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.status.code(), Some(1), "{text}");
    assert!(text.contains("inputs"), "{text}");
}

#[tokio::test]
async fn another_policy_says_what_it_would_have_changed() {
    let dir = a_log().await;
    let path = files(dir.path())[0].display().to_string();
    let settings = dir.path().join("other.yaml");
    let with = |placement: &str| {
        let text = format!("apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nplacement: {placement}\n");
        std::fs::write(&settings, text).unwrap();
        let told = heliotrope(&["replay", &path, "--policy", settings.to_str().unwrap(), "-o", "json"]);
        assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
        serde_json::from_slice::<Value>(&told.stdout).unwrap()["whatIf"].clone()
    };
    let same = with("{}");
    assert_eq!(
        (&same["filter"], &same["keptDiffers"], &same["scoresDiffer"]),
        (&json!(2), &json!(0), &json!(0))
    );
    assert_eq!(same["gramsLogged"], same["gramsOther"]);
    assert!(same["gramsLogged"].as_f64().unwrap() > 0.0);
    // Above the ceiling stands DE alone: it is refused as well, and what is preferred stays.
    let ceiling = with("{ceiling: 300 g/kWh}");
    assert_eq!(
        (&ceiling["refusedDiffers"], &ceiling["preferredDiffers"]),
        (&json!(2), &json!(0)),
        "{ceiling}"
    );
    // Below it stands nobody but GB, which is denied.
    let lower = with("{ceiling: 10 g/kWh}");
    assert_eq!(
        (&lower["keptDiffers"], &lower["preferredDiffers"]),
        (&json!(2), &json!(0)),
        "{lower}"
    );
}
