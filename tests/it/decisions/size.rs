use super::{files, logging, replayed};
use crate::rig::{all, bound, job, names_body, node_json, pod_event};
use heliotrope::cluster::{Labels, LeanNode};
use heliotrope_core::quantity::{Source, Watts};
use heliotrope_core::snapshot::{BoardPower, ClusterEvent, NodePower, PowerReport};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::sync::Arc;

const NODES: usize = 1000;
const PODS: usize = 120;
/// Pods placed between two samples of every node.
const A_SAMPLE: usize = 40;

/// A thousand nodes by the names that a cloud gives.
fn names() -> Vec<String> {
    (0..NODES)
        .map(|n| format!("ip-10-{}-{}.eu-central-1.compute.internal", n / 250, n % 250))
        .collect()
}

fn events(names: &[String]) -> Vec<ClusterEvent> {
    let six = node_json();
    let event = |(n, name): (usize, &String)| {
        let mut node: Value = six[n % six.len()].clone();
        node["metadata"]["name"] = json!(name);
        let lean: LeanNode = serde_json::from_value(node).unwrap();
        ClusterEvent::Node(lean.facts(&Labels::default()).unwrap())
    };
    names.iter().enumerate().map(event).collect()
}

fn measured(names: &[String], round: usize, at: jiff::Timestamp) -> PowerReport {
    let board = |n: usize, board: u32| BoardPower {
        uuid: Arc::from(format!("GPU-{n}-{board}")),
        watts: Watts::saturating(71.3 + (n * 7 + round * 13) as f64 % 29.0 + f64::from(board)),
        observed_at: at,
        model: None,
        pods: Vec::new(),
        utilisation: None,
    };
    let node = |(n, name): (usize, &String)| NodePower {
        node: Arc::from(name.as_str()),
        boards: (0..8).map(|one| board(n, one)).collect(),
        host: None,
    };
    PowerReport {
        source: Source::new("dcgm"),
        nodes: names.iter().enumerate().map(node).collect(),
    }
}

/// What docs/decisions.md says of sizes. Every pod is filtered over all nodes, prioritized over those kept, and bound; every
/// node is measured anew now and then.
#[tokio::test]
async fn g9_a_decision_over_a_thousand_nodes_is_some_kilobytes() {
    let (rig, dir) = logging("{mode: prefer}", "").await;
    let names = names();
    rig.tell(events(&names)).await;
    rig.tell(
        all()
            .into_iter()
            .map(|name| ClusterEvent::NodeGone(Arc::from(name)))
            .collect(),
    )
    .await;
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    for n in 0..PODS {
        if n % A_SAMPLE == 0 {
            rig.advance(SignedDuration::from_secs(30));
            rig.senders
                .power
                .send(measured(&names, n / A_SAMPLE, rig.now()))
                .await
                .unwrap();
            rig.settle().await;
        }
        let pod = job(&format!("p{n}"), 1 + u32::try_from(n).unwrap() % 8);
        let answer: Value = rig.post("/filter", names_body(&pod, &borrowed)).await.json();
        let kept: Vec<&str> = answer["NodeNames"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        rig.post("/prioritize", names_body(&pod, &kept)).await;
        rig.tell(vec![pod_event(&bound(pod, kept[n % kept.len()]))]).await;
    }
    rig.close_log().await;
    let (mut first, mut samples, mut rest, mut calls) = (0, 0, 0, 0);
    let text = std::fs::read_to_string(&files(dir.path())[0]).unwrap();
    for line in text.lines() {
        let parsed: Value = serde_json::from_str(line).unwrap();
        let parts = parsed["parts"].as_object().map_or(0, serde_json::Map::len);
        match parts {
            _ if first == 0 && parts > 0 => first = line.len(),
            _ if parts > NODES / 2 => samples += line.len(),
            _ => rest += line.len() + 1,
        }
        calls += usize::from(parsed["line"] == "call");
    }
    let report = replayed(dir.path());
    assert_eq!(
        (report.calls(), report.different),
        (2 * PODS as u64, 0),
        "{:?}",
        report.differences
    );
    assert_eq!(calls, 2 * PODS);
    let (a_pod, a_sample) = (rest / PODS, samples / (PODS / A_SAMPLE - 1).max(1));
    println!("{NODES} nodes: beginning {first} bytes, a sample of all nodes {a_sample}, a pod {a_pod}");
    assert!(
        first < 1_500_000 && a_sample < 250_000 && a_pod < 14_000,
        "{first} {a_sample} {a_pod}"
    );
}
