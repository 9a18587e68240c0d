//! Whoever dies, the plan goes on.

use super::{NOTHING, Stage, left_out, queue};
use crate::figures::Figures;
use serde_json::json;
use std::time::{Duration, Instant};

/// How long the plan looks back before it takes replicas away.
const WINDOW: u64 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_a_restart_in_the_middle_of_a_window_changes_nothing() {
    if left_out() {
        return;
    }
    let mut figures = Figures::of("y_restart");
    let mut stage = Stage::start(6, queue(24.0)).await;
    let mut controllers = stage.controllers().await;
    let window = json!({ "scaleDown": { "stabilizationWindowSeconds": WINDOW } });
    stage.rightsizer(json!({ "behavior": window })).await;
    stage.wait_condition("ScalingActive", "True", "ValidMetricFound").await;
    stage.stays(6, 3).await;
    stage.servers.demand(NOTHING);
    let from = Instant::now();
    stage.stays(6, WINDOW / 2).await;
    controllers.crash(&stage.plane);
    controllers.wait_ready(super::PATIENCE).await;
    stage.wait_replicas(2).await;
    let took = from.elapsed();
    figures.note("seconds from the last request until replicas go", took.as_secs_f64());
    // A window that began anew would end half a window later.
    let window = Duration::from_secs(WINDOW);
    assert!(took >= window && took < window + window / 3, "after {took:?}");
    stage.assert_running(&mut [&mut controllers]);
}
