//! The extender is killed, and it hangs: pods still schedule.

use super::site::Site;
use crate::cluster::{Bindings, Images, Work};
use crate::controlplane::{SchedulerConfig, Which};
use crate::figures::Figures;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e_pods_schedule_while_the_extender_is_dead_or_hangs() {
    let mut figures = Figures::of("e_outage");
    let mut site = Site::start(120, Images::Nowhere).await;
    let mut heliotrope = site.heliotrope(&site.settings()).await;
    let config = SchedulerConfig::shipped().with_extender(&heliotrope.url());

    figures.note("answering: pods per second", rate(&site, &config, 100).await);
    heliotrope.assert_running();
    heliotrope.hang();
    // Two calls a pod run into the timeout, so few pods tell.
    figures.note("hung: pods per second", rate(&site, &config, 20).await);
    heliotrope.resume();
    figures.note("resumed: pods per second", rate(&site, &config, 100).await);
    heliotrope.assert_running();
    heliotrope.kill();
    figures.note("killed: pods per second", rate(&site, &config, 100).await);
    site.plane.assert_running();
}

/// Queues pods, starts the scheduler and waits until every one of them has a node.
async fn rate(site: &Site, config: &SchedulerConfig, pods: usize) -> f64 {
    let work = Work::new("queued", 1);
    site.cluster.create_pods(&work, pods).await;
    let mut bindings = Bindings::of_waiting(&site.cluster).await;
    let mut scheduler = site.plane.scheduler(Which::Current, config);
    let all = bindings.wait(pods, Duration::from_secs(90)).await;
    scheduler.assert_running();
    assert!(all, "only {} of {pods} pods were bound", bindings.count());
    scheduler.stop().await;
    site.cluster.delete_work(&work).await;
    bindings.per_second()
}
