//! The same on the oldest kube-scheduler that is supported.

use super::{a_greenest_zone, c_refusals, d_preemption};
use crate::controlplane::Which;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h_oldest_pods_land_in_the_greenest_zone_and_follow_it() {
    a_greenest_zone::follow_the_grid("h_oldest_greenest_zone", Which::Oldest, &[5]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h_oldest_refusals_are_constant_and_cheap() {
    c_refusals::refusals("h_oldest_refusals", Which::Oldest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h_oldest_a_refused_pod_of_high_priority_evicts_nobody() {
    d_preemption::nobody_is_evicted("h_oldest_preemption", Which::Oldest).await;
}
