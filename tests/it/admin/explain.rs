//! `/explain`, and `heliotrope explain` asking it.

use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, job, names_body, pod_event};
use serde_json::{Value, json};
use std::process::{Command, Output};

const PREFER: &str =
    "placement: {mode: prefer, denyZones: [GB], exemptNamespaces: [kube-system], wake: {default: 0}}";

async fn decided(rig: &Rig, name: &str) -> Value {
    let pod = job(name, 2);
    rig.post("/filter", names_body(&pod, &all())).await;
    rig.post(
        "/prioritize",
        names_body(&pod, &[CENTRAL[0], CENTRAL[1], NORTH[0], NORTH[1]]),
    )
    .await;
    rig.settle().await;
    pod
}

#[tokio::test]
async fn an_explanation_has_the_watts_grams_source_and_rung_of_every_candidate() {
    let rig = Rig::start(PREFER).await;
    decided(&rig, "a").await;
    let answer: Value = rig.get("/explain?pod=ml/a").await.json();
    assert_eq!(answer["pod"], "ml/a");
    assert_eq!((&answer["rung"], &answer["offeredToUs"]), (&json!("live"), &json!(6)));
    assert_eq!(
        (&answer["exempt"], &answer["bound"], &answer["outcome"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(answer["workload"]["mode"], "prefer");
    assert_eq!(answer["workload"]["gpus"]["units"], 2);
    assert_eq!(
        answer["generation"],
        rig.world
            .snapshot()
            .generation
            .min(answer["generation"].as_u64().unwrap())
    );
    let candidates = answer["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 6);
    let grams: Vec<f64> = candidates
        .iter()
        .map(|one| one["cost"]["grams"].as_f64().unwrap())
        .collect();
    assert!(grams.is_sorted(), "cheapest first: {grams:?}");
    let zones: Vec<&str> = candidates.iter().map(|one| one["zone"].as_str().unwrap()).collect();
    assert_eq!(zones, ["SE-SE3", "SE-SE3", "GB", "GB", "DE", "DE"]);
    for one in candidates {
        assert_eq!(
            (&one["carbonSource"], &one["powerRung"]),
            (&json!("told-by-the-test"), &json!("model"))
        );
        assert!(one["cost"]["watts"].as_f64().unwrap() > 100.0, "{one}");
        assert!(one["model"].as_str().unwrap().starts_with("NVIDIA-"), "{one}");
        let refused = one["zone"] == "GB";
        assert_eq!(one["refused"] == "zone", refused, "{one}");
        assert_eq!(one["offered"], !refused);
        assert_eq!(
            one["score"].is_null(),
            refused,
            "prioritize was asked about those kept: {one}"
        );
    }
    assert_eq!(candidates[0]["score"], 10);
}

#[tokio::test]
async fn what_is_not_remembered_is_not_found_and_a_question_without_a_pod_is_none() {
    let rig = Rig::start(PREFER).await;
    decided(&rig, "a").await;
    for unknown in ["ml/b", "a", "other/a", "ml%2Fb", "ml/a%0A", ""] {
        let reply = rig.get(&format!("/explain?pod={unknown}")).await;
        assert_eq!(reply.status, 404, "{unknown}");
        assert!(reply.text().contains("namespace/name"));
    }
    assert_eq!(rig.get("/explain?pod=ml%2Fa").await.status, 200);
    assert_eq!(rig.get("/explain").await.status, 400);
}

#[tokio::test]
async fn the_last_attempt_is_the_one_explained() {
    let rig = Rig::start(PREFER).await;
    decided(&rig, "a").await;
    rig.intensities(&[("DE", 5.0)]).await;
    decided(&rig, "a").await;
    let answer: Value = rig.get("/explain?pod=ml/a").await.json();
    assert_eq!(answer["candidates"][0]["zone"], "DE");
}

/// Asks with the binary, which must not go through a proxy on its way to loopback.
fn explain(rig: &Rig, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .arg("explain")
        .args(arguments)
        .env("NO_PROXY", "127.0.0.1")
        .env("HELIOTROPE_ADMIN", format!("http://{}", rig.admin))
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complained(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_prints_candidates_and_what_won() {
    let rig = Rig::start(PREFER).await;
    let pod = decided(&rig, "a").await;
    let before = told(&explain(&rig, &["ml/a"]));
    assert!(before.starts_with("pod ml/a at 2026-06-01T12:00:00"), "{before}");
    assert!(before.contains("6 candidates, compared on the rung live"), "{before}");
    assert!(
        before.ends_with(&format!("preferred {}, not bound yet\n", NORTH[0])),
        "{before}"
    );
    let row = |node: &str| {
        before
            .lines()
            .find(|line| line.trim_start().starts_with(node))
            .unwrap()
            .to_owned()
    };
    for part in [
        "SE-SE3",
        "NVIDIA-H100-80GB-HBM3",
        "empty",
        "20",
        "told-by-the-test",
        "model",
        "10",
    ] {
        assert!(row(NORTH[0]).contains(part), "no {part} in {}", row(NORTH[0]));
    }
    assert!(row(WEST[0]).contains("refused: zone"), "{before}");

    rig.tell(vec![pod_event(&bound(pod, CENTRAL[1]))]).await;
    let after = told(&explain(&rig, &["ml/a", "--limit", "2"]));
    let last = format!("preferred {}, bound {}: outvoted\n", NORTH[0], CENTRAL[1]);
    assert!(after.ends_with(&last), "{after}");
    assert!(
        after.contains(NORTH[1]) && !after.contains(WEST[0]),
        "two rows were asked for: {after}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_prints_json() {
    let rig = Rig::start(PREFER).await;
    decided(&rig, "a").await;
    let printed: Value = serde_json::from_str(&told(&explain(&rig, &["ml/a", "-o", "json"]))).unwrap();
    let served: Value = rig.get("/explain?pod=ml/a").await.json();
    assert_eq!(printed, served);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_says_why_a_pod_is_not_steered() {
    let rig = Rig::start(PREFER).await;
    let mut pod = job("a", 1);
    pod["metadata"]["namespace"] = json!("kube-system");
    rig.post("/filter", names_body(&pod, &all())).await;
    rig.settle().await;
    let told = told(&explain(&rig, &["kube-system/a"]));
    assert!(told.ends_with("not steered: namespace\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_exits_with_1_where_nothing_is_known_and_with_2_where_nothing_was_asked() {
    let rig = Rig::start(PREFER).await;
    let unknown = explain(&rig, &["ml/nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(complained(&unknown).contains("ml/nobody"));
    for wrong in ["nobody", "a/b/c", "/a", "a/"] {
        let output = explain(&rig, &[wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(complained(&output).contains("write namespace/name"));
    }
    // A port that nobody listens on.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let away = explain(&rig, &["ml/a", "--admin", &format!("http://{closed}")]);
    assert_eq!(away.status.code(), Some(1));
    let told = complained(&away);
    assert!(
        told.contains("127.0.0.1 did not answer") && told.contains("listen at"),
        "{told}"
    );
    assert!(!told.contains("remembered"), "{told}");
}
