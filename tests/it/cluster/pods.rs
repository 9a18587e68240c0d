//! Pods: what is counted of containers of all kinds, and who made them.

use heliotrope::cluster::LeanPod;
use heliotrope_core::gpu::{GpuResource, GpuVendor};
use heliotrope_core::workload::{OwnerKind, PodFacts, PodPhase};
use rstest::rstest;
use serde_json::{Value, json};

fn facts(pod: Value) -> PodFacts {
    serde_json::from_value::<LeanPod>(pod).unwrap().facts().unwrap()
}

fn of_spec(spec: &Value) -> PodFacts {
    facts(json!({ "metadata": { "name": "p", "uid": "u", "namespace": "ml" }, "spec": spec }))
}

fn asks(amounts: &Value) -> Value {
    json!({ "name": "c", "resources": { "requests": amounts, "limits": amounts } })
}

fn sidecar(amounts: &Value) -> Value {
    let mut container = asks(amounts);
    container["restartPolicy"] = json!("Always");
    container
}

fn gpu(count: u32) -> Value {
    json!({ "nvidia.com/gpu": count.to_string() })
}

#[rstest]
#[case::containers_together(json!([asks(&gpu(2)), asks(&gpu(1))]), json!([]), 3)]
#[case::a_small_init_container(json!([asks(&gpu(2))]), json!([asks(&gpu(1))]), 2)]
#[case::a_large_init_container(json!([asks(&gpu(2))]), json!([asks(&gpu(4))]), 4)]
#[case::init_containers_one_after_another(json!([asks(&gpu(1))]), json!([asks(&gpu(2)), asks(&gpu(3))]), 3)]
#[case::a_sidecar_beside_the_container(json!([asks(&gpu(2))]), json!([sidecar(&gpu(1))]), 3)]
#[case::a_sidecar_before_an_init_container(json!([asks(&gpu(1))]), json!([sidecar(&gpu(1)), asks(&gpu(4))]), 5)]
#[case::a_sidecar_after_an_init_container(json!([asks(&gpu(1))]), json!([asks(&gpu(4)), sidecar(&gpu(1))]), 4)]
#[case::sidecars_alone(json!([asks(&json!({}))]), json!([sidecar(&gpu(1)), sidecar(&gpu(1))]), 2)]
#[case::limits_alone(json!([{ "resources": { "limits": gpu(2) } }]), Value::Null, 2)]
#[case::requests_alone(json!([{ "resources": { "requests": gpu(2) } }]), Value::Null, 2)]
#[case::an_init_container_alone(json!([{ "name": "c" }]), json!([asks(&gpu(1))]), 1)]
#[case::an_exponent(json!([asks(&json!({ "nvidia.com/gpu": "1e1" }))]), json!([]), 10)]
fn gpus_are_counted_as_the_scheduler_counts_them(
    #[case] containers: Value,
    #[case] inits: Value,
    #[case] units: u32,
) {
    let pod = of_spec(&json!({ "containers": containers, "initContainers": inits }));
    let ask = pod.gpus.unwrap();
    assert_eq!((ask.resource, ask.units), (GpuResource::NVIDIA, units));
}

#[rstest]
#[case::none(json!({ "cpu": "2" }))]
#[case::zero(json!({ "nvidia.com/gpu": "0" }))]
#[case::another_resource(json!({ "vendor.example/npu": "2", "nvidia.com/gpumem": "4000" }))]
#[case::no_number(json!({ "nvidia.com/gpu": "many" }))]
#[case::more_than_there_can_be(json!({ "nvidia.com/gpu": "99999999999" }))]
#[case::negative(json!({ "nvidia.com/gpu": "-1" }))]
fn no_gpus(#[case] amounts: Value) {
    assert_eq!(of_spec(&json!({ "containers": [asks(&amounts)] })).gpus, None);
}

#[rstest]
#[case("nvidia.com/mig-1g.5gb", GpuVendor::Nvidia, 142)]
#[case("nvidia.com/mig-3g.40gb", GpuVendor::Nvidia, 428)]
#[case("nvidia.com/mig-7g.80gb", GpuVendor::Nvidia, 1000)]
#[case("nvidia.com/mig-1g.10gb.me", GpuVendor::Nvidia, 142)]
#[case("nvidia.com/gpu.shared", GpuVendor::Nvidia, 1000)]
#[case("amd.com/gpu", GpuVendor::Amd, 1000)]
#[case("gpu.intel.com/i915", GpuVendor::Intel, 1000)]
fn every_vendor_and_slice_is_a_share_of_a_board(#[case] name: &str, #[case] vendor: GpuVendor, #[case] milli: u32) {
    let pod = of_spec(&json!({ "containers": [asks(&json!({ name: "2" }))] }));
    let ask = pod.gpus.unwrap();
    assert_eq!(
        (ask.resource.vendor, ask.resource.milli_per_unit, ask.units),
        (vendor, milli, 2)
    );
}

#[test]
fn of_several_gpu_resources_the_one_that_is_most_boards_counts() {
    let pod =
        of_spec(&json!({ "containers": [asks(&json!({ "nvidia.com/mig-1g.5gb": "3", "nvidia.com/gpu": "1" }))] }));
    assert_eq!(pod.gpus.unwrap().resource, GpuResource::NVIDIA);
    let pod =
        of_spec(&json!({ "containers": [asks(&json!({ "nvidia.com/mig-3g.20gb": "3", "nvidia.com/gpu": "1" }))] }));
    assert_eq!(pod.gpus.unwrap().resource.milli_per_unit, 428);
}

#[rstest]
#[case::requests_before_limits(json!({ "containers": [{ "resources": {
    "requests": { "cpu": "500m", "memory": "1Gi" }, "limits": { "cpu": "4", "memory": "8Gi" } } }] }), 500, 1 << 30)]
#[case::nothing(json!({ "containers": [{ "name": "c" }] }), 0, 0)]
#[case::overhead(json!({ "containers": [asks(&json!({ "cpu": "1", "memory": "1Gi" }))],
    "overhead": { "cpu": "250m", "memory": "120Mi" } }), 1250, (1 << 30) + 120 * (1 << 20))]
#[case::the_pod_as_a_whole(json!({ "containers": [asks(&json!({ "cpu": "1", "memory": "1Gi" })), { "name": "d" }],
    "resources": { "requests": { "cpu": "6" } }, "overhead": { "cpu": "1" } }), 7000, 1 << 30)]
#[case::a_decimal_suffix(json!({ "containers": [asks(&json!({ "cpu": "0.1", "memory": "128974848" }))] }), 100, 128_974_848)]
#[case::beyond_all_measure(json!({ "containers": [asks(&json!({ "cpu": "9e15", "memory": "9e18" })),
    asks(&json!({ "cpu": "9e15", "memory": "9e18" })), asks(&json!({ "cpu": "9e15", "memory": "9e18" }))] }), u64::MAX, u64::MAX)]
fn cpu_and_memory(#[case] spec: Value, #[case] milli: u64, #[case] bytes: u64) {
    let pod = of_spec(&spec);
    assert_eq!((pod.cpu_milli, pod.memory_bytes), (milli, bytes));
}

fn owned(kind: &str, controller: &Value, restart: &str) -> PodFacts {
    facts(json!({
        "metadata": { "name": "p", "uid": "u", "ownerReferences": [
            { "apiVersion": "x/v1", "kind": "Other", "name": "not-the-controller", "uid": "1" },
            { "apiVersion": "x/v1", "kind": kind, "name": "o", "uid": "2", "controller": controller },
        ] },
        "spec": { "containers": [], "restartPolicy": restart },
    }))
}

#[rstest]
#[case::daemonset("DaemonSet", json!(true), "Always", OwnerKind::DaemonSet)]
#[case::a_mirror_of_a_static_pod("Node", json!(true), "Always", OwnerKind::Node)]
#[case::job("Job", json!(true), "Never", OwnerKind::Job)]
#[case::an_operators_job("PyTorchJob", json!(true), "OnFailure", OwnerKind::Job)]
#[case::replicaset("ReplicaSet", json!(true), "Always", OwnerKind::Service)]
#[case::an_operators_service("RayCluster", json!(true), "Always", OwnerKind::Service)]
#[case::no_controller("ReplicaSet", json!(false), "Always", OwnerKind::None)]
#[case::unsaid("ReplicaSet", Value::Null, "Always", OwnerKind::None)]
fn the_controller_says_what_a_pod_is(
    #[case] kind: &str,
    #[case] flag: Value,
    #[case] restart: &str,
    #[case] is: OwnerKind,
) {
    let pod = owned(kind, &flag, restart);
    assert_eq!(pod.owner.kind, is);
    let name = if is == OwnerKind::None { "" } else { "o" };
    assert_eq!(pod.owner.name.as_ref(), name);
}

#[rstest]
#[case::pending(json!({ "phase": "Pending" }), PodPhase::Pending)]
#[case::new(json!({}), PodPhase::Pending)]
#[case::running(json!({ "phase": "Running" }), PodPhase::Running)]
#[case::succeeded(json!({ "phase": "Succeeded" }), PodPhase::Finished)]
#[case::failed(json!({ "phase": "Failed" }), PodPhase::Finished)]
#[case::unknown(json!({ "phase": "Unknown" }), PodPhase::Pending)]
fn phases(#[case] status: Value, #[case] phase: PodPhase) {
    let pod =
        facts(json!({ "metadata": { "name": "p", "uid": "u" }, "spec": { "nodeName": "n" }, "status": status }));
    assert_eq!(pod.phase, phase);
}

/// Its containers run until they have stopped: the boards are taken until the pod is gone.
#[test]
fn a_terminating_pod_holds_what_it_holds() {
    let pod = facts(json!({
        "metadata": { "name": "p", "uid": "u", "deletionTimestamp": "2026-06-01T12:00:00Z" },
        "spec": { "nodeName": "n", "containers": [asks(&gpu(1))] },
        "status": { "phase": "Running" },
    }));
    assert_eq!(
        (pod.phase, pod.gpus.is_some(), pod.node.as_deref()),
        (PodPhase::Running, true, Some("n"))
    );
}

#[rstest]
#[case::system("system-cluster-critical", true)]
#[case::not_system("our-system-critical", false)]
#[case::none("", false)]
fn system_priority(#[case] class: &str, #[case] is: bool) {
    let pod = of_spec(&json!({ "priorityClassName": class, "priority": 7 }));
    assert_eq!((pod.system_priority, pod.priority), (is, 7));
}

#[rstest]
#[case::spread(json!({ "topologySpreadConstraints": [{ "maxSkew": 1 }] }), true)]
#[case::no_spread(json!({ "topologySpreadConstraints": [] }), false)]
#[case::node(json!({ "affinity": { "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [{}] } } }), true)]
#[case::anti(json!({ "affinity": { "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [{}] } } }), true)]
#[case::required(json!({ "affinity": { "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [{}] } } }), false)]
#[case::nulls(json!({ "affinity": { "nodeAffinity": null, "podAffinity": null }, "topologySpreadConstraints": null }), false)]
fn preferences(#[case] spec: Value, #[case] prefers: bool) {
    assert_eq!(of_spec(&spec).prefers, prefers);
}

#[test]
fn gates_and_the_empty_node_name() {
    let gated = of_spec(&json!({ "schedulingGates": [{ "name": "g" }], "nodeName": "" }));
    assert!(gated.gated && gated.node.is_none());
    assert!(!of_spec(&json!({ "schedulingGates": [] })).gated);
}

#[test]
fn of_annotations_only_ours_are_kept_and_only_a_few_of_them() {
    let mut annotations = serde_json::Map::new();
    for i in 0..100 {
        annotations.insert(format!("heliotrope.dev/key-{i:03}"), json!("x"));
        annotations.insert(format!("example.com/key-{i:03}"), json!("x"));
    }
    annotations.insert("heliotrope.dev/a-long-value".to_owned(), json!("x".repeat(257)));
    let pod = facts(json!({ "metadata": { "name": "p", "uid": "u", "annotations": annotations } }));
    assert_eq!(pod.annotations.keys().count(), 16);
    assert_eq!(pod.annotations.get("a-long-value"), None);
}

#[test]
fn a_pod_without_name_or_uid_is_none() {
    for metadata in [json!({ "name": "p" }), json!({ "uid": "u" }), json!({})] {
        let pod: LeanPod = serde_json::from_value(json!({ "metadata": metadata })).unwrap();
        assert!(pod.facts().is_none());
    }
}

#[test]
fn claims_that_outlive_the_pod_are_named_and_ephemeral_ones_are_not() {
    let volumes = json!([
        { "name": "a", "persistentVolumeClaim": { "claimName": "data-web-0" } },
        { "name": "b", "ephemeral": { "volumeClaimTemplate": { "spec": {} } } },
        { "name": "c", "emptyDir": {} },
    ]);
    let pod = of_spec(&json!({ "containers": [], "volumes": volumes }));
    assert_eq!(
        pod.volume_claims.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        ["data-web-0"]
    );
    let many: Vec<Value> = (0..1000)
        .map(|i| json!({ "name": "v", "persistentVolumeClaim": { "claimName": format!("c{i}") } }))
        .collect();
    assert_eq!(of_spec(&json!({ "volumes": many })).volume_claims.len(), 64, "G9");
}

#[rstest]
#[case::one("Succeeded", json!([life(0, 600)]), Some(600))]
#[case::from_the_first_start_to_the_last_end("Succeeded", json!([life(0, 300), life(60, 900)]), Some(900))]
#[case::failed("Failed", json!([life(0, 600)]), None)]
#[case::running("Running", json!([{ "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } } }]), None)]
#[case::one_does_not_say("Succeeded", json!([life(0, 600), { "state": { "terminated": { "exitCode": 0 } } }]), None)]
#[case::nothing_said("Succeeded", Value::Null, None)]
#[case::backwards("Succeeded", json!([life(600, 0)]), None)]
fn a_pod_that_ended_well_says_how_long_it_ran(
    #[case] phase: &str,
    #[case] statuses: Value,
    #[case] seconds: Option<i64>,
) {
    let status = json!({ "phase": phase, "containerStatuses": statuses });
    let pod = facts(json!({ "metadata": { "name": "p", "uid": "u" }, "status": status }));
    assert_eq!(pod.ran.map(|ran| ran.took.as_secs()), seconds);
}

/// A container that catches SIGTERM ends with 0 before its time: its Job was deleted, suspended or past its deadline.
#[test]
fn a_pod_that_was_told_to_go_does_not_say_how_long_it_runs() {
    let status = json!({ "phase": "Succeeded", "containerStatuses": [life(0, 600)] });
    let metadata = json!({ "name": "p", "uid": "u", "deletionTimestamp": "2026-01-01T00:05:00Z" });
    assert!(facts(json!({ "metadata": metadata, "status": status })).ran.is_none());
}

/// A container that started and ended so many seconds into the year.
fn life(from: i64, to: i64) -> Value {
    let at = |second| {
        jiff::Timestamp::from_second(1_767_225_600 + second)
            .unwrap()
            .to_string()
    };
    json!({ "name": "c", "state": { "terminated": { "exitCode": 0, "startedAt": at(from), "finishedAt": at(to) } } })
}
