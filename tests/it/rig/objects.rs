use heliotrope::cluster::{Labels, LeanNode, LeanPod};
use heliotrope_core::snapshot::ClusterEvent;
use serde_json::{Value, json};
use std::path::Path;

/// The labels that nodes are read by; regions may be power domains.
pub(crate) fn labels() -> Labels {
    Labels {
        domains: vec!["topology.kubernetes.io/region".into()],
        ..Labels::default()
    }
}

/// A body recorded from a real kube-scheduler.
pub(crate) fn recorded(version: &str, form: &str, verb: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/wire");
    let path = folder.join(format!("kube-scheduler-{version}/{form}/{verb}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The nodes of a recorded body.
pub(crate) fn node_json() -> Vec<Value> {
    let body: Value = serde_json::from_str(&recorded("1.37.2", "nodes", "filter")).unwrap();
    body["Nodes"]["items"].as_array().unwrap().clone()
}

/// The same, as the watch tells them.
pub(crate) fn node_events() -> Vec<ClusterEvent> {
    let event = |node: Value| {
        let lean: LeanNode = serde_json::from_value(node).unwrap();
        ClusterEvent::Node(lean.facts(&labels()).unwrap())
    };
    node_json().into_iter().map(event).collect()
}

/// A pod of a Job in namespace `ml` that asks for GPUs, as the API server has it before it is bound.
pub(crate) fn job(name: &str, gpus: u32) -> Value {
    let asked = json!({ "cpu": "2", "memory": "8Gi", "nvidia.com/gpu": gpus.to_string() });
    json!({
        "metadata": {
            "name": name, "namespace": "ml", "uid": format!("uid-{name}"), "resourceVersion": "1",
            "creationTimestamp": "2026-06-01T12:00:00Z",
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": format!("job-{name}"),
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "containers": [{ "name": "main", "image": "train:1", "resources": { "limits": asked, "requests": asked } }],
            "restartPolicy": "Never", "schedulerName": "default-scheduler", "priority": 0,
        },
        "status": { "phase": "Pending" },
    })
}

/// The same of a DaemonSet.
pub(crate) fn daemon(name: &str, gpus: u32) -> Value {
    let mut pod = job(name, gpus);
    pod["metadata"]["ownerReferences"][0]["kind"] = json!("DaemonSet");
    pod["spec"]["restartPolicy"] = json!("Always");
    pod
}

/// A pod once it is bound and runs.
pub(crate) fn bound(mut pod: Value, node: &str) -> Value {
    pod["metadata"]["resourceVersion"] = json!("2");
    pod["spec"]["nodeName"] = json!(node);
    pod["status"]["phase"] = json!("Running");
    pod
}

/// A pod, as the watch tells it.
pub(crate) fn pod_event(pod: &Value) -> ClusterEvent {
    let lean: LeanPod = serde_json::from_value(pod.clone()).unwrap();
    ClusterEvent::Pod(Box::new(lean.facts().unwrap()))
}

/// `ExtenderArgs` with names, as Go writes it.
pub(crate) fn names_body(pod: &Value, names: &[&str]) -> String {
    json!({ "Pod": pod, "Nodes": null, "NodeNames": names }).to_string()
}
