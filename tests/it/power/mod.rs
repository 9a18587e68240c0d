//! Power sources: what an exporter's series come to be in the snapshot.

mod exporter;
mod learned;
mod presets;
mod real;
mod wire;

use crate::carbon::{at, with_tls};
use heliotrope::app::settings::{Settings, parse};
use heliotrope::app::tables::Tables;
use heliotrope::outbound::HttpClient;
use heliotrope::power::{Found, PowerSources};
use heliotrope::telemetry::Metrics;
use heliotrope_core::gpu::GpuSharing;
use heliotrope_core::quantity::Watts;
use heliotrope_core::snapshot::{ClusterEvent, HostReading, NodeFacts, NodePowerView, PowerReport, SnapshotBuilder};
use jiff::Timestamp;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings with these sources, asked every 50 ms: the settings take whole seconds at least.
fn settings(sources: &str) -> Settings {
    let text = format!(
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\noutbound: {{allowPlainHttp: ['127.0.0.1']}}\npower: {{sources: [{sources}]}}\n"
    );
    let loaded = parse(&text, Path::new("/")).unwrap_or_else(|error| panic!("{error:?}"));
    let mut settings = loaded.settings;
    settings.power.interval = Duration::from_millis(50);
    settings
}

/// The running room, and a snapshot of nodes that its reports go into.
struct Rig {
    reports: Receiver<PowerReport>,
    metrics: Metrics,
    clock: Arc<Mutex<Timestamp>>,
    builder: SnapshotBuilder,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Rig {
    fn start(settings: &Settings, nodes: &[&str], now: Timestamp) -> Self {
        Self::following(settings, nodes, now, HashMap::new())
    }

    /// The room with pods that it looks for.
    fn following(settings: &Settings, nodes: &[&str], now: Timestamp, pods: HashMap<String, Found>) -> Self {
        with_tls();
        let urls = settings.power.sources.iter().flat_map(|source| source.origin.urls());
        let hosts = urls.filter_map(|url| url.host_str());
        let http = HttpClient::new(&settings.outbound, hosts.map(str::to_owned)).unwrap();
        let (clock, metrics) = (Arc::new(Mutex::new(now)), Metrics::new());
        let (out, reports) = channel(64);
        let cancel = CancellationToken::new();
        let ticking = Arc::clone(&clock);
        let run = PowerSources::new(settings.power.clone(), http).following(pods).run(
            Arc::new(move || *ticking.lock().unwrap()),
            out,
            metrics.clone(),
            cancel.clone(),
        );
        Self {
            reports,
            metrics,
            clock,
            builder: builder(settings, nodes, now),
            cancel,
            task: tokio::spawn(run),
        }
    }

    /// Takes in every report until one comes of which something holds.
    async fn take_until(&mut self, holds: impl Fn(&PowerReport) -> bool) {
        let start = Instant::now();
        loop {
            let report = tokio::time::timeout(PATIENCE, self.reports.recv());
            let report = report.await.expect("no report came").expect("the room stopped");
            let last = holds(&report);
            self.builder.apply_power(report);
            if last {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "none of the reports is it");
        }
    }

    /// Takes in the next report.
    async fn take(&mut self) {
        self.take_until(|_| true).await;
    }

    /// What the snapshot says of a node's power now.
    fn view(&mut self, node: &str) -> NodePowerView {
        let now = *self.clock.lock().unwrap();
        let snapshot = self.builder.build(now);
        snapshot.node(snapshot.find(node).unwrap()).unwrap().power.clone()
    }

    fn watts(&mut self, node: &str) -> f64 {
        self.view(node).watts.map_or(f64::NAN, Watts::get)
    }

    /// What the snapshot says of a node's host now.
    fn host(&mut self, node: &str) -> Option<HostReading> {
        let now = *self.clock.lock().unwrap();
        let snapshot = self.builder.build(now);
        snapshot.node(snapshot.find(node)?)?.host_watts.clone()
    }

    /// Waits until something holds of the room.
    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < PATIENCE, "{}", self.metrics.exposition());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the exposition has a line, or one with a larger count.
    async fn until_metric(&self, line: &str) {
        let (series, least) = line.rsplit_once(' ').unwrap();
        let least: u64 = least.parse().unwrap();
        self.until(|rig| rig.count(series) >= least).await;
    }

    /// Waits until sources were asked twice, whatever they said.
    async fn until_fetched(&self) {
        self.until(|rig| {
            let page = rig.metrics.exposition();
            let counts = page
                .lines()
                .filter(|line| line.starts_with("heliotrope_power_fetches_total"));
            let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
            counts.map(count).sum::<u64>() >= 2
        })
        .await;
    }

    /// How often a source was asked with an outcome.
    fn fetched(&self, source: &str, outcome: &str) -> u64 {
        self.count(&format!(
            r#"heliotrope_power_fetches_total{{source="{source}",outcome="{outcome}"}}"#
        ))
    }

    fn count(&self, series: &str) -> u64 {
        let page = self.metrics.exposition();
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0, |count| count.parse().unwrap())
    }

    /// Stops the room, which must end by itself.
    async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

/// A snapshot of nodes of which nothing is known but their names.
fn builder(settings: &Settings, nodes: &[&str], now: Timestamp) -> SnapshotBuilder {
    let tables = Tables::builtin().unwrap();
    let mut builder = SnapshotBuilder::new(settings.surroundings(&tables));
    for name in nodes {
        builder.apply_cluster(ClusterEvent::Node(node(name)), now);
    }
    builder
}

/// A node of which nothing is known but its name.
fn node(name: &str) -> NodeFacts {
    NodeFacts {
        name: Arc::from(name),
        region: None,
        provider: None,
        zone: None,
        gpu_product: None,
        gpus: Vec::new(),
        gpu_sharing: GpuSharing::default(),
        devices: None,
        cpu_milli: 1000,
        memory_bytes: 1 << 30,
        topology_zone: None,
        domain_labels: Vec::new(),
        pool: None,
        schedulable: true,
    }
}
