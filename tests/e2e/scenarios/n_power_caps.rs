//! A burst of pods against caps of racks, judged by telemetry that lags 45 s behind power that rises over 180 s: what is
//! committed does not exceed a cap at any binding, what is drawn in truth never does, nobody is evicted, and an extender
//! that is killed midway and starts again changes nothing of this. The pods are one Deployment's, so what they draw is learned
//! while they run; once Prometheus is gone, they count for that, and the caps still hold.
//!
//! `ignorable: true` would let pods pass unjudged while the extender is down, and no extender can hold a cap then. The
//! scheduler therefore runs with `ignorable: false`, and the extender with `unjudged: fail`: pods wait for it.

use crate::cluster::{Cluster, Images, Model, NodeSpec, RACK, Work, fleet};
use crate::controlplane::{ControlPlane, SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings, RecordingProxy};
use crate::figures::Figures;
use crate::scenarios::site::{CENTRAL, NORTH, WEST, wait_metric};
use crate::world::{CarbonFile, FakeExporter, Pace, Prometheus};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const PODS: usize = 200;
const PACE: Pace = Pace {
    rise: Duration::from_secs(180),
    lag: Duration::from_secs(45),
};
/// The rise, the lag, and a second each in which the exporter looks at the pods, Prometheus at the exporter and Heliotrope at
/// Prometheus, with as much to spare.
const RAMP: Duration = Duration::from_secs(231);
/// Maximum less idle of a board: what a pod is booked at.
const BOOKED: f64 = 630.0;
const IDLE: f64 = 70.0;
/// Pods that fit into a rack by their bookings.
const FIT: usize = 8;

/// Two racks of three nodes in each region.
fn racks() -> Vec<NodeSpec> {
    let nodes = fleet(72, Images::Nowhere).into_iter();
    let large = nodes.filter(|node| node.model == Model::H100);
    let rack = |(place, mut node): (usize, NodeSpec)| {
        node.rack = Some(format!("{}-{}", node.region, place / 3 % 2));
        node
    };
    large.enumerate().map(rack).collect()
}

/// What is known of one pod that has a node.
struct Bound {
    node: String,
    since: Instant,
}

/// Looks at pods, at what is committed and at what is drawn, again and again.
struct Watchman<'a> {
    cluster: &'a Cluster,
    exporter: &'a FakeExporter,
    racks: BTreeMap<String, String>,
    cap: f64,
    idle: BTreeMap<String, f64>,
    bound: BTreeMap<String, Bound>,
    gone: BTreeSet<String>,
    /// The most that was committed by the test's own reckoning, told by the extender, and drawn, as shares of the cap.
    most: [f64; 3],
}

impl Watchman<'_> {
    /// One look; the pods that have a node.
    async fn look(&mut self, heliotrope: Option<&Heliotrope>) -> usize {
        let now = Instant::now();
        let pods = self
            .cluster
            .api::<Pod>()
            .list(&kube::api::ListParams::default())
            .await
            .unwrap();
        let mut here = BTreeSet::new();
        for pod in pods.items {
            let (Some(name), Some(node)) = (pod.metadata.name, pod.spec.and_then(|spec| spec.node_name)) else {
                continue;
            };
            here.insert(name.clone());
            self.bound.entry(name).or_insert(Bound { node, since: now });
        }
        let missing: Vec<_> = self.bound.keys().filter(|pod| !here.contains(*pod)).cloned().collect();
        for pod in missing {
            self.bound.remove(&pod);
            self.gone.insert(pod);
        }
        self.check_reckoning(now);
        self.check_truth();
        if let Some(heliotrope) = heliotrope {
            self.check_told(heliotrope).await;
        }
        here.len()
    }

    fn most(&mut self, what: usize, rack: &str, watts: f64) {
        self.most[what] = self.most[what].max(watts / self.cap);
        let names = [
            "committed by the test's reckoning",
            "committed as the extender tells",
            "drawn in truth",
        ];
        assert!(
            watts <= self.cap + 1.0,
            "{rack}: {watts:.0} W {} under a cap of {:.0} W",
            names[what],
            self.cap
        );
    }

    /// What is committed by the rules alone: the booking of each pod until telemetry shows it, what it draws after.
    fn check_reckoning(&mut self, now: Instant) {
        let mut sums = self.idle.clone();
        for bound in self.bound.values() {
            let shown = now.duration_since(bound.since) > PACE.rise + PACE.lag;
            let watts = if shown { FakeExporter::peak(Model::H100) } else { BOOKED };
            *sums.get_mut(&self.racks[&bound.node]).unwrap() += watts;
        }
        for (rack, watts) in sums {
            self.most(0, &rack, watts);
        }
    }

    fn check_truth(&mut self) {
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for (node, (now, risen)) in self.exporter.truth() {
            let sum = sums.entry(self.racks[&node].clone()).or_default();
            (sum.0, sum.1) = (sum.0 + now, sum.1 + risen);
        }
        for (rack, (now, risen)) in sums {
            self.most(2, &rack, now);
            assert!(
                risen <= self.cap,
                "{rack} will draw {risen:.0} W under a cap of {:.0} W",
                self.cap
            );
        }
    }

    async fn check_told(&mut self, heliotrope: &Heliotrope) {
        let metrics = heliotrope.metrics().await;
        let racks: BTreeSet<String> = self.racks.values().cloned().collect();
        for rack in racks {
            let labels = [("domain", "rack"), ("value", rack.as_str())];
            let committed = metrics.get("heliotrope_power_domain_committed_gpu_watts", &labels);
            self.most(
                1,
                &rack,
                committed.unwrap_or_else(|| panic!("nothing is told of {rack}")),
            );
        }
    }

    /// The most that the extender tells of any rack now, as a share of the cap.
    async fn told(&self, heliotrope: &Heliotrope) -> f64 {
        let metrics = heliotrope.metrics().await;
        let of = |rack: &String| {
            let labels = [("domain", "rack"), ("value", rack.as_str())];
            metrics.get("heliotrope_power_domain_committed_gpu_watts", &labels)
        };
        self.racks.values().filter_map(of).fold(0.0, f64::max) / self.cap
    }

    /// Looks for a while once nothing is measured on so many nodes, with more pods than fit by the most that they can draw;
    /// what is committed then, as a share of the cap.
    async fn without_telemetry(&mut self, heliotrope: &Heliotrope, nodes: f64, fit: usize) -> f64 {
        wait_metric(heliotrope, "heliotrope_power_nodes", &[("rung", "model")], |modelled| {
            modelled >= nodes
        })
        .await;
        assert!(self.bound.len() > fit, "no more pods run than fit by the most");
        for _ in 0..20 {
            self.look(Some(heliotrope)).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.told(heliotrope).await
    }

    /// Looks until so many pods have a node.
    async fn until(&mut self, heliotrope: &Heliotrope, pods: usize, patience: Duration) -> usize {
        let until = Instant::now() + patience;
        loop {
            let bound = self.look(Some(heliotrope)).await;
            if bound >= pods || Instant::now() > until {
                return bound;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n_caps_hold_while_telemetry_lags() {
    let mut figures = Figures::of("n_power_caps");
    let mut plane = ControlPlane::start().await;
    let cluster = Cluster::new(plane.client().await);
    let nodes = racks();
    cluster.create_nodes(&nodes).await;
    let exporter = FakeExporter::paced(&nodes, &cluster, PACE).await;
    let mut prometheus = Prometheus::start(&plane, exporter.address(), Duration::from_secs(1)).await;

    let racks: BTreeMap<_, _> = nodes
        .iter()
        .map(|node| (node.name.clone(), node.rack.clone().unwrap()))
        .collect();
    let mut idle: BTreeMap<String, f64> = BTreeMap::new();
    for node in &nodes {
        *idle.entry(racks[&node.name].clone()).or_default() += IDLE * node.boards as f64;
    }
    let cap = idle.values().copied().fold(0.0, f64::max) + (FIT as f64 + 0.5) * BOOKED;
    let domain = json!([{ "name": "rack", "label": RACK, "gpuWatts": format!("{cap} W") }]);
    let files = [NORTH, WEST, CENTRAL].map(|(_, zone, grams)| (zone, CarbonFile::write(plane.folder(), zone, grams)));
    let settings = HeliotropeSettings::new()
        .power(&prometheus)
        .power_key("ramp", format!("{}s", RAMP.as_secs()))
        .power_key("learnedAfter", "5s")
        .power_key("freshFor", "20s")
        .power_key("staleFor", "25s")
        .power_key("domains", domain)
        .extender_key("unjudged", "fail");
    let settings = files
        .iter()
        .fold(settings, |settings, (zone, file)| settings.file(zone, file));
    let mut heliotrope = Heliotrope::start(&plane, &settings).await;
    let all = nodes.len() as f64;
    wait_metric(&heliotrope, "heliotrope_power_nodes", &[("rung", "fresh")], |fresh| {
        fresh >= all
    })
    .await;

    let work = Work::new("burst", 1);
    cluster.create_deployment(&work, PODS).await;
    let count = idle.len();
    // Once a quarter of the pods that fit by their bookings is judged, the next call waits at the proxy: there the extender is
    // killed.
    let midway = count * FIT / 4;
    let proxy = RecordingProxy::start(&heliotrope.url(), 0).await;
    proxy.hold_after("filter", midway);
    let config = SchedulerConfig::shipped().with_extender(&proxy.url()).not_ignorable();
    let mut scheduler = plane.scheduler(Which::Current, &config);
    let mut watchman = Watchman {
        cluster: &cluster,
        exporter: &exporter,
        racks,
        cap,
        idle,
        bound: BTreeMap::new(),
        gone: BTreeSet::new(),
        most: [0.0; 3],
    };

    // Midway through the burst the extender is killed, with a call of the scheduler on its way.
    proxy.held(Duration::from_secs(60)).await;
    let before = watchman.until(&heliotrope, midway, Duration::from_secs(20)).await;
    heliotrope.crash(&plane);
    proxy.open();
    figures.note("pods bound when the extender is killed", before);
    assert!(before > 0, "the extender was killed before the burst");
    assert!(
        before < count * FIT,
        "the burst was over before the extender was killed"
    );
    heliotrope.wait_ready(Duration::from_secs(30)).await;
    let first = watchman.until(&heliotrope, count * FIT, Duration::from_secs(60)).await;
    figures.note("pods bound at first", first);
    assert_eq!(first, count * FIT, "as many as fit by their bookings");

    // Nothing more is bound until telemetry shows what the pods draw.
    let shown = Instant::now() + RAMP + Duration::from_secs(5);
    while Instant::now() < shown {
        let bound = watchman.look(Some(&heliotrope)).await;
        assert_eq!(bound, first, "bound before telemetry showed the others");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    // A pod ends, which is what makes kube-scheduler try again those that it has given up.
    let ended = watchman.bound.keys().next().unwrap().clone();
    cluster.delete_pod(&ended).await;
    let more = first - 1 + 2 * count;
    let second = watchman.until(&heliotrope, more, Duration::from_secs(60)).await;
    figures.note("pods bound once telemetry shows them", second);
    assert!(second >= more, "{second} pods are bound, and there is room for {more}");
    for _ in 0..20 {
        watchman.look(Some(&heliotrope)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    prometheus.kill();
    let blind = watchman.without_telemetry(&heliotrope, all, count * FIT).await;
    figures.note("most committed without telemetry, share of the cap", blind);

    let names = [
        "committed by the test's reckoning",
        "committed as told",
        "drawn in truth",
    ];
    for (name, share) in names.iter().zip(watchman.most) {
        figures.note(&format!("most {name}, share of the cap"), share);
    }
    assert_eq!(watchman.gone, BTreeSet::from([ended]), "pods that are gone");
    scheduler.assert_running();
    heliotrope.assert_running();
    plane.assert_running();
}
