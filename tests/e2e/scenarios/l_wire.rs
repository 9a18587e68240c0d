//! Both forms of the protocol, names and whole Nodes, on both schedulers: pods land where the answers say. The bodies that
//! pass are kept; those of `tests/it/wire` were recorded here.

use super::site::{NORTH, Site};
use crate::cluster::{Images, Work, share_of};
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::RecordingProxy;
use crate::figures::Figures;
use std::time::Duration;

/// Small enough for its bodies to be read by people.
const NODES: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l_names_and_whole_nodes_are_answered_in_kind() {
    let mut figures = Figures::of("l_wire");
    let mut site = Site::start(NODES, Images::Nowhere).await;
    site.cluster.create_priority("urgent", 1000).await;
    let heliotrope = site.heliotrope(&site.settings()).await;
    for which in [Which::Current, Which::Oldest] {
        for whole in [false, true] {
            let proxy = RecordingProxy::start(&heliotrope.url(), 1).await;
            let config = SchedulerConfig::shipped().with_extender(&proxy.url());
            let (config, form) = if whole {
                (config.whole_nodes(), "nodes")
            } else {
                (config, "names")
            };
            let mut scheduler = site.plane.scheduler(which, &config);
            let version = site.plane.binaries().version(which);

            let service = Work::new("service", 1);
            site.cluster.create_deployment(&service, 4).await;
            let placed = site.cluster.wait_placed(&service, 4, Duration::from_secs(30)).await;
            let share = share_of(NORTH.0, &placed);
            figures.note(&format!("{version}, {form}: share in the greenest zone"), share);
            assert!(share >= 1.0, "{version}, {form}: {placed:?}");

            // Boards of every node are taken, so that only an eviction helps, and the extender is asked about it.
            let batch = Work::new("batch", 7);
            for node in &site.nodes {
                site.cluster
                    .create_named(&batch.clone().on(&node.name), &format!("batch-{}", node.name))
                    .await;
            }
            let urgent = Work::new("urgent", 8).priority("urgent");
            site.cluster.create_pod(&urgent).await;
            let placed = site.cluster.wait_placed(&urgent, 1, Duration::from_secs(60)).await;
            figures.note(
                &format!("{version}, {form}: the urgent pod lands in"),
                placed[0].region(),
            );
            for verb in ["filter", "prioritize", "preempt"] {
                assert!(proxy.calls(verb).count > 0, "{version}, {form}: {verb} was not called");
            }
            proxy.save(&format!("kube-scheduler-{version}/{form}"));
            scheduler.assert_running();
            scheduler.stop().await;
            for work in [&urgent, &batch, &service] {
                site.cluster.delete_work(work).await;
            }
        }
    }
    site.plane.assert_running();
}
