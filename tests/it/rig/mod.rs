//! The extender and the admin listener as the process has them, on loopback, over a world that the test tells.
//!
//! The router, the listener, the writer and its channels are the real ones; what is played is the edges that feed the
//! channels, the clock, and kube-scheduler. Nodes are those of a body recorded from kube-scheduler: two in each of
//! three regions, of two GPU models.

mod http;
mod objects;

pub(crate) use http::{Reply, exchange, get, post, request};
pub(crate) use objects::{bound, daemon, job, names_body, node_events, node_json, pod_event, recorded};

use arc_swap::ArcSwap;
use heliotrope::admin::{self, Access, Admin};
use heliotrope::app::settings::{Settings, parse};
use heliotrope::app::tables::Tables;
use heliotrope::extender::{self, Extender, Placement};
use heliotrope::serve;
use heliotrope::telemetry::{Clock, Metrics};
use heliotrope::world::{Journal, Senders, Strayed, World, Writer, channels};
use heliotrope_core::quantity::{GramsPerKwh, Source};
use heliotrope_core::snapshot::{CarbonReport, ClusterEvent, Forecast, LatestIntensity, Surroundings};
use jiff::{SignedDuration, Timestamp};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Nodes of the three regions, greenest region first, as the tests set the intensities unless they say otherwise.
pub(crate) const NORTH: [&str; 2] = ["gpu-eu-north-1-00000", "gpu-eu-north-1-00003"];
pub(crate) const WEST: [&str; 2] = ["gpu-eu-west-2-00001", "gpu-eu-west-2-00004"];
pub(crate) const CENTRAL: [&str; 2] = ["gpu-eu-central-1-00002", "gpu-eu-central-1-00005"];
/// Their intensities in g/kWh.
pub(crate) const USUAL: [(&str, f64); 3] = [("SE-SE3", 20.0), ("GB", 150.0), ("DE", 400.0)];

/// A running process, in parts.
pub(crate) struct Rig {
    pub(crate) senders: Senders,
    pub(crate) world: Arc<World>,
    pub(crate) metrics: Metrics,
    pub(crate) placement: Arc<ArcSwap<Placement>>,
    pub(crate) extender: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// As on SIGTERM: not ready any more.
    pub(crate) stopping: CancellationToken,
    /// Set, and the extender's clock panics: stands for a bug in a decision.
    pub(crate) broken: Arc<AtomicBool>,
    clock: Arc<AtomicI64>,
    writer: CancellationToken,
    log_closed: Arc<AtomicBool>,
    _surroundings: watch::Sender<(Surroundings, f64)>,
    tasks: Mutex<JoinSet<()>>,
}

/// All six nodes, in an order that is none of cost.
pub(crate) fn all() -> Vec<&'static str> {
    vec![CENTRAL[0], NORTH[0], WEST[0], NORTH[1], CENTRAL[1], WEST[1]]
}

/// Settings as an operator writes them, with the kind of intensity that the rig reports.
pub(crate) fn settings(sections: &str) -> Settings {
    let text = format!(
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\ncarbon: {{placementSignal: average, basis: direct}}\n{sections}\n"
    );
    let loaded = parse(&text, Path::new("/")).unwrap_or_else(|error| panic!("{error:?}"));
    loaded.settings
}

/// The tables that are compiled in, read once for all tests.
fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables::builtin().unwrap())
}

fn placement(generation: u64, settings: &Settings) -> Placement {
    Placement {
        generation,
        policy: Arc::new(settings.placement.policy.clone()),
        namespaces: settings.placement.namespaces.clone(),
    }
}

impl Rig {
    /// A process whose watches have listed the six nodes and no pods, and whose zones are live with [`USUAL`].
    pub(crate) async fn start(sections: &str) -> Self {
        Self::guarded(sections, Access::Open).await
    }

    /// The same with an admin listener that asks who is asking.
    pub(crate) async fn guarded(sections: &str, access: Access) -> Self {
        let rig = Self::silent_with(sections, access, None).await;
        rig.furnish().await;
        rig
    }

    /// The same whose writer tells of pods that were bound elsewhere than preferred.
    pub(crate) async fn telling(sections: &str, strayed: Sender<Strayed>) -> Self {
        let rig = Self::silent_with(sections, Access::Open, Some(strayed)).await;
        rig.furnish().await;
        rig
    }

    /// A process that has heard nothing yet.
    pub(crate) async fn silent(sections: &str) -> Self {
        Self::silent_with(sections, Access::Open, None).await
    }

    async fn furnish(&self) {
        let mut events = node_events();
        events.extend([ClusterEvent::NodesListed, ClusterEvent::PodsListed]);
        self.intensities(&USUAL).await;
        self.tell(events).await;
    }

    async fn silent_with(sections: &str, access: Access, strayed: Option<Sender<Strayed>>) -> Self {
        let mut settings = settings(sections);
        if !sections.contains("deadline") {
            // A busy machine must not make an answer late where a test is about something else.
            settings.extender.deadline = PATIENCE;
        }
        let tables = tables();
        let around = settings.surroundings(tables);
        let (surroundings, around_in) = watch::channel((around, settings.placement.policy.band.get()));
        let clock = Arc::new(AtomicI64::new(start().as_millisecond()));
        let broken = Arc::new(AtomicBool::new(false));
        let (metrics, (senders, inbox)) = (Metrics::new(), channels());
        let (writer, world) = Writer::new(around_in, reader(&clock, None), metrics.clone());
        let (told, journal) = Journal::new(&settings.decisions, reader(&clock, None), metrics.clone()).unzip();
        let placement = Arc::new(ArcSwap::from_pointee(placement(1, &settings)));
        let state = Extender::new(
            Arc::clone(&world),
            Arc::clone(&placement),
            objects::labels(),
            settings.extender,
            (reader(&clock, Some(&broken)), metrics.clone()),
            senders.records.clone(),
        );
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (front, back) = (
            serve::bind(loopback).await.unwrap(),
            serve::bind(loopback).await.unwrap(),
        );
        let (extender, admin) = (front.address, back.address);
        let (stop, stopping) = (CancellationToken::new(), CancellationToken::new());
        let asked = Admin {
            world: Arc::clone(&world),
            metrics: metrics.clone(),
            clock: reader(&clock, None),
            access,
            stopping: stopping.clone(),
            lacks: None,
        };
        let mut tasks = JoinSet::new();
        let served = serve::run(front, extender::router(Arc::new(state)), stop.clone());
        tasks.spawn(async { served.await.unwrap() });
        let served = serve::run(back, admin::router(asked), stop.clone());
        tasks.spawn(async { served.await.unwrap() });
        let stop_writer = stop.child_token();
        let writer = writer.with_journal(told).with_strayed(strayed);
        tasks.spawn(writer.run(inbox, stop_writer.clone()));
        let log_closed = Arc::new(AtomicBool::new(journal.is_none()));
        if let Some(journal) = journal {
            let closed = Arc::clone(&log_closed);
            tasks.spawn_blocking(move || {
                journal.run();
                closed.store(true, Ordering::Release);
            });
        }
        Self {
            senders,
            world,
            metrics,
            placement,
            extender,
            admin,
            stopping,
            broken,
            clock,
            writer: stop_writer,
            log_closed,
            _surroundings: surroundings,
            tasks: Mutex::new(tasks),
        }
    }

    /// Tells what the watches see, and waits for the snapshot that has it.
    pub(crate) async fn tell(&self, events: Vec<ClusterEvent>) {
        for event in events {
            self.senders.cluster.send(event).await.unwrap();
        }
        self.settle().await;
    }

    /// Reports live intensities for the coming hours, and waits for the snapshot that has them.
    pub(crate) async fn intensities(&self, zones: &[(&str, f64)]) {
        for (zone, grams) in zones {
            let latest = LatestIntensity {
                value: GramsPerKwh::new(*grams).unwrap(),
                from: self.now(),
                until: self.now() + SignedDuration::from_hours(6),
                estimated: false,
            };
            self.report(zone, Some(latest), None).await;
        }
        self.settle().await;
    }

    /// Reports what is predicted for a zone: g/kWh from each time on.
    pub(crate) async fn forecast(&self, zone: &str, steps: &[(SignedDuration, f64)]) {
        let point = |(after, grams): &(SignedDuration, f64)| heliotrope_core::grid::IntensityPoint {
            from: self.now() + *after,
            value: GramsPerKwh::new(*grams).unwrap(),
        };
        let forecast = Forecast {
            issued_at: self.now(),
            points: steps.iter().map(point).collect(),
            until: self.now() + SignedDuration::from_hours(6),
        };
        self.report(zone, None, Some(forecast)).await;
        self.settle().await;
    }

    async fn report(&self, zone: &str, latest: Option<LatestIntensity>, forecast: Option<Forecast>) {
        let report = CarbonReport {
            zone: zone.parse().unwrap(),
            kind: self.world.snapshot().surroundings.kind,
            source: Source::new("told-by-the-test"),
            priority: 0,
            latest,
            forecast,
            history: Vec::new(),
            fixed: None,
        };
        self.senders.carbon.send(report).await.unwrap();
    }

    /// Waits for a snapshot of everything told so far: one of the next millisecond, for which the writer gets a reason.
    pub(crate) async fn settle(&self) {
        taken(&self.senders.carbon).await;
        taken(&self.senders.power).await;
        taken(&self.senders.records).await;
        taken(&self.senders.cluster).await;
        let next = self.advance(SignedDuration::from_millis(1));
        let nothing = ClusterEvent::PodGone {
            uid: Arc::from("nobody"),
        };
        self.senders.cluster.send(nothing).await.unwrap();
        until("a snapshot", || self.world.snapshot().taken_at >= next).await;
    }

    /// The time, as all rooms see it.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.clock.load(Ordering::Acquire)).unwrap()
    }

    /// Moves the time on.
    pub(crate) fn advance(&self, by: SignedDuration) -> Timestamp {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.clock.fetch_add(by, Ordering::AcqRel);
        self.now()
    }

    /// Stops the writer: no snapshot follows, whatever the time.
    pub(crate) async fn stop_writer(&self) {
        self.writer.cancel();
        until("the writer's end", || self.senders.cluster.is_closed()).await;
    }

    /// Stops the writer, and waits until the decision log is closed.
    pub(crate) async fn close_log(&self) {
        self.settle().await;
        self.stop_writer().await;
        until("the end of the log", || self.log_closed.load(Ordering::Acquire)).await;
    }

    /// Loads other settings, as a changed file does.
    pub(crate) fn reload(&self, sections: &str) {
        let next = placement(self.placement.load().generation + 1, &settings(sections));
        self.placement.store(Arc::new(next));
    }

    /// Requests answered with an outcome so far.
    pub(crate) fn answered(&self, verb: &str, outcome: &str) -> u64 {
        self.counted(&format!(
            r#"heliotrope_extender_requests_total{{verb="{verb}",outcome="{outcome}"}}"#
        ))
    }

    /// A counter of the exposition; zero where it was never counted.
    pub(crate) fn counted(&self, series: &str) -> u64 {
        let page = self.metrics.exposition();
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// Posts to the extender.
    pub(crate) async fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        post(self.extender, path, body.as_ref()).await
    }

    /// Gets from the admin listener.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        get(self.admin, path).await
    }

    /// Whether all tasks run on.
    pub(crate) fn assert_running(&self) {
        let mut tasks = self.tasks.lock().unwrap();
        let ended = tasks.try_join_next();
        assert!(ended.is_none(), "a task ended by itself: {ended:?}");
    }
}

fn start() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn reader(clock: &Arc<AtomicI64>, broken: Option<&Arc<AtomicBool>>) -> Clock {
    let (clock, broken) = (Arc::clone(clock), broken.cloned());
    Arc::new(move || {
        let is_broken = broken.as_ref().is_some_and(|broken| broken.load(Ordering::Acquire));
        assert!(!is_broken, "the test wants a panic here");
        Timestamp::from_millisecond(clock.load(Ordering::Acquire)).unwrap()
    })
}

/// Waits until a channel is empty: its one reader deals with each message before it takes the next.
async fn taken<T>(sender: &Sender<T>) {
    until("a message taken", || sender.capacity() == sender.max_capacity()).await;
}

/// Waits for something.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
