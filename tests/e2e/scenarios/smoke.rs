//! The harness itself: 120 nodes in three regions become Ready, and a pod, a Deployment and a Job are scheduled.

use crate::cluster::{Cluster, Images, Work, by_region, fleet};
use crate::controlplane::{ControlPlane, SchedulerConfig, Which};
use crate::figures::Figures;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smoke_the_control_plane_schedules() {
    let mut figures = Figures::of("smoke");
    let mut plane = ControlPlane::start().await;
    let cluster = Cluster::new(plane.client().await);
    cluster.create_nodes(&fleet(120, Images::Uneven)).await;
    let config = SchedulerConfig::shipped();
    assert_eq!(config.sampling(), Some(100), "the shipped profile scores every node");
    let mut scheduler = plane.scheduler(Which::Current, &config);
    figures.note("kube-scheduler", plane.binaries().version(Which::Current));

    let (pod, service, job) = (Work::new("pod", 1), Work::new("service", 1), Work::new("job", 2));
    cluster.create_pod(&pod).await;
    cluster.create_deployment(&service, 8).await;
    cluster.create_job(&job, 4).await;
    let minute = Duration::from_secs(60);
    assert_eq!(cluster.wait_placed(&pod, 1, minute).await.len(), 1);
    let placed = cluster.wait_placed(&service, 8, minute).await;
    assert_eq!(placed.len(), 8);
    figures.note(
        "deployment by region, no extender",
        serde_json::json!(by_region(&placed)),
    );
    assert_eq!(cluster.wait_placed(&job, 4, minute).await.len(), 4);
    scheduler.assert_running();
    plane.assert_running();
    cluster.delete_work(&service).await;
}
