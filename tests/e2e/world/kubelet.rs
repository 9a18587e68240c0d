use crate::loopback::{Loopback, now};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use jiff::Timestamp;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

const NANO: i128 = 1_000_000_000;

/// What one container uses.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    pub(crate) pod: String,
    pub(crate) container: &'static str,
    /// Billionths of a core.
    pub(crate) nanocores: i64,
    /// Bytes in use.
    pub(crate) memory: i64,
}

/// A fake of a node's kubelet: the page of `/metrics/resource`, for pods of one namespace. Its samples are of whole seconds, so that what
/// is made of them can be said to the last digit.
pub(crate) struct FakeKubelet {
    server: Loopback,
    state: Arc<Mutex<Node>>,
}

struct Node {
    namespace: &'static str,
    usages: Vec<Usage>,
    /// Since when containers run.
    start: Timestamp,
    /// The time of its samples, where that does not go on.
    stopped: Option<Timestamp>,
    /// The times of the samples that were handed out.
    scrapes: Vec<Timestamp>,
}

impl FakeKubelet {
    /// Serves it, over TLS.
    pub(crate) async fn start(namespace: &'static str, certificate: (&Path, &Path)) -> Self {
        let state = Arc::new(Mutex::new(Node {
            namespace,
            usages: Vec::new(),
            start: whole(now().as_second() - 600),
            stopped: None,
            scrapes: Vec::new(),
        }));
        let router = Router::new()
            .route("/metrics/resource", get(page))
            .with_state(Arc::clone(&state));
        let server = Loopback::serve_tls(router, certificate).await;
        Self { server, state }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// What containers use from their start on.
    pub(crate) fn uses(&self, usages: Vec<Usage>) {
        self.state.lock().unwrap().usages = usages;
    }

    /// The times of the samples that it handed out.
    pub(crate) fn scrapes(&self) -> Vec<Timestamp> {
        self.state.lock().unwrap().scrapes.clone()
    }

    /// Repeats the last samples from now on, as one whose collection hangs.
    pub(crate) fn hang(&self) {
        self.state.lock().unwrap().stopped = Some(whole(now().as_second()));
    }
}

fn whole(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

async fn page(State(state): State<Arc<Mutex<Node>>>) -> String {
    let mut node = state.lock().unwrap();
    let at = node.stopped.unwrap_or_else(|| whole(now().as_second()));
    node.scrapes.push(at);
    let ran = i128::from(at.as_second() - node.start.as_second());
    let (mut text, millis) = (String::new(), at.as_millisecond());
    let mut all = 0;
    for of in &node.usages {
        let spent = i128::from(of.nanocores) * ran;
        all += spent;
        let Usage {
            pod, container, memory, ..
        } = of;
        let labels = format!(
            "{{container=\"{container}\",namespace=\"{}\",pod=\"{pod}\"}}",
            node.namespace
        );
        let start = node.start.as_second();
        writeln!(text, "container_start_time_seconds{labels} {start} {millis}").unwrap();
        writeln!(
            text,
            "container_cpu_usage_seconds_total{labels} {} {millis}",
            seconds(spent)
        )
        .unwrap();
        writeln!(text, "container_memory_working_set_bytes{labels} {memory} {millis}").unwrap();
    }
    writeln!(text, "node_cpu_usage_seconds_total {} {millis}", seconds(all + NANO)).unwrap();
    writeln!(text, "node_memory_working_set_bytes 1000000000 {millis}").unwrap();
    text
}

fn seconds(nanoseconds: i128) -> String {
    format!("{}.{:09}", nanoseconds / NANO, nanoseconds % NANO)
}
