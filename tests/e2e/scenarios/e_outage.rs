//! The extender is killed, and it hangs: pods still schedule.

use super::site::Site;
use crate::cluster::Images;
use crate::controlplane::SchedulerConfig;
use crate::figures::Figures;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e_pods_schedule_while_the_extender_is_dead_or_hangs() {
    let mut figures = Figures::of("e_outage");
    let mut site = Site::start(120, Images::Nowhere).await;
    let mut heliotrope = site.heliotrope(&site.settings()).await;
    let config = SchedulerConfig::shipped().with_extender(&heliotrope.url());

    figures.note("answering: pods per second", site.bound_per_second(&config, 100).await);
    heliotrope.assert_running();
    heliotrope.hang();
    // Two calls a pod run into the timeout, so few pods tell.
    figures.note("hung: pods per second", site.bound_per_second(&config, 20).await);
    heliotrope.resume();
    figures.note("resumed: pods per second", site.bound_per_second(&config, 100).await);
    heliotrope.assert_running();
    heliotrope.kill();
    figures.note("killed: pods per second", site.bound_per_second(&config, 100).await);
    site.plane.assert_running();
}
