//! Pods that get GPUs by claim, as kube-scheduler asks about them, and bindings of those that it did not ask about.

use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, job, names_body, pod_event, recorded};
use heliotrope::cluster::{GpuClasses, LeanClaim, LeanTemplate};
use heliotrope_core::snapshot::{Change, ClusterEvent, DeviceEvent};
use rstest::rstest;
use serde_json::{Value, json};

const SETTINGS: &str = "placement: {mode: prefer, wake: {default: 0}}";

/// The pod of a body that kube-scheduler sent once `managedResources` was left out.
fn recorded_pod() -> Value {
    let body: Value = serde_json::from_str(&recorded("1.37.2", "claims", "filter")).unwrap();
    body["Pod"].clone()
}

fn requests(class: &str) -> Value {
    json!({ "devices": { "requests": [{ "name": "gpus", "exactly": { "deviceClassName": class } }] } })
}

fn event(event: DeviceEvent) -> ClusterEvent {
    ClusterEvent::Devices(Box::new(event))
}

fn claim(namespace: &str, name: &str, class: &str) -> ClusterEvent {
    let claim = json!({ "metadata": { "name": name, "namespace": namespace }, "spec": requests(class) });
    let claim: LeanClaim = serde_json::from_value(claim).unwrap();
    event(DeviceEvent::Claim(Change::Put(
        claim.facts(&GpuClasses::default()).unwrap(),
    )))
}

fn template(name: &str) -> ClusterEvent {
    let template = json!({ "metadata": { "name": name, "namespace": "default" }, "spec": { "spec": requests("gpu.nvidia.com") } });
    let template: LeanTemplate = serde_json::from_value(template).unwrap();
    event(DeviceEvent::Template(Change::Put(
        template.facts(&GpuClasses::default()).unwrap(),
    )))
}

#[rstest]
#[case::its_claim(true)]
#[case::the_template_alone(false)]
#[tokio::test]
async fn a_recorded_pod_is_steered_by_what_its_claim_asks(#[case] made: bool) {
    let rig = Rig::start(SETTINGS).await;
    let pod = recorded_pod();
    let name = pod["status"]["resourceClaimStatuses"][0]["resourceClaimName"]
        .as_str()
        .unwrap();
    let told = if made {
        claim("default", name, "gpu.nvidia.com")
    } else {
        template("one-gpu")
    };
    rig.tell(vec![told]).await;
    let scores = super::scores(&rig, &pod, &all()).await;
    assert!(
        super::above(&scores, NORTH, WEST) && super::above(&scores, WEST, CENTRAL),
        "{scores:?}"
    );
    assert_eq!(rig.answered("prioritize", "applied"), 1);
}

/// G1: it is answered like a pod without GPUs, and nothing waits.
#[tokio::test]
async fn g1_a_claim_that_nobody_knows_is_answered_neutrally() {
    let rig = Rig::start(SETTINGS).await;
    let answer = super::filter(&rig, &recorded_pod(), &all()).await;
    assert_eq!((answer.kept().len(), rig.answered("filter", "no-gpu")), (6, 1));
    rig.tell(vec![pod_event(&recorded_pod())]).await;
    let page = rig.get("/metrics").await;
    assert!(
        page.text().contains("heliotrope_pods_with_unknown_claims 1"),
        "{}",
        page.text()
    );
}

/// A pod that asks for no GPU and says nothing of claims is answered before any of it is looked at, ready or not.
#[tokio::test]
async fn g1_a_pod_without_claims_needs_no_snapshot() {
    let rig = Rig::silent(SETTINGS).await;
    let mut pod = job("a", 1);
    for amounts in ["limits", "requests"] {
        let amounts = pod["spec"]["containers"][0]["resources"][amounts]
            .as_object_mut()
            .unwrap();
        amounts.remove("nvidia.com/gpu");
    }
    assert_eq!(rig.post("/filter", names_body(&pod, &all())).await.status, 200);
    assert_eq!(rig.answered("filter", "no-gpu"), 1);
}

fn claiming(name: &str) -> Value {
    let mut pod = job(name, 1);
    for amounts in ["limits", "requests"] {
        let amounts = pod["spec"]["containers"][0]["resources"][amounts]
            .as_object_mut()
            .unwrap();
        amounts.remove("nvidia.com/gpu");
    }
    pod["spec"]["resourceClaims"] = json!([{ "name": "gpus", "resourceClaimName": name }]);
    pod
}

fn bypassed(rig: &Rig) -> u64 {
    rig.counted(r#"heliotrope_bindings_total{outcome="bypassed"}"#)
}

#[tokio::test]
async fn a_pod_with_a_claim_that_nobody_asked_about_passed_us_by() {
    let rig = Rig::start(SETTINGS).await;
    rig.tell(vec![
        claim("ml", "gpu", "gpu.nvidia.com"),
        claim("ml", "nic", "dra.net"),
        pod_event(&bound(claiming("gpu"), NORTH[0])),
        pod_event(&bound(claiming("nic"), NORTH[0])),
        pod_event(&bound(claiming("late"), NORTH[0])),
    ])
    .await;
    assert_eq!(
        bypassed(&rig),
        1,
        "a network card is none of ours, and what the third is nobody knows"
    );
    rig.tell(vec![claim("ml", "late", "gpu.nvidia.com")]).await;
    assert_eq!(bypassed(&rig), 2);
    rig.tell(vec![pod_event(&bound(claiming("late"), NORTH[0]))]).await;
    assert_eq!(bypassed(&rig), 2, "once");
}

/// At the start pods may be listed before their claims.
#[tokio::test]
async fn pods_bound_before_the_first_list_are_old_news_whenever_their_claims_are_told_of() {
    let rig = Rig::silent(SETTINGS).await;
    rig.tell(vec![
        pod_event(&bound(claiming("old"), NORTH[0])),
        ClusterEvent::NodesListed,
        ClusterEvent::PodsListed,
        claim("ml", "old", "gpu.nvidia.com"),
    ])
    .await;
    assert_eq!(bypassed(&rig), 0);
}
