//! `extender.unjudged: fail`: a pod that cannot be judged is an error, so that it waits; pods that are none of ours pass.

use crate::rig::{NORTH, Reply, Rig, all, bound, daemon, job, names_body};
use jiff::SignedDuration;
use rstest::rstest;
use serde_json::{Value, json};

const FAIL: &str = "extender: {unjudged: fail}";
const CAPPED: &str = "extender: {unjudged: fail}\npower: {domains: [{name: node, gpuWatts: 100 kW}]}";

/// Filter's, prioritize's and preempt's answer about a pod.
async fn asked(rig: &Rig, pod: &Value) -> [Reply; 3] {
    let victims = json!({ NORTH[0]: { "Pods": [{ "UID": "v" }], "NumPDBViolations": 0 } });
    let preempt = json!({ "Pod": pod, "NodeNameToVictims": null, "NodeNameToMetaVictims": victims });
    [
        rig.post("/filter", names_body(pod, &all())).await,
        rig.post("/prioritize", names_body(pod, &all())).await,
        rig.post("/preempt", preempt.to_string()).await,
    ]
}

async fn statuses(rig: &Rig, pod: &Value) -> [u16; 3] {
    asked(rig, pod).await.map(|reply| reply.status)
}

#[rstest]
#[case::pass("", [200, 200, 200])]
#[case::fail(FAIL, [503, 200, 503])]
#[tokio::test]
async fn a_pod_that_cannot_be_judged_passes_or_waits(#[case] settings: &str, #[case] expected: [u16; 3]) {
    let rig = Rig::silent(settings).await;
    assert_eq!(
        statuses(&rig, &job("secret-name", 1)).await,
        expected,
        "nothing is known yet"
    );
    for verb in ["filter", "prioritize", "preempt"] {
        assert_eq!(rig.answered(verb, "neutral-not-ready"), 1, "{verb}");
    }
    let told = asked(&rig, &job("secret-name", 1)).await;
    assert!(told.iter().all(|reply| !reply.text().contains("secret-name")));
}

#[tokio::test]
async fn pods_that_are_none_of_ours_pass_whatever_is_known() {
    let rig = Rig::silent(FAIL).await;
    assert_eq!(statuses(&rig, &daemon("d", 1)).await, [200; 3]);
    let mut no_gpu = job("cpu", 1);
    no_gpu["spec"]["containers"][0]["resources"] = json!({});
    assert_eq!(statuses(&rig, &no_gpu).await, [200; 3]);
    let mut system = job("system", 1);
    system["metadata"]["namespace"] = json!("kube-system");
    assert_eq!(statuses(&rig, &system).await, [200; 3]);
}

#[tokio::test]
async fn a_snapshot_that_is_old_and_a_bug_are_errors_too() {
    let rig = Rig::start(FAIL).await;
    assert_eq!(statuses(&rig, &job("a", 1)).await, [200; 3]);
    rig.broken.store(true, std::sync::atomic::Ordering::Release);
    assert_eq!(statuses(&rig, &job("a", 1)).await, [503, 200, 503]);
    assert_eq!(rig.answered("filter", "neutral-internal"), 1);
    rig.broken.store(false, std::sync::atomic::Ordering::Release);
    rig.stop_writer().await;
    rig.advance(SignedDuration::from_hours(1));
    assert_eq!(statuses(&rig, &job("a", 1)).await, [503, 200, 503]);
    assert_eq!(rig.answered("preempt", "neutral-stale-snapshot"), 1);
}

/// What the process before answered for is bound within moments; until then caps would be judged without it.
#[tokio::test]
async fn after_a_start_pods_wait_for_the_bindings_of_the_process_before_where_there_are_caps() {
    let free = Rig::start(FAIL).await;
    assert_eq!(statuses(&free, &job("a", 1)).await, [200; 3]);
    let rig = Rig::start(CAPPED).await;
    assert_eq!(statuses(&rig, &job("a", 1)).await, [503, 200, 503]);
    rig.tell(vec![crate::rig::pod_event(&bound(job("late", 8), NORTH[0]))])
        .await;
    rig.advance(SignedDuration::from_secs(3));
    rig.settle().await;
    assert_eq!(statuses(&rig, &job("a", 1)).await, [200; 3]);
}
