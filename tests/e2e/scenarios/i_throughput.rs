//! Pods bound per second at 1,000 nodes: without an extender, with the smallest one, and with Heliotrope with and without
//! narrowing. Pods are queued first, then the scheduler starts. One run, rounds in turn, ratios of medians.

use super::site::Site;
use crate::cluster::{Bindings, Images, Work};
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::Echo;
use crate::figures::Figures;
use std::collections::BTreeMap;
use std::time::Duration;

const NODES: usize = 1000;
/// Enough for several seconds of scheduling at the rates that two cores give.
const PODS: usize = 800;
/// Every configuration is run this often; the median counts.
const ROUNDS: usize = 3;
/// Nodes that filter keeps where it narrows.
const KEEP: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i_throughput_at_a_thousand_nodes() {
    let mut figures = Figures::of("i_throughput");
    let mut site = Site::start(NODES, Images::Nowhere).await;
    let echo = Echo::start(&site.plane).await;
    let all = site.heliotrope(&site.settings().placement("keep", "all")).await;
    let narrowed = site.heliotrope(&site.settings().placement("keep", KEEP)).await;
    let shipped = SchedulerConfig::shipped();
    let configurations = [
        ("no extender", shipped.clone()),
        ("echo extender", shipped.clone().with_extender(echo.url())),
        ("heliotrope, all nodes", shipped.clone().with_extender(&all.url())),
        ("heliotrope, 50 nodes", shipped.clone().with_extender(&narrowed.url())),
        (
            "echo extender, sampled",
            shipped.with_extender(echo.url()).default_sampling(),
        ),
    ];
    let mut rates: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for round in 1..=ROUNDS {
        for (name, config) in &configurations {
            let rate = rate(&site, config).await;
            println!("i_throughput: round {round}, {name}: {rate:.1} pods per second");
            rates.entry(name).or_default().push(rate);
        }
    }
    let median = |name: &str| {
        let mut rates = rates[name].clone();
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let (none, echoed) = (median("no extender"), median("echo extender"));
    for (name, _) in &configurations {
        figures.note(&format!("{name}: pods per second, median of {ROUNDS}"), median(name));
        figures.note(
            &format!("{name}: share of the rate without extender"),
            median(name) / none,
        );
        figures.note(
            &format!("{name}: times the rate of the echo extender"),
            median(name) / echoed,
        );
    }
    site.plane.assert_running();
}

/// Queues the pods, then starts the scheduler: pods bound per second.
async fn rate(site: &Site, config: &SchedulerConfig) -> f64 {
    let work = Work::new("queued", 1);
    site.cluster.create_pods(&work, PODS).await;
    let mut bindings = Bindings::of_waiting(&site.cluster).await;
    let mut scheduler = site.plane.scheduler(Which::Current, config);
    let all = bindings.wait(PODS, Duration::from_secs(120)).await;
    scheduler.assert_running();
    assert!(all, "only {} of {PODS} pods were bound", bindings.count());
    scheduler.stop().await;
    site.cluster.delete_work(&work).await;
    bindings.per_second()
}
