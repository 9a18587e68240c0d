use crate::cluster::{Cluster, Work};
use crate::loopback::Loopback;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use http::StatusCode;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Upper bounds of the buckets of vLLM's histogram of whole requests, in seconds; the last is without end.
const BUCKETS: [f64; 21] = [
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
];
const LABELS: &str = r#"engine="0",model_name="llama""#;

/// A fake of a Deployment of vLLM's servers: a page for each running pod of some work, and the list of those pages for Prometheus, as
/// discovery by pods makes it. What clients ask is for the test to say; replicas share it evenly.
pub(crate) struct FakeModelFleet {
    server: Loopback,
    state: Arc<Mutex<Servers>>,
    follower: JoinHandle<()>,
}

/// What all replicas together have to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    /// Requests that wait.
    pub(crate) queue: f64,
    /// Requests that are finished in a second.
    pub(crate) finished: f64,
    /// How long each takes.
    pub(crate) seconds: f64,
}

struct Servers {
    demand: Demand,
    silent: bool,
    /// Until when the counters below are.
    counted: Instant,
    replicas: BTreeMap<String, Replica>,
}

/// The counters of one replica.
#[derive(Default)]
struct Replica {
    buckets: [f64; BUCKETS.len()],
    count: f64,
    sum: f64,
}

impl FakeModelFleet {
    /// Starts it for the pods of some work.
    pub(crate) async fn start(cluster: &Cluster, work: &Work, demand: Demand) -> Self {
        let state = Arc::new(Mutex::new(Servers {
            demand,
            silent: false,
            counted: Instant::now(),
            replicas: BTreeMap::new(),
        }));
        let router = Router::new()
            .route("/targets", get(targets))
            .route("/pods/{pod}/metrics", get(metrics))
            .with_state(Arc::clone(&state));
        let follower = tokio::spawn(follow(cluster.clone(), work.clone(), Arc::clone(&state)));
        Self {
            server: Loopback::serve(router).await,
            state,
            follower,
        }
    }

    /// What is asked from now on.
    pub(crate) fn demand(&self, demand: Demand) {
        let mut state = self.state.lock().unwrap();
        state.count();
        state.demand = demand;
    }

    /// Whether it answers nothing.
    pub(crate) fn silence(&self, silent: bool) {
        self.state.lock().unwrap().silent = silent;
    }

    /// How a Prometheus finds them, as it finds pods.
    pub(crate) fn job(&self) -> String {
        let url = format!("{}/targets", self.server.url());
        format!("- job_name: pods\n  http_sd_configs:\n  - {{url: \"{url}\", refresh_interval: 1s}}\n")
    }
}

impl Drop for FakeModelFleet {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

async fn follow(cluster: Cluster, work: Work, state: Arc<Mutex<Servers>>) {
    loop {
        // An API server that is busy answers late; the replicas then stay as they were.
        if let Ok(pods) = cluster.api::<Pod>().list(&work.selector()).await {
            let running = pods.items.into_iter().filter(|pod| {
                let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                phase == Some("Running") && pod.metadata.deletion_timestamp.is_none()
            });
            let names: Vec<String> = running.filter_map(|pod| pod.metadata.name).collect();
            state.lock().unwrap().replace(&names);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

impl Servers {
    /// Counts what was finished meanwhile.
    fn count(&mut self) {
        let now = Instant::now();
        let elapsed = now.duration_since(self.counted).as_secs_f64();
        self.counted = now;
        let share = self.demand.finished * elapsed / self.replicas.len().max(1) as f64;
        let bucket = BUCKETS.iter().position(|bound| self.demand.seconds <= *bound);
        for replica in self.replicas.values_mut() {
            replica.count += share;
            replica.sum += share * self.demand.seconds;
            if let Some(bucket) = bucket {
                replica.buckets[bucket] += share;
            }
        }
    }

    fn replace(&mut self, names: &[String]) {
        self.count();
        self.replicas.retain(|name, _| names.contains(name));
        for name in names {
            self.replicas.entry(name.clone()).or_default();
        }
    }
}

type Shared = State<Arc<Mutex<Servers>>>;

/// What Prometheus' discovery over HTTP wants: the labels are those that discovery by pods gives.
async fn targets(State(state): Shared, headers: http::HeaderMap) -> axum::Json<Value> {
    let host = headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let state = state.lock().unwrap();
    let of = |pod: &String| {
        json!({ "targets": [host], "labels": {
            "__metrics_path__": format!("/pods/{pod}/metrics"),
            "namespace": crate::guest::namespace(), "pod": pod, "container": "main",
        } })
    };
    axum::Json(state.replicas.keys().map(of).collect())
}

async fn metrics(State(state): Shared, Path(pod): Path<String>) -> Result<String, StatusCode> {
    let mut state = state.lock().unwrap();
    state.count();
    let waiting = state.demand.queue / state.replicas.len().max(1) as f64;
    let running = state.demand.finished * state.demand.seconds / state.replicas.len().max(1) as f64;
    let silent = state.silent;
    let replica = state.replicas.get(&pod).filter(|_| !silent);
    Ok(page(replica.ok_or(StatusCode::SERVICE_UNAVAILABLE)?, waiting, running))
}

fn page(replica: &Replica, waiting: f64, running: f64) -> String {
    let mut page = String::new();
    for (name, kind, value) in [
        ("num_requests_running", "gauge", running),
        ("num_requests_waiting", "gauge", waiting),
        ("kv_cache_usage_perc", "gauge", 0.5),
    ] {
        writeln!(page, "# TYPE vllm:{name} {kind}\nvllm:{name}{{{LABELS}}} {value}").unwrap();
    }
    let (name, success) = ("vllm:e2e_request_latency_seconds", "vllm:request_success");
    writeln!(page, "# TYPE {success} counter").unwrap();
    writeln!(
        page,
        r#"{success}_total{{{LABELS},finished_reason="stop"}} {}"#,
        replica.count
    )
    .unwrap();
    writeln!(page, "# TYPE {name} histogram").unwrap();
    let mut below = 0.0;
    for (bound, counted) in BUCKETS.iter().zip(replica.buckets) {
        below += counted;
        writeln!(page, r#"{name}_bucket{{{LABELS},le="{bound:?}"}} {below}"#).unwrap();
    }
    writeln!(page, r#"{name}_bucket{{{LABELS},le="+Inf"}} {}"#, replica.count).unwrap();
    writeln!(
        page,
        "{name}_count{{{LABELS}}} {}\n{name}_sum{{{LABELS}}} {}",
        replica.count, replica.sum
    )
    .unwrap();
    page
}
