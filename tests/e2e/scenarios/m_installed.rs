//! What a cluster runs itself: pods that name its own scheduler, with its own Heliotrope beside it, land in the greenest zone.
//!
//! Runs as a guest only, where `HELIOTROPE_E2E_SCHEDULER` names that scheduler. Nothing of Heliotrope is started here. The
//! settings there must rank the zone of [`NORTH`] below those of the other two regions.

use super::site::NORTH;
use crate::cluster::{Cluster, Images, Work, by_region, fleet, share_of};
use crate::controlplane::ControlPlane;
use crate::figures::Figures;
use crate::guest;
use serde_json::json;
use std::time::Duration;

/// Names the scheduler.
const SCHEDULER: &str = "HELIOTROPE_E2E_SCHEDULER";
const PODS: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_the_installed_scheduler_steers() {
    let named = std::env::var(SCHEDULER).ok().filter(|name| !name.is_empty());
    let Some(scheduler) = named.filter(|_| guest::is_guest()) else {
        guest::say_left_out(
            "m_installed",
            &format!("{SCHEDULER} names no scheduler that a cluster runs itself"),
        );
        return;
    };
    let mut figures = Figures::of("m_installed");
    let mut plane = ControlPlane::start().await;
    let cluster = Cluster::new(plane.client().await);
    cluster.create_nodes(&fleet(24, Images::Nowhere)).await;
    let work = Work::new("service", 1).scheduler(&scheduler);
    cluster.create_deployment(&work, PODS).await;
    let placed = cluster.wait_placed(&work, PODS, Duration::from_secs(60)).await;
    let share = share_of(NORTH.0, &placed);
    figures.note("by region", json!(by_region(&placed)));
    figures.note("share in the greenest zone", share);
    assert!(share >= 0.95, "{share} of the pods are in {}", NORTH.0);
    plane.assert_running();
}
