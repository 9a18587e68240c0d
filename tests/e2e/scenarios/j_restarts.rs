//! The API server goes away and comes back: Heliotrope answers all the while and sees the nodes that came meanwhile.

use super::site::{NORTH, Site, wait_metric};
use crate::cluster::{Images, Work, fleet, share_of};
use crate::controlplane::{SchedulerConfig, Which};
use crate::figures::Figures;
use crate::guest;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j_a_restart_of_the_api_server_is_survived() {
    if guest::leaves_out("j_restarts", "it kills the API server, which there is not its own") {
        return;
    }
    let mut figures = Figures::of("j_restarts");
    let mut site = Site::start(120, Images::Nowhere).await;
    let mut heliotrope = site.heliotrope(&site.settings()).await;
    site.plane.stop_api_server();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(heliotrope.is_ready().await, "what was seen is still known");
    site.plane.start_api_server().await;
    let up = Instant::now();
    // Three nodes more than there were.
    let more = fleet(123, Images::Nowhere).split_off(120);
    site.cluster.create_more_nodes(&more).await;
    wait_metric(&heliotrope, "heliotrope_nodes", &[], |nodes| nodes >= 123.0).await;
    figures.note(
        "s from the API server's return until new nodes are known",
        up.elapsed().as_secs_f64(),
    );
    figures.note(
        "interruptions of the watches",
        heliotrope
            .metrics()
            .await
            .get("heliotrope_watch_errors_total", &[])
            .unwrap_or(0.0),
    );

    let mut scheduler = site.plane.scheduler(
        Which::Current,
        &SchedulerConfig::shipped().with_extender(&heliotrope.url()),
    );
    let work = Work::new("service", 1);
    site.cluster.create_deployment(&work, 30).await;
    let placed = site.cluster.wait_placed(&work, 30, Duration::from_secs(60)).await;
    let share = share_of(NORTH.0, &placed);
    figures.note("share in the greenest zone afterwards", share);
    assert!(share >= 0.95, "{share}");
    heliotrope.assert_running();
    scheduler.assert_running();
    site.plane.assert_running();
}
