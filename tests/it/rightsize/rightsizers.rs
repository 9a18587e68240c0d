//! `heliotrope rightsize lint` of Rightsizers: what the controller would refuse, and what rules say of the rest.

use super::{run, told};
use serde_json::{Value, json};

fn rightsizer() -> Value {
    json!({
        "apiVersion": "heliotrope.dev/v1alpha1", "kind": "Rightsizer", "metadata": { "name": "llm", "namespace": "ml" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "llm" },
            "maxReplicas": 10,
            "metrics": [{ "type": "Pods", "pods": { "metric": { "name": "queue" }, "target": { "type": "AverageValue", "averageValue": 4 } } }],
            "sources": [{ "metric": "queue", "preset": { "server": "vllm", "measure": "queueDepth" } }],
            "latency": { "response": { "limit": "2s", "preset": { "server": "vllm", "measure": "latency", "quantile": 0.99 } }, "stepPods": 1 },
        },
    })
}

fn lint(one: &Value) -> (Option<i32>, Vec<String>) {
    let output = run(&["lint", "-", "-o", "json"], &one.to_string());
    let linted: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", told(&output.stderr)));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let problems = linted[0]["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| text(&found["key"]));
    let findings = linted[0]["findings"].as_array().unwrap().iter();
    let findings = findings.map(|found| format!("{} {}", text(&found["key"]), text(&found["fault"])));
    (output.status.code(), problems.chain(findings).collect())
}

#[test]
fn what_is_right_is_told_so() {
    assert_eq!(lint(&rightsizer()), (Some(0), vec![]));
}

/// The example of `deploy/examples/serving` is held to the same.
#[test]
fn the_example_is_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/examples/serving/rightsizer.yaml");
    let output = run(&["lint", path], "");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        told(&output.stdout),
        told(&output.stderr)
    );
}

#[test]
fn the_rightsizer_of_the_page_is_right() {
    let page = include_str!("../../../docs/rightsizing.md");
    let mut blocks = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let block = blocks.find(|block| block.contains("kind: Rightsizer")).unwrap();
    let output = run(&["lint", "-"], block);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        told(&output.stdout),
        told(&output.stderr)
    );
}

#[test]
fn every_problem_is_told_at_once_with_its_key() {
    let mut one = rightsizer();
    one["spec"]["sources"][0]["metric"] = "other".into();
    one["spec"]["latency"]["stepPercent"] = 10.into();
    one["spec"]["latency"]["response"]["limit"] = "soon".into();
    one["spec"]["behaviour"] = json!({ "scaleDown": {} });
    one["spec"]["metrics"][0]["pods"]["metric"]["selektor"] = json!({ "a": "b" });
    let (code, told) = lint(&one);
    assert_eq!(code, Some(4));
    for key in [
        "spec.sources[0].metric",
        "spec.latency",
        "spec.latency.response.limit",
        "spec.behaviour",
        "spec.metrics[0].pods.metric.selektor",
    ] {
        assert!(
            told.iter().any(|of| of == key || of.starts_with(&format!("{key}."))),
            "{key} is not in {told:?}"
        );
    }
    let (code, told) = lint(&json!({ "kind": "Rightsizer", "apiVersion": "heliotrope.dev/v2", "metadata": {} }));
    assert_eq!((code, told), (Some(4), vec!["apiVersion".to_owned()]));
    let mut wrong = rightsizer();
    wrong["spec"]["maxReplicas"] = "ten".into();
    assert_eq!(lint(&wrong), (Some(4), vec!["spec.maxReplicas".to_owned()]));
}

/// A preset's name is chosen by its owner: rules look at what is read.
#[test]
fn presets_are_judged_by_what_they_read() {
    let with = |preset: Value, target: &str| {
        let mut one = rightsizer();
        one["spec"]["sources"][0]["preset"] = preset;
        one["spec"]["metrics"][0]["pods"]["target"]["averageValue"] = target.into();
        lint(&one).1
    };
    assert_eq!(
        with(json!({ "server": "dcgm", "measure": "gpuMemory" }), "40000"),
        ["metrics[0] preallocated-memory"]
    );
    assert_eq!(
        with(json!({ "server": "dcgm", "measure": "gpuMemory" }), "40Gi"),
        ["metrics[0] wrong-unit", "metrics[0] preallocated-memory"]
    );
    assert_eq!(
        with(json!({ "server": "vllm", "measure": "requests" }), "3"),
        Vec::<String>::new(),
        "a rate is made of a counter"
    );
    assert_eq!(
        with(json!({ "server": "vllm", "measure": "latency", "quantile": 0.99 }), "2"),
        ["metrics[0] averaged-percentile", "metrics[0] latency-as-ratio"]
    );
    let mut short = rightsizer();
    short["spec"]["latency"]["response"]["limit"] = "200ms".into();
    assert_eq!(
        lint(&short),
        (Some(3), vec!["latency.response.limit below-first-bucket".to_owned()])
    );
    // A query makes what it likes of a series, whatever the name.
    let mut query = rightsizer();
    query["spec"]["metrics"][0]["pods"]["metric"]["name"] = "http_requests_total".into();
    query["spec"]["sources"][0] = json!({ "metric": "http_requests_total", "query": "sum by (pod) (rate(x[1m]))" });
    assert_eq!(lint(&query), (Some(0), vec![]));
}

/// What `from-hpa` writes, and what it suggests, is what the controller takes.
#[test]
fn what_from_hpa_writes_is_taken() {
    let hpa = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: llm}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: llm}, maxReplicas: 9, metrics: [{type: Pods, pods: {metric: {name: 'tgi_queue_size'}, target: {type: AverageValue, averageValue: 3}}}]}}";
    let written = run(&["from-hpa", "-f", "-"], hpa);
    let plain = run(&["lint", "-"], told(&written.stdout));
    assert_eq!(plain.status.code(), Some(0), "{}", told(&plain.stdout));
    let taken = super::from_hpa::taken(told(&written.stdout));
    let taken = run(&["lint", "-"], &taken);
    assert_eq!(
        taken.status.code(),
        Some(0),
        "{}{}",
        told(&taken.stdout),
        told(&taken.stderr)
    );
}

#[test]
fn the_definitions_are_printed_as_kubectl_takes_them() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .arg("crds")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let all: Vec<Value> = serde_saphyr::from_multiple(told(&output.stdout)).unwrap();
    let printed: Vec<Value> = all.into_iter().filter(|one| !one.is_null()).collect();
    let own = heliotrope::crds::definitions().unwrap();
    let own: Vec<Value> = own.iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    assert_eq!(printed, own);
    assert_eq!(printed[0]["metadata"]["name"], "rightsizers.heliotrope.dev");
}
