//! The bodies that kube-scheduler sends for simulated pods, in the form recorded from kube-scheduler 1.37.2.

use anyhow::Context;
use heliotrope_core::simulator::SimulatedPod;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// `ExtenderArgs` with `nodeCacheCapable: true`: names alone.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Args<'a> {
    pub(super) pod: &'a RawValue,
    pub(super) nodes: Option<()>,
    pub(super) node_names: &'a [&'a str],
}

/// The pod as the API server would have it.
pub(super) fn pod(pod: &SimulatedPod) -> anyhow::Result<Box<RawValue>> {
    let facts = &pod.facts;
    let (kind, api, restart) = if pod.is_job() {
        ("Job", "batch/v1", "Never")
    } else {
        ("ReplicaSet", "apps/v1", "Always")
    };
    let annotations: Map<String, Value> = pod
        .annotations
        .iter()
        .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
        .collect();
    let metadata = json!({
        "name": facts.name,
        "namespace": facts.namespace,
        "uid": facts.uid,
        "resourceVersion": facts.resource_version,
        "generation": 1,
        "creationTimestamp": pod.arrives.to_string(),
        "labels": {"app": facts.owner.name},
        "annotations": annotations,
        "ownerReferences": [{
            "apiVersion": api,
            "kind": kind,
            "name": facts.owner.name,
            "uid": pod.owner_uid,
            "controller": true,
            "blockOwnerDeletion": true,
        }],
    });
    let body = json!({
        "metadata": metadata,
        "spec": spec(pod, restart),
        "status": {"phase": "Pending", "qosClass": "Guaranteed"},
    });
    serde_json::value::to_raw_value(&body).context("a simulated pod cannot be written as JSON")
}

fn spec(pod: &SimulatedPod, restart: &str) -> Value {
    let facts = &pod.facts;
    let (label, value) = pod.selector.label();
    let asked = json!({
        "cpu": format!("{}m", facts.cpu_milli),
        "memory": facts.memory_bytes.to_string(),
        "nvidia.com/gpu": pod.gpus().to_string(),
    });
    let tolerated =
        |taint: &str| json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
    json!({
        "containers": [{
            "name": "main",
            "image": "example.com/simulated/work:1",
            "resources": {"limits": asked, "requests": asked},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
        }],
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "nodeSelector": {label: value},
        "automountServiceAccountToken": false,
        "securityContext": {},
        "schedulerName": "heliotrope",
        "tolerations": [tolerated("node.kubernetes.io/not-ready"), tolerated("node.kubernetes.io/unreachable")],
        "priority": facts.priority,
        "enableServiceLinks": true,
        "preemptionPolicy": "PreemptLowerPriority",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tables::Tables;
    use crate::cluster::LeanPod;
    use heliotrope_core::simulator::World;

    #[test]
    fn a_body_says_of_a_pod_what_the_simulator_says_of_it() {
        let world = World::new(1, Tables::builtin().unwrap().gpus.catalogue).unwrap();
        for simulated in &world.pods {
            let read: LeanPod = serde_json::from_str(pod(simulated).unwrap().get()).unwrap();
            assert_eq!(read.facts().as_ref(), Some(&simulated.facts));
        }
    }

    #[test]
    fn a_body_has_the_fields_of_a_recorded_one() {
        // Of a body recorded from kube-scheduler 1.37.2.
        const SPEC: [&str; 11] = [
            "containers",
            "restartPolicy",
            "terminationGracePeriodSeconds",
            "dnsPolicy",
            "automountServiceAccountToken",
            "securityContext",
            "schedulerName",
            "tolerations",
            "priority",
            "enableServiceLinks",
            "preemptionPolicy",
        ];
        const METADATA: [&str; 7] = [
            "name",
            "namespace",
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "labels",
        ];
        let world = World::new(1, Tables::builtin().unwrap().gpus.catalogue).unwrap();
        let written: Value = serde_json::from_str(pod(&world.pods[0]).unwrap().get()).unwrap();
        for (part, fields) in [("spec", SPEC.as_slice()), ("metadata", METADATA.as_slice())] {
            for field in fields {
                assert!(written[part].get(field).is_some(), "no {part}.{field}");
            }
        }
        let resources = &written["spec"]["containers"][0]["resources"];
        assert_eq!(
            resources["limits"], resources["requests"],
            "extended resources are not overcommitted"
        );
    }

    #[test]
    fn the_unused_list_is_null_as_go_writes_it() {
        let world = World::new(1, Tables::builtin().unwrap().gpus.catalogue).unwrap();
        let pod = pod(&world.pods[0]).unwrap();
        let args = Args {
            pod: &pod,
            nodes: None,
            node_names: &["a", "b"],
        };
        let text = serde_json::to_string(&args).unwrap();
        assert!(text.starts_with(r#"{"Pod":{"metadata":{"#), "{text}");
        assert!(text.ends_with(r#","Nodes":null,"NodeNames":["a","b"]}"#), "{text}");
    }
}
