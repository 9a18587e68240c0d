//! Carbon providers at the wire: the settings an operator writes, the bodies that providers send, and the reports that
//! come of them.
//!
//! Bodies have the documented shapes; values are made up.

mod calls;
mod electricity_maps;
mod file;
mod gb;
mod guard;
mod ladder;
mod memory;
mod prometheus;
mod same_grid;
mod secrecy;
mod settings;
mod settings_keyed;
mod standby;
mod table;
mod watttime;

use heliotrope::app::settings::{Settings, parse};
use heliotrope::app::tables::Tables;
use heliotrope::carbon::{CarbonEvents, CarbonMemory, CarbonSources};
use heliotrope::outbound::HttpClient;
use heliotrope_core::grid::ZoneTable;
use heliotrope_core::quantity::GramsPerKwh;
use heliotrope_core::snapshot::{CarbonReport, SnapshotBuilder};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The provider of TLS that `main` installs.
pub(crate) fn with_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        assert!(rustls::crypto::ring::default_provider().install_default().is_ok());
    });
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn grams(value: f64) -> GramsPerKwh {
    GramsPerKwh::new(value).unwrap()
}

/// Settings with a `carbon` section, in which plain HTTP to this machine is allowed.
fn settings(carbon: &str) -> Settings {
    let text = format!(
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\noutbound: {{allowPlainHttp: ['127.0.0.1'], maxResponseBytes: 100000}}\ncarbon:\n{carbon}"
    );
    let loaded = parse(&text, Path::new("/")).unwrap_or_else(|error| panic!("{error:?}"));
    loaded.settings
}

/// Every provider is asked this often: the settings take whole seconds at least, which tests cannot wait for.
fn hurried(carbon: &str, interval: Duration) -> Settings {
    let mut settings = settings(carbon);
    for provider in &mut settings.carbon.providers {
        provider.interval = interval;
    }
    settings
}

/// Provider, zone and outcome.
type Fetched = (String, String, &'static str);

/// What the room told, besides reports.
#[derive(Debug, Clone, Default)]
struct Heard {
    fetched: Arc<Mutex<Vec<Fetched>>>,
    budgets: Arc<Mutex<Vec<(String, u32, u32)>>>,
    /// By zone and ability.
    access: Arc<Mutex<BTreeMap<(String, &'static str), bool>>>,
}

impl CarbonEvents for Heard {
    fn fetched(&self, provider: &str, zone: &str, outcome: &'static str) {
        let told = (provider.to_owned(), zone.to_owned(), outcome);
        self.fetched.lock().unwrap().push(told);
    }

    fn budget(&self, provider: &str, limit: u32, left: u32) {
        self.budgets.lock().unwrap().push((provider.to_owned(), limit, left));
    }

    fn access(&self, _: &str, zone: &str, what: &'static str, can: bool) {
        self.access.lock().unwrap().insert((zone.to_owned(), what), can);
    }
}

/// The running room.
struct Rig {
    reports: Receiver<CarbonReport>,
    heard: Heard,
    clock: Arc<Mutex<Timestamp>>,
    table: watch::Sender<ZoneTable>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Rig {
    fn start(settings: &Settings, now: &str) -> Self {
        Self::remembering(settings, now, CarbonMemory::default())
    }

    /// The same after a process that left this behind.
    fn remembering(settings: &Settings, now: &str, memory: CarbonMemory) -> Self {
        Self::calling_while(settings, now, memory, watch::channel(true).1)
    }

    /// The same in a process that makes calls while this is true.
    fn calling_while(settings: &Settings, now: &str, memory: CarbonMemory, calls: watch::Receiver<bool>) -> Self {
        with_tls();
        let hosts = settings.carbon.providers.iter().filter_map(|provider| {
            let url = provider.source.url()?;
            Some(url.host_str()?.to_owned())
        });
        let http = HttpClient::new(&settings.outbound, hosts).unwrap();
        let clock = Arc::new(Mutex::new(at(now)));
        let (table, table_in) = watch::channel(Tables::builtin().unwrap().zones);
        let sources = CarbonSources::new(settings.carbon.clone(), table_in, http);
        let sources = sources.remembering(memory).calling_while(calls);
        let (out, reports) = channel(64);
        let (heard, cancel) = (Heard::default(), CancellationToken::new());
        let ticking = Arc::clone(&clock);
        let run = sources.run(
            Arc::new(move || *ticking.lock().unwrap()),
            out,
            heard.clone(),
            cancel.clone(),
        );
        Self {
            reports,
            heard,
            clock,
            table,
            cancel,
            task: tokio::spawn(run),
        }
    }

    /// The next report.
    async fn next(&mut self) -> CarbonReport {
        tokio::time::timeout(PATIENCE, self.reports.recv())
            .await
            .expect("no report came")
            .expect("the room stopped")
    }

    /// The next report of which something holds.
    async fn next_that(&mut self, holds: impl Fn(&CarbonReport) -> bool) -> CarbonReport {
        let start = Instant::now();
        loop {
            let report = self.next().await;
            if holds(&report) {
                return report;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "none of the reports is it, the last was {report:?}"
            );
        }
    }

    /// What comes of so many routes of which one at most says something: its report, and what was told of it. The others
    /// answer with a status.
    async fn one_of(mut self, routes: usize) -> (Option<CarbonReport>, &'static str) {
        let start = Instant::now();
        while self.outcomes().iter().filter(|told| told.2 != "mismatch").count() < routes {
            assert!(start.elapsed() < PATIENCE, "{:?}", self.outcomes());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let told = self.outcomes();
        let mut told = told.iter().map(|told| told.2);
        let outcome = told.find(|told| !["status", "mismatch"].contains(told));
        let report = match outcome {
            Some("ok") => Some(self.next().await),
            _ => None,
        };
        self.stop().await;
        (report, outcome.unwrap_or("status"))
    }

    /// Waits until an outcome was told so many times.
    async fn until(&self, outcome: &str, times: usize) {
        let start = Instant::now();
        while self.count(outcome) < times {
            assert!(start.elapsed() < PATIENCE, "only {:?}", self.outcomes());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn outcomes(&self) -> Vec<Fetched> {
        self.heard.fetched.lock().unwrap().clone()
    }

    fn count(&self, outcome: &str) -> usize {
        self.outcomes().iter().filter(|(_, _, told)| *told == outcome).count()
    }

    /// Reports that are there already.
    fn drain(&mut self) -> Vec<CarbonReport> {
        std::iter::from_fn(|| self.reports.try_recv().ok()).collect()
    }

    fn set_clock(&self, now: &str) {
        *self.clock.lock().unwrap() = at(now);
    }

    /// Stops the room, which must end by itself.
    async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

/// A server that answers everything with what is set, and remembers when it was asked what.
#[derive(Clone)]
struct Script {
    calls: Arc<Mutex<Vec<(Instant, String)>>>,
    answer: Arc<Mutex<ResponseTemplate>>,
}

impl Respond for Script {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let called = (Instant::now(), request.url.path().to_owned());
        self.calls.lock().unwrap().push(called);
        self.answer.lock().unwrap().clone()
    }
}

impl Script {
    async fn serve(answer: ResponseTemplate) -> (MockServer, Self) {
        let script = Self {
            calls: Arc::default(),
            answer: Arc::new(Mutex::new(answer)),
        };
        let server = MockServer::start().await;
        Mock::given(wiremock::matchers::any())
            .respond_with(script.clone())
            .mount(&server)
            .await;
        (server, script)
    }

    fn set(&self, answer: ResponseTemplate) {
        *self.answer.lock().unwrap() = answer;
    }

    /// When paths that contain something were asked for.
    fn times(&self, part: &str) -> Vec<Instant> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .filter(|(_, path)| path.contains(part))
            .map(|(when, _)| *when)
            .collect()
    }
}

fn json(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into().into_bytes(), "application/json")
}

/// A builder of pictures, as the world has it.
fn builder(settings: &Settings) -> SnapshotBuilder {
    let tables = Tables::builtin().unwrap();
    SnapshotBuilder::new(settings.surroundings(&tables))
}
