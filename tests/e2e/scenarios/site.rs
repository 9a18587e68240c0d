//! A site as an operator would have it: nodes in three regions, DCGM's exporter, Prometheus, three grids, and settings that
//! name them. Scenarios change what the grids say.

use crate::cluster::{Bindings, Cluster, Images, NodeSpec, Work, fleet};
use crate::controlplane::{ControlPlane, SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings};
use crate::world::{CarbonFile, FakeExporter, FakeGrid, Prometheus};
use std::time::{Duration, Instant};

/// Region, grid zone and grams per kilowatt-hour at the beginning.
pub(super) const NORTH: (&str, &str, f64) = ("eu-north-1", "SE-SE3", 30.0);
pub(super) const WEST: (&str, &str, f64) = ("eu-west-2", "GB", 200.0);
pub(super) const CENTRAL: (&str, &str, f64) = ("eu-central-1", "DE", 400.0);

/// A running site, still without Heliotrope and without a scheduler.
pub(super) struct Site {
    // Fields drop in this order: who reads before what it reads from.
    pub(super) prometheus: Prometheus,
    _exporter: FakeExporter,
    pub(super) north: CarbonFile,
    pub(super) west: FakeGrid,
    pub(super) central: CarbonFile,
    pub(super) nodes: Vec<NodeSpec>,
    pub(super) cluster: Cluster,
    pub(super) plane: ControlPlane,
}

impl Site {
    /// Starts everything, with this many nodes and power scraped every second, so that scenarios need not wait for it.
    pub(super) async fn start(nodes: usize, images: Images) -> Self {
        Self::scraped(nodes, images, Duration::from_secs(1)).await
    }

    /// The same at another interval: where the load on two cores is measured, it should be that of a real site.
    pub(super) async fn scraped(nodes: usize, images: Images, interval: Duration) -> Self {
        let plane = ControlPlane::start().await;
        let cluster = Cluster::new(plane.client().await);
        let nodes = fleet(nodes, images);
        cluster.create_nodes(&nodes).await;
        let exporter = FakeExporter::start(&nodes, &cluster).await;
        let prometheus = Prometheus::start(&plane, exporter.address(), interval).await;
        Self {
            prometheus,
            _exporter: exporter,
            north: CarbonFile::write(plane.folder(), NORTH.1, NORTH.2),
            west: FakeGrid::start(WEST.2).await,
            central: CarbonFile::write(plane.folder(), CENTRAL.1, CENTRAL.2),
            nodes,
            cluster,
            plane,
        }
    }

    /// Mode `prefer`, three grids, power from Prometheus.
    pub(super) fn settings(&self) -> HeliotropeSettings {
        HeliotropeSettings::new()
            .file(NORTH.1, &self.north)
            .grid(WEST.1, &self.west)
            .file(CENTRAL.1, &self.central)
            .power(&self.prometheus)
    }

    /// Starts Heliotrope and waits until it knows all three grids and the watts of all nodes.
    pub(super) async fn heliotrope(&self, settings: &HeliotropeSettings) -> Heliotrope {
        let heliotrope = Heliotrope::start(&self.plane, settings).await;
        for (_, zone, _) in [NORTH, WEST, CENTRAL] {
            wait_metric(&heliotrope, "heliotrope_carbon_best_rung", &[("zone", zone)], |value| {
                value >= 1.0
            })
            .await;
        }
        let measured = |fresh: f64| fresh >= self.nodes.len() as f64;
        wait_metric(&heliotrope, "heliotrope_power_nodes", &[("rung", "fresh")], measured).await;
        heliotrope
    }

    /// Queues pods, then starts the scheduler and waits until every one of them has a node: pods bound per second.
    pub(super) async fn bound_per_second(&self, config: &SchedulerConfig, pods: usize) -> f64 {
        self.rate_of(config, &Work::new("queued", 1), pods).await
    }

    /// The same with pods of some work.
    pub(super) async fn rate_of(&self, config: &SchedulerConfig, work: &Work, pods: usize) -> f64 {
        self.cluster.create_pods(work, pods).await;
        let mut bindings = Bindings::of_waiting(&self.cluster).await;
        let mut scheduler = self.plane.scheduler(Which::Current, config);
        let all = bindings.wait(pods, Duration::from_secs(90)).await;
        scheduler.assert_running();
        assert!(all, "only {} of {pods} pods were bound", bindings.count());
        scheduler.stop().await;
        self.cluster.delete_work(work).await;
        bindings.per_second()
    }
}

/// Waits until a figure of `/metrics` is as wished.
pub(super) async fn wait_metric(
    heliotrope: &Heliotrope,
    name: &str,
    labels: &[(&str, &str)],
    wished: impl Fn(f64) -> bool,
) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let metrics = heliotrope.metrics().await;
        if metrics.get(name, labels).is_some_and(&wished) {
            return;
        }
        assert!(
            Instant::now() < until,
            "{name} {labels:?} does not become what it should: {:#?}\n{}",
            metrics.lines_with(name),
            heliotrope.log_tail()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
