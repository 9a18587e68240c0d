//! Groups: one row for each way in which a pod can say that it belongs to one, as its maker writes it.

use heliotrope::cluster::LeanPod;
use heliotrope_core::workload::{Group, GroupKind, MAX_GROUP_SIZE, PodFacts};
use rstest::rstest;
use serde_json::{Value, json};

fn group(labels: &Value, annotations: &Value, spec: &Value, owner: &str) -> Option<Group> {
    let spec = if spec.is_null() { &json!({}) } else { spec };
    let pod = json!({
        "metadata": { "name": "p", "uid": "u", "namespace": "ml", "labels": labels, "annotations": annotations,
            "ownerReferences": [
                { "apiVersion": "x/v1", "kind": "Job", "name": "not-the-controller", "uid": "other" },
                { "apiVersion": "x/v1", "kind": owner, "name": "train", "uid": "6d0f-1", "controller": true },
            ] },
        "spec": spec,
    });
    read(pod).group
}

fn read(pod: Value) -> PodFacts {
    serde_json::from_value::<LeanPod>(pod).unwrap().facts().unwrap()
}

/// Kind, name and stated size.
fn told(group: Option<Group>) -> Option<(GroupKind, String, Option<u32>)> {
    group.map(|group| (group.key.kind(), group.key.name().to_owned(), group.size))
}

const NO: Value = Value::Null;

#[rstest]
#[case::annotation(
    NO, json!({ "heliotrope.dev/group": "ring", "heliotrope.dev/group-size": "64" }), NO, "ReplicaSet",
    GroupKind::Annotation, "ring", Some(64)
)]
#[case::scheduling_group(
    NO, NO, json!({ "schedulingGroup": { "podGroupName": "train-workers" } }), "Job",
    GroupKind::PodGroup, "train-workers", None
)]
#[case::kueue_pod_group(
    json!({ "kueue.x-k8s.io/pod-group-name": "sample-group", "kueue.x-k8s.io/queue-name": "q" }),
    json!({ "kueue.x-k8s.io/pod-group-total-count": "2" }), NO, "None",
    GroupKind::KueuePodGroup, "sample-group", Some(2)
)]
#[case::coscheduling(
    json!({ "scheduling.x-k8s.io/pod-group": "pg1" }), NO, NO, "ReplicaSet", GroupKind::Coscheduling, "pg1", None
)]
#[case::volcano(
    NO, json!({ "scheduling.k8s.io/group-name": "podgroup-1", "scheduling.volcano.sh/group-min-member": "4" }), NO, "Job",
    GroupKind::Volcano, "podgroup-1", Some(4)
)]
#[case::volcano_by_its_own_key(
    NO, json!({ "scheduling.volcano.sh/group-name": "mine" }), NO, "Deployment", GroupKind::Volcano, "mine", None
)]
#[case::leader_worker_set(
    json!({ "leaderworkerset.sigs.k8s.io/name": "vllm", "leaderworkerset.sigs.k8s.io/group-index": "3",
        "leaderworkerset.sigs.k8s.io/group-key": "689ce1b5b07", "leaderworkerset.sigs.k8s.io/worker-index": "0" }),
    json!({ "leaderworkerset.sigs.k8s.io/size": "4" }), NO, "StatefulSet",
    GroupKind::LeaderWorkerSet, "689ce1b5b07", Some(4)
)]
#[case::leader_worker_set_without_a_key(
    json!({ "leaderworkerset.sigs.k8s.io/name": "vllm", "leaderworkerset.sigs.k8s.io/group-index": "3" }),
    NO, NO, "StatefulSet", GroupKind::LeaderWorkerSet, "vllm.3", None
)]
#[case::job_set(
    json!({ "jobset.sigs.k8s.io/jobset-name": "llm", "jobset.sigs.k8s.io/jobset-uid": "7c-9",
        "jobset.sigs.k8s.io/replicatedjob-name": "workers", "jobset.sigs.k8s.io/replicatedjob-replicas": "2",
        "jobset.sigs.k8s.io/global-replicas": "3", "jobset.sigs.k8s.io/job-index": "0" }),
    json!({ "batch.kubernetes.io/job-completion-index": "0" }), json!({ "subdomain": "llm" }), "Job",
    GroupKind::JobSet, "7c-9", Some(3)
)]
#[case::job_set_by_name(
    json!({ "jobset.sigs.k8s.io/jobset-name": "llm" }), NO, NO, "Job", GroupKind::JobSet, "llm", None
)]
#[case::kubeflow(
    json!({ "training.kubeflow.org/job-name": "bert", "training.kubeflow.org/replica-index": "1" }), NO, NO, "PyTorchJob",
    GroupKind::Kubeflow, "bert", None
)]
#[case::kueue_workload(
    json!({ "kueue.x-k8s.io/podset": "main" }), json!({ "kueue.x-k8s.io/workload": "job-train-4fa3" }), NO, "Job",
    GroupKind::KueueWorkload, "job-train-4fa3", None
)]
#[case::ranks(
    json!({ "batch.kubernetes.io/job-completion-index": "5" }),
    json!({ "batch.kubernetes.io/job-completion-index": "5", "heliotrope.dev/group-size": "64" }),
    json!({ "subdomain": "ranks" }), "Job", GroupKind::RankedJob, "6d0f-1", Some(64)
)]
#[case::an_index_without_an_address(
    NO, json!({ "batch.kubernetes.io/job-completion-index": "5" }), NO, "Job", GroupKind::Job, "6d0f-1", None
)]
#[case::any_job(NO, NO, json!({ "subdomain": "x" }), "Job", GroupKind::Job, "6d0f-1", None)]
fn every_kind_is_read_from_what_its_maker_writes(
    #[case] labels: Value,
    #[case] annotations: Value,
    #[case] spec: Value,
    #[case] owner: &str,
    #[case] kind: GroupKind,
    #[case] name: &str,
    #[case] size: Option<u32>,
) {
    let read = told(group(&labels, &annotations, &spec, owner));
    assert_eq!(read, Some((kind, name.to_owned(), size)));
}

#[rstest]
#[case::a_deployment(NO, NO, NO, "ReplicaSet")]
#[case::an_empty_scheduling_group(NO, NO, json!({ "schedulingGroup": {} }), "ReplicaSet")]
#[case::one_that_says_no(NO, json!({ "heliotrope.dev/group": "none" }), json!({ "subdomain": "x" }), "Job")]
#[case::a_name_that_can_be_none(json!({ "scheduling.x-k8s.io/pod-group": "a/b" }), NO, NO, "ReplicaSet")]
fn what_is_no_group(#[case] labels: Value, #[case] annotations: Value, #[case] spec: Value, #[case] owner: &str) {
    assert_eq!(group(&labels, &annotations, &spec, owner), None);
}

#[test]
fn the_first_kind_that_is_named_readably_decides() {
    let labels = json!({ "jobset.sigs.k8s.io/jobset-name": "llm", "scheduling.x-k8s.io/pod-group": "pg" });
    let read = |name: &str| told(group(&labels, &json!({ "heliotrope.dev/group": name }), &NO, "Job"));
    assert_eq!(read("mine").unwrap().0, GroupKind::Annotation);
    assert_eq!(read("not a name").unwrap().0, GroupKind::Coscheduling);
    assert_eq!(read(&"x".repeat(10_000)).unwrap().0, GroupKind::Coscheduling);
}

#[rstest]
#[case("0", None)]
#[case("-3", None)]
#[case("a lot", None)]
#[case("4294967296", None)]
#[case("100001", None)]
#[case("100000", Some(MAX_GROUP_SIZE))]
fn a_size_that_cannot_be_is_none(#[case] text: &str, #[case] size: Option<u32>) {
    let stated = json!({ "heliotrope.dev/group": "ring", "heliotrope.dev/group-size": text });
    assert_eq!(group(&NO, &stated, &NO, "Job").unwrap().size, size);
}
