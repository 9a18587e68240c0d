//! Pods bound per second at 1,000 nodes: without an extender, with the smallest one, and with Heliotrope.

use crate::cluster::{Bindings, Cluster, Images, Work, fleet};
use crate::controlplane::{ControlPlane, SchedulerConfig, Which};
use crate::extender::Echo;
use crate::figures::Figures;
use std::time::Duration;

const NODES: usize = 1000;

/// Enough for several seconds of scheduling at the rates that two cores give.
const PODS: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i_throughput_at_a_thousand_nodes() {
    let mut figures = Figures::of("i_throughput");
    let plane = ControlPlane::start().await;
    let cluster = Cluster::new(plane.client().await);
    cluster.create_nodes(&fleet(NODES, Images::Nowhere)).await;
    let echo = Echo::start(&plane).await;
    for round in 0..2 {
        let none = rate(&cluster, &plane, &SchedulerConfig::shipped()).await;
        figures.note(&format!("round {round}: none"), none);
        let echoed = rate(&cluster, &plane, &SchedulerConfig::shipped().with_extender(echo.url())).await;
        figures.note(&format!("round {round}: echo"), echoed);
    }
}

/// Queues the pods, then starts the scheduler: pods bound per second.
async fn rate(cluster: &Cluster, plane: &ControlPlane, config: &SchedulerConfig) -> f64 {
    let work = Work::new("queued", 1);
    let t = std::time::Instant::now();
    cluster.create_pods(&work, PODS).await;
    println!("created in {:?}", t.elapsed());
    let bindings = Bindings::watch(cluster).await;
    let mut scheduler = plane.scheduler(Which::Current, config);
    let all = bindings.wait(PODS, Duration::from_secs(120)).await;
    scheduler.assert_running();
    println!("bound at {:?}", t.elapsed());
    assert!(all, "only {} of {PODS} pods were bound", bindings.count());
    scheduler.stop().await;
    cluster.delete_work(&work).await;
    println!("deleted at {:?}", t.elapsed());
    bindings.per_second()
}
