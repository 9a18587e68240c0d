//! Gangs over the wire: the others follow the first, before its binding is seen and after a restart, while grids cross.

use super::filter;
use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, job, pod_event};
use serde_json::{Value, json};

const SETTINGS: &str = "placement: {mode: prefer, wake: {default: 0}}";

/// A member of a gang of three.
fn member(name: &str) -> Value {
    let mut pod = job(name, 1);
    pod["metadata"]["annotations"] = json!({ "heliotrope.dev/group": "ring", "heliotrope.dev/group-size": "3" });
    pod
}

/// The nodes that filter leaves for a pod.
async fn left(rig: &Rig, pod: &Value) -> Vec<String> {
    filter(rig, pod, &all()).await.node_names.unwrap()
}

#[tokio::test]
async fn g13_members_follow_before_and_after_the_first_is_seen_bound() {
    let rig = Rig::start(SETTINGS).await;
    let home = left(&rig, &member("a")).await;
    assert_eq!(home, NORTH, "the greenest");
    rig.intensities(&[("SE-SE3", 900.0)]).await;
    assert_eq!(
        left(&rig, &member("b")).await,
        NORTH,
        "nothing is bound yet, and grids have crossed"
    );
    assert_eq!(
        left(&rig, &job("single", 1)).await.len(),
        6,
        "a pod in no gang has its choice"
    );
    let rig = Rig::start(SETTINGS).await;
    rig.intensities(&[("SE-SE3", 900.0)]).await;
    rig.tell(vec![pod_event(&bound(member("a"), NORTH[0]))]).await;
    assert_eq!(
        left(&rig, &member("c")).await,
        NORTH,
        "another process finds it in the cluster"
    );
    let explained: Value = rig.get("/explain?pod=ml/c").await.json();
    assert_eq!(explained["group"]["key"], "annotation/ml/ring");
    assert_eq!(explained["group"]["outcome"], "followed");
    let refused = |node: &str| {
        let rows = explained["candidates"].as_array().unwrap();
        rows.iter().find(|row| row["node"] == node).unwrap()["refused"].clone()
    };
    assert_eq!(
        (refused(WEST[0]), refused(CENTRAL[1])),
        (json!("group"), json!("group"))
    );
}
