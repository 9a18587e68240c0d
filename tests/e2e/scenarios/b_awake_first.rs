//! Within a zone, a node that is awake is filled before one is woken.

use super::site::{NORTH, Site};
use crate::cluster::{Images, Model, Placed, Work};
use crate::controlplane::{SchedulerConfig, Which};
use crate::figures::Figures;
use std::time::Duration;

/// One board of the awake node is taken at the beginning.
const FREE: usize = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_an_awake_node_is_filled_before_one_is_woken() {
    let mut figures = Figures::of("b_awake_first");
    let mut site = Site::start(120, Images::Uneven).await;
    let heliotrope = site.heliotrope(&site.settings()).await;
    let shipped = SchedulerConfig::shipped();
    let extended = shipped.clone().with_extender(&heliotrope.url());
    let awake = site
        .nodes
        .iter()
        .filter(|node| node.region == NORTH.0 && node.model == Model::A100)
        .nth(3)
        .unwrap()
        .name
        .clone();
    let cases = [
        ("as shipped, one at a time", &extended, false, true),
        ("as shipped, all at once", &extended, true, true),
        ("with ImageLocality", &extended.clone().image_locality(), true, false),
        (
            "kube-scheduler's own preference for empty nodes",
            &extended.clone().least_allocated(),
            true,
            false,
        ),
        ("without extender, packing profile", &shipped, true, false),
    ];
    for (case, config, at_once, must) in cases {
        let placed = fill(&site, config, &awake, at_once).await;
        let there = placed.iter().filter(|pod| pod.node == awake).count();
        figures.note(&format!("{case}: pods of {FREE} on the awake node"), there);
        if must {
            assert_eq!(there, FREE, "{case}: {placed:#?}");
        }
    }
    site.plane.assert_running();
}

/// Wakes a node with one pod, then lets as many come as it has boards left; where they went.
async fn fill(site: &Site, config: &SchedulerConfig, awake: &str, at_once: bool) -> Vec<Placed> {
    let first = Work::new("first", 1).on(awake);
    site.cluster.create_pod(&first).await;
    // Until the exporter, Prometheus and Heliotrope have all seen it.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut scheduler = site.plane.scheduler(Which::Current, config);
    let rest = Work::new("rest", 1);
    let patience = Duration::from_secs(60);
    if at_once {
        site.cluster.create_pods(&rest, FREE).await;
    } else {
        for i in 1..=FREE {
            site.cluster.create_named(&rest, &format!("rest-{i}")).await;
            site.cluster.wait_placed(&rest, i, patience).await;
        }
    }
    let placed = site.cluster.wait_placed(&rest, FREE, patience).await;
    scheduler.assert_running();
    scheduler.stop().await;
    site.cluster.delete_work(&first).await;
    site.cluster.delete_work(&rest).await;
    placed
}
