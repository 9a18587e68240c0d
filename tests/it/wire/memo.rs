//! The memo: filter's work serves prioritize, and nothing that has changed is answered from it.
//!
//! Costs over the work's duration depend on the minute in which they are asked for, and the minute is no part of the
//! memo's key: moving the clock without a new snapshot shows whether an answer was computed or remembered.

use super::{above, filter, scores};
use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, job};
use jiff::SignedDuration;
use serde_json::{Value, json};

const PREFER: &str = "placement: {mode: prefer, wake: {default: 0}}";
/// As far as the clock can go before the snapshot is too old to be believed, nearly.
const MOVE: SignedDuration = SignedDuration::from_secs(55);

/// A job of a minute on the reference model; it takes less than two on the other.
fn short(name: &str) -> Value {
    let mut pod = job(name, 1);
    pod["metadata"]["annotations"] = json!({ "heliotrope.dev/duration": "60s" });
    pod
}

/// A world in which the north is best for such work now, and worst for work that begins [`MOVE`] later. It is frozen: no
/// snapshot follows.
async fn turning() -> Rig {
    let rig = Rig::silent(PREFER).await;
    let mut events = crate::rig::node_events();
    events.extend([
        heliotrope_core::snapshot::ClusterEvent::NodesListed,
        heliotrope_core::snapshot::ClusterEvent::PodsListed,
    ]);
    rig.tell(events).await;
    let (start, turn) = (SignedDuration::ZERO, SignedDuration::from_secs(110));
    rig.forecast("SE-SE3", &[(start, 20.0), (turn, 20_000.0)]).await;
    rig.forecast("GB", &[(start, 300.0)]).await;
    rig.forecast("DE", &[(start, 1000.0)]).await;
    rig.stop_writer().await;
    rig
}

#[tokio::test]
async fn prioritize_uses_what_filter_has_computed() {
    let rig = turning().await;
    filter(&rig, &short("a"), &all()).await;
    rig.advance(MOVE);
    let remembered = scores(&rig, &short("a"), &all()).await;
    assert!(above(&remembered, NORTH, WEST), "{remembered:?}");
    let computed = scores(&rig, &short("b"), &all()).await;
    assert!(above(&computed, WEST, NORTH), "{computed:?}");
}

#[tokio::test]
async fn a_part_of_the_candidates_in_another_order_is_scored_by_the_right_costs() {
    let rig = turning().await;
    filter(&rig, &short("a"), &all()).await;
    rig.advance(MOVE);
    let names = [WEST[1], CENTRAL[0], NORTH[1], WEST[0], NORTH[0], CENTRAL[1]];
    let turned = scores(&rig, &short("a"), &names).await;
    assert!(
        above(&turned, NORTH, WEST) && above(&turned, WEST, CENTRAL),
        "{turned:?}"
    );
    let some = scores(&rig, &short("a"), &[CENTRAL[0], NORTH[1]]).await;
    assert!(some[NORTH[1]] > some[CENTRAL[0]], "{some:?}");
}

#[tokio::test]
async fn a_candidate_that_was_not_asked_about_before_is_computed_with_the_others() {
    let rig = turning().await;
    filter(&rig, &short("a"), &[NORTH[0], NORTH[1]]).await;
    rig.advance(MOVE);
    let scores = scores(&rig, &short("a"), &all()).await;
    assert!(above(&scores, WEST, NORTH), "all of one moment: {scores:?}");
}

#[tokio::test]
async fn a_changed_pod_is_not_answered_from_the_memo() {
    let rig = turning().await;
    let mut pod = short("a");
    filter(&rig, &pod, &all()).await;
    rig.advance(MOVE);
    pod["metadata"]["resourceVersion"] = json!("2");
    let scores = scores(&rig, &pod, &all()).await;
    assert!(above(&scores, WEST, NORTH), "{scores:?}");
}

#[tokio::test]
async fn a_pod_without_a_version_is_never_remembered() {
    let rig = turning().await;
    let mut pod = short("a");
    pod["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    filter(&rig, &pod, &all()).await;
    rig.advance(MOVE);
    let scores = scores(&rig, &pod, &all()).await;
    assert!(above(&scores, WEST, NORTH), "{scores:?}");
}

#[tokio::test]
async fn settings_loaded_anew_are_not_answered_from_the_memo() {
    let rig = turning().await;
    filter(&rig, &short("a"), &all()).await;
    rig.advance(MOVE);
    rig.reload(PREFER);
    let scores = scores(&rig, &short("a"), &all()).await;
    assert!(above(&scores, WEST, NORTH), "{scores:?}");
}

#[tokio::test]
async fn a_new_snapshot_is_not_answered_from_the_memo() {
    let rig = Rig::start(PREFER).await;
    filter(&rig, &job("a", 1), &all()).await;
    rig.intensities(&[("SE-SE3", 300.0), ("GB", 30.0)]).await;
    let scores = scores(&rig, &job("a", 1), &all()).await;
    assert!(above(&scores, WEST, NORTH), "{scores:?}");
}
