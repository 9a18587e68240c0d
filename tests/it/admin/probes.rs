//! Probes.

use crate::rig::{Reply, Rig, node_events};
use heliotrope_core::snapshot::ClusterEvent;
use serde_json::{Value, json};

async fn ready(rig: &Rig) -> (u16, Value) {
    let reply: Reply = rig.get("/readyz").await;
    let body = serde_json::from_slice(&reply.body).unwrap();
    (reply.status, body)
}

#[tokio::test]
async fn readyz_says_what_is_missing() {
    let rig = Rig::silent("").await;
    let missing = |missing: &[&str]| json!({ "ready": false, "missing": missing });
    let both = ["nodes were not listed yet", "pods were not listed yet"];
    assert_eq!(ready(&rig).await, (503, missing(&both)));
    rig.tell(vec![ClusterEvent::PodsListed]).await;
    assert_eq!(ready(&rig).await, (503, missing(&both[..1])));
    let mut nodes = node_events();
    nodes.push(ClusterEvent::NodesListed);
    rig.tell(nodes).await;
    // Neither carbon nor power was told, and that is no reason.
    assert_eq!(ready(&rig).await, (200, json!({ "ready": true, "missing": [] })));
}

#[tokio::test]
async fn a_watch_that_starts_anew_does_not_end_readiness() {
    let rig = Rig::start("").await;
    rig.tell(vec![ClusterEvent::NodesRelisting, ClusterEvent::PodsRelisting])
        .await;
    assert_eq!(ready(&rig).await.0, 200);
}

#[tokio::test]
async fn a_process_that_is_about_to_stop_is_alive_and_not_ready() {
    let rig = Rig::start("").await;
    assert_eq!(ready(&rig).await.0, 200);
    rig.stopping.cancel();
    assert_eq!(
        ready(&rig).await,
        (503, json!({ "ready": false, "missing": ["stopping"] }))
    );
    let alive = rig.get("/livez").await;
    assert_eq!((alive.status, alive.text()), (200, "ok"));
    // Requests in flight, and those of schedulers that do not look at probes, are still answered.
    let answer = rig
        .post(
            "/filter",
            crate::rig::names_body(&crate::rig::job("a", 1), &crate::rig::NORTH),
        )
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_process_that_knows_nothing_is_alive() {
    let rig = Rig::silent("").await;
    assert_eq!(rig.get("/livez").await.status, 200);
}

#[tokio::test]
async fn the_two_listeners_do_not_answer_for_each_other() {
    let rig = Rig::start("").await;
    for path in ["/livez", "/readyz", "/metrics", "/explain?pod=ml/a"] {
        assert_eq!(crate::rig::get(rig.extender, path).await.status, 404, "{path}");
    }
    for path in ["/filter", "/prioritize", "/preempt"] {
        assert_eq!(crate::rig::post(rig.admin, path, b"{}").await.status, 404, "{path}");
    }
    assert_eq!(
        crate::rig::post(rig.admin, "/livez", b"").await.status,
        405,
        "nothing can be changed"
    );
}
