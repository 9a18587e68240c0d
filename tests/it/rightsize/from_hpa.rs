//! `heliotrope rightsize from-hpa`: an autoscaler in, the Rightsizer that does the same out.

use super::{FakeApiServer, run, told};
use serde_json::{Value, json};

const PATH: &str = "apis/autoscaling/v2/namespaces/ml/horizontalpodautoscalers/llm";

fn hpa() -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "llm", "namespace": "ml", "resourceVersion": "7", "labels": { "app.kubernetes.io/managed-by": "Helm" } },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "llm" },
            "minReplicas": 2, "maxReplicas": 40,
            "metrics": [
                { "type": "Pods", "pods": { "metric": { "name": "vllm_num_requests_waiting" }, "target": { "type": "AverageValue", "averageValue": "4" } } },
                { "type": "Pods", "pods": { "metric": { "name": "DCGM_FI_DEV_FB_USED" }, "target": { "type": "AverageValue", "averageValue": "40000" } } },
            ],
            "behavior": { "scaleDown": { "stabilizationWindowSeconds": 120, "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 60 }] } },
        },
        "status": { "currentReplicas": 3, "desiredReplicas": 3 },
    })
}

fn version(minor: &str) -> Value {
    json!({ "major": "1", "minor": minor, "gitVersion": "v1", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": "" })
}

fn yaml(bytes: &[u8]) -> Value {
    serde_saphyr::from_str(told(bytes)).unwrap_or_else(|error| panic!("{error} in\n{}", told(bytes)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_autoscaler_of_the_cluster_becomes_a_rightsizer_that_does_the_same() {
    let server = FakeApiServer::start([(PATH, hpa()), ("version", version("36+"))]).await;
    let output = server.run(&["from-hpa", "ml/llm"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output.stderr));
    let written = yaml(&output.stdout);
    let expected = json!({
        "apiVersion": "heliotrope.dev/v1alpha1", "kind": "Rightsizer",
        "metadata": { "name": "llm", "namespace": "ml" },
        "spec": {
            "scaleTargetRef": hpa()["spec"]["scaleTargetRef"], "mode": "recommend", "compatibility": "1.33",
            "minReplicas": 2, "maxReplicas": 40, "metrics": hpa()["spec"]["metrics"], "behavior": hpa()["spec"]["behavior"],
        },
    });
    assert_eq!(written, expected);
    let text = told(&output.stdout);
    for part in [
        "From the HorizontalPodAutoscaler ml/llm",
        "warning preallocated-memory at spec.metrics[1]: ",
        "# - {metric: \"vllm_num_requests_waiting\", preset: {server: vllm, measure: queueDepth}}",
        "preset: {server: vllm, measure: latency, quantile: 0.99}",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(server.asked(), [PATH, "version"], "it reads these and writes nothing");

    let json = server
        .run(&["from-hpa", "ml/llm", "-o", "json", "--compatibility", "1.32"])
        .await;
    let written: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(written["spec"]["compatibility"], "1.32");
    assert_eq!(written["spec"]["metrics"], expected["spec"]["metrics"]);
}

/// A manifest with everything taken that is suggested in comments.
pub(super) fn taken(written: &str) -> String {
    let is_key = |rest: &str| {
        let key = rest.trim_start_matches([' ', '-', '{']);
        key.starts_with(|c: char| c.is_ascii_lowercase()) && key.contains(':')
    };
    let lines = written.lines().map(|line| match line.strip_prefix("  # ") {
        Some(rest) if is_key(rest) => format!("  {rest}"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_suggestion_can_be_taken() {
    let output = run(&["from-hpa", "-f", "-"], &hpa().to_string());
    let taken = taken(told(&output.stdout));
    let spec = &yaml(taken.as_bytes())["spec"];
    assert_eq!(
        spec["sources"][1],
        json!({ "metric": "DCGM_FI_DEV_FB_USED", "preset": { "server": "dcgm", "measure": "gpuMemory" } })
    );
    assert_eq!(spec["latency"]["response"]["limit"], "2s");
    assert_eq!(
        (
            &spec["carbon"]["maxReplicas"],
            &spec["schedule"]["levels"][0]["minReplicas"]
        ),
        (&json!(20), &json!(3))
    );
}

/// Without metrics the API server takes CPU at 80 %, where a Rightsizer would stay at `minReplicas`.
#[test]
fn what_the_api_server_fills_in_is_written_out() {
    let bare = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: bare}, spec: {scaleTargetRef: {kind: Deployment, name: a}, maxReplicas: 3}}";
    let old = "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: old}, spec: {scaleTargetRef: {kind: Deployment, name: a}, maxReplicas: 3, targetCPUUtilizationPercentage: 55}}";
    let output = run(&["from-hpa", "-f", "-", "-o", "json"], &format!("{bare}\n---\n{old}"));
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let percent = |ix: usize| {
        let metric = &list["items"][ix]["spec"]["metrics"][0];
        (
            metric["type"].clone(),
            metric["resource"]["target"]["averageUtilization"].clone(),
        )
    };
    assert_eq!(percent(0), (json!("Resource"), json!(80)));
    assert_eq!(percent(1), (json!("Resource"), json!(55)));
    assert_eq!(list["items"][0]["spec"]["minReplicas"], 1);
    let documents = run(&["from-hpa", "-f", "-"], &format!("{bare}\n---\n{old}"));
    let all: Vec<Value> = serde_saphyr::from_multiple(told(&documents.stdout)).unwrap();
    assert_eq!(all.len(), 2);
    let one = run(&["from-hpa", "x/old", "-f", "-"], &format!("{bare}\n---\n{old}"));
    assert_eq!(yaml(&one.stdout)["metadata"]["name"], "old");
}

/// Names in a manifest are its author's: none of them ends a comment.
#[test]
fn no_name_breaks_out_of_a_comment() {
    let mut hpa = hpa();
    hpa["spec"]["metrics"][0]["pods"]["metric"]["name"] = "latency_p99\nkind: Secret\n# ".into();
    let output = run(&["from-hpa", "-f", "-"], &hpa.to_string());
    assert_eq!(yaml(&output.stdout)["kind"], "Rightsizer");
    assert!(!told(&output.stdout).contains("\nkind: Secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_told_with_an_exit_code() {
    let other = "apis/autoscaling/v2/namespaces/ml/horizontalpodautoscalers/other";
    let server = FakeApiServer::start([(other, hpa()), (PATH, Value::Null)]).await;
    for (place, code, part) in [
        (
            "ml/llm",
            1,
            "allow `get` on HorizontalPodAutoscaler of autoscaling in ml",
        ),
        ("ml/none", 1, "there is no HorizontalPodAutoscaler ml/none"),
        ("llm", 2, "give namespace and name"),
        ("ml/../x", 2, "give namespace and name"),
    ] {
        let output = server.run(&["from-hpa", place]).await;
        assert_eq!(output.status.code(), Some(code), "{place}");
        assert!(
            told(&output.stderr).contains(part),
            "{part} is not in {}",
            told(&output.stderr)
        );
    }
    let nothing = run(&["from-hpa", "-f", "-"], "kind: Deployment");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(told(&nothing.stderr).contains("no such HorizontalPodAutoscaler"));
    assert_eq!(run(&["from-hpa"], "").status.code(), Some(2));
}
