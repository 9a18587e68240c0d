//! By queue depth and by latency, and not at all by what is not measured.

use super::{NOTHING, Stage, left_out, queue, two_seconds};
use crate::figures::Figures;
use crate::world::Demand;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_queue_depth_scales_and_metrics_that_vanish_hold() {
    if left_out() {
        return;
    }
    let mut figures = Figures::of("y_queue_depth");
    let mut stage = Stage::start(2, queue(8.0)).await;
    let mut controllers = stage.controllers().await;
    stage.rightsizer(json!({})).await;
    stage.wait_condition("ScalingActive", "True", "ValidMetricFound").await;
    stage.stays(2, 3).await;

    // Four that wait for each replica are as wanted.
    stage.servers.demand(queue(24.0));
    stage.wait_replicas(6).await;
    stage.cluster.wait_placed(&stage.work, 6, super::PATIENCE).await;
    stage.stays(6, 4).await;
    figures.note("replicas for 24 that wait, 4 for each", 6);

    // Nothing waits any more and nobody can say so.
    stage.servers.silence(true);
    stage.servers.demand(NOTHING);
    stage.wait_condition("ScalingActive", "False", "FailedGetMetrics").await;
    stage.stays(6, 10).await;

    stage.servers.silence(false);
    stage.wait_replicas(2).await;
    stage.assert_running(&mut [&mut controllers]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_latency_is_a_veto_and_a_step() {
    if left_out() {
        return;
    }
    let mut figures = Figures::of("y_latency");
    let slow = |seconds: f64| Demand {
        queue: 0.0,
        finished: 20.0,
        seconds,
    };
    let mut stage = Stage::start(4, slow(1.8)).await;
    let mut controllers = stage.controllers().await;
    stage
        .rightsizer(json!({ "latency": { "response": two_seconds(), "stepPods": 2, "every": "10s" } }))
        .await;
    // Nothing waits, so that the queue wants two; near its limit the latency says no.
    stage.wait_condition("ScalingActive", "True", "ValidMetricFound").await;
    stage.stays(4, 8).await;
    stage.servers.demand(slow(4.0));
    stage.wait_replicas(6).await;
    stage.wait_replicas(8).await;
    figures.note("replicas after two steps", 8);
    stage.servers.demand(slow(0.4));
    stage.wait_replicas(2).await;
    stage.assert_running(&mut [&mut controllers]);
}
