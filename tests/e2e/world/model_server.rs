use crate::loopback::{Loopback, now};
use axum::Router;
use axum::routing::get;
use jiff::SignedDuration;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the histogram, in seconds.
const BOUNDS: [f64; 5] = [0.5, 1.0, 5.0, 10.0, 30.0];

/// Requests answered between two scrapes, by the bucket that they end in, the slowest beyond all bounds.
pub(crate) type Answered = [u64; BOUNDS.len() + 1];

/// A fake of vLLM's page of metrics: names, types and labels as it writes them. Each scrape finds as many requests answered since the one
/// before, so that what rates come to does not depend on how fast this machine is.
pub(crate) struct FakeModelServer {
    server: Loopback,
    waiting: Arc<AtomicU64>,
}

impl FakeModelServer {
    /// Starts it; with `lag` its samples bear times that are so old.
    pub(crate) async fn start(answered: Answered, lag: Option<SignedDuration>) -> Self {
        let (waiting, scrapes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let shown = Arc::clone(&waiting);
        let page = move || {
            let scrape = scrapes.fetch_add(1, Ordering::Relaxed) + 1;
            let stamp = lag.map_or(String::new(), |lag| format!(" {}", (now() - lag).as_millisecond()));
            std::future::ready(page(answered, scrape, shown.load(Ordering::Relaxed), &stamp))
        };
        Self {
            server: Loopback::serve(Router::new().route("/metrics", get(page))).await,
            waiting,
        }
    }

    /// How many requests wait from now on.
    pub(crate) fn wait(&self, requests: u64) {
        self.waiting.store(requests, Ordering::Relaxed);
    }

    /// Where a Prometheus finds it, as the pod of a namespace.
    pub(crate) fn job(&self, namespace: &str, pod: &str) -> String {
        let address = self.server.address();
        format!(
            "- job_name: {pod}\n  static_configs:\n  - targets: [\"{address}\"]\n    labels: {{namespace: {namespace}, pod: {pod}}}\n"
        )
    }
}

fn page(answered: Answered, scrape: u64, waiting: u64, stamp: &str) -> String {
    let labels = r#"engine="0",model_name="llama""#;
    let mut page = format!(
        "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{{{labels}}} 1{stamp}\n\
         # TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting{{{labels}}} {waiting}{stamp}\n\
         # TYPE vllm:e2e_request_latency_seconds histogram\n"
    );
    let (mut below, mut sum) = (0, 0.0);
    for (ix, count) in answered.iter().enumerate() {
        let bound = BOUNDS.get(ix).copied();
        below += count * scrape;
        sum += bound.unwrap_or(60.0) * (*count * scrape) as f64;
        let le = bound.map_or("+Inf".to_owned(), |bound| format!("{bound:?}"));
        writeln!(
            page,
            "vllm:e2e_request_latency_seconds_bucket{{{labels},le=\"{le}\"}} {below}{stamp}"
        )
        .unwrap();
    }
    writeln!(
        page,
        "vllm:e2e_request_latency_seconds_count{{{labels}}} {below}{stamp}"
    )
    .unwrap();
    writeln!(page, "vllm:e2e_request_latency_seconds_sum{{{labels}}} {sum}{stamp}").unwrap();
    page
}
