//! A real Prometheus scrapes it, and answers the queries of its Rightsizer.

use super::{LATENCY, PATIENCE, Running, bucket, example, get, manifests, python};
use crate::prometheus::{self, BINARY, free_port};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct Prometheus {
    _process: prometheus::Running,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes the server twice a second, with the labels that discovery adds in a cluster.
    fn scraping(binary: &OsStr, server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n- job_name: serving\n  static_configs:\n  - targets: ['{server}']\n    labels: {{namespace: serving-example, pod: llm-0}}\n"
        );
        std::fs::write(&config, text).unwrap();
        let port = free_port();
        Self {
            _process: prometheus::start(binary, folder.path(), port, &[]),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            _folder: folder,
        }
    }

    /// The series that an expression gives now; nothing while nobody answers.
    async fn ask(&self, expression: &str) -> Option<Vec<Value>> {
        drop(tokio::net::TcpStream::connect(self.address).await.ok()?);
        let encoded = expression
            .bytes()
            .fold(String::new(), |encoded, byte| encoded + &format!("%{byte:02X}"));
        let reply = get(self.address, &format!("/api/v1/query?query={encoded}")).await;
        assert_ne!(reply.status, 400, "{expression}: {}", reply.text());
        let answer: Value = serde_json::from_slice(&reply.body).ok()?;
        answer["data"]["result"].as_array().cloned()
    }

    /// Asks until an expression gives one value of which something holds.
    async fn until(&self, expression: &str, holds: impl Fn(f64) -> bool) -> (f64, Value) {
        let began = Instant::now();
        loop {
            let series = self.ask(expression).await.unwrap_or_default();
            if let [one] = series.as_slice() {
                let value: f64 = one["value"][1].as_str().unwrap().parse().unwrap();
                if holds(value) {
                    return (value, one["metric"].clone());
                }
            }
            assert!(began.elapsed() < PATIENCE, "{expression}: {series:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn query(of: &str) -> String {
    let mut found = manifests::queries().into_iter().filter(|(name, _)| name == of);
    found.next().unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_answers_the_queries_of_the_rightsizer() {
    let Some(binary) = std::env::var_os(BINARY) else {
        eprintln!("SKIPPED: {BINARY} is not set; `hack/prometheus.sh` prints what to set it to");
        return;
    };
    let Some(server) = Running::start(&["--workers=2", "--service-time=0.2", "--distribution=constant"]) else {
        return;
    };
    let prometheus = Prometheus::scraping(&binary, server.address);

    // Nothing was sent yet. That is zero, and not missing.
    for (name, query) in manifests::queries() {
        let (value, _) = prometheus.until(&query, |_| true).await;
        assert!(value.abs() < f64::EPSILON, "{name}: {value}");
    }
    let (_, labels) = prometheus.until(&query("queue_depth"), |_| true).await;
    assert_eq!(
        labels,
        serde_json::json!({ "pod": "llm-0" }),
        "a metric of pods names the pod and nothing else"
    );

    // More than two workers can do: a queue grows, and Prometheus sees it.
    let address = server.address;
    let load = tokio::task::spawn_blocking(move || {
        let program = python()
            .unwrap()
            .arg(example("load.py"))
            .arg("--json")
            .arg(format!("--url=http://{address}"))
            .arg("--phases=20:4")
            .output();
        program.unwrap()
    });
    prometheus.until(&query("queue_depth"), |waiting| waiting >= 2.0).await;
    prometheus.until(&query("queueAge"), |seconds| seconds > 0.0).await;
    let load = load.await.unwrap();
    assert_eq!(load.status.code(), Some(0), "{}", String::from_utf8_lossy(&load.stderr));
    let told: Value = serde_json::from_slice(&load.stdout).unwrap();
    let sent = told["sent"].as_f64().unwrap();
    assert!(sent >= 40.0 && told["codes"]["200"] == told["sent"], "{told}");

    let (counted, _) = prometheus
        .until("sum(serving_requests_total)", |count| count >= sent)
        .await;
    assert!((counted - sent).abs() < f64::EPSILON, "{counted} of {sent}");
    let end = server.samples().await;
    for bound in ["0.5", "1.0", "2.0", "+Inf"] {
        let expression = format!("{LATENCY}_bucket{{le=\"{bound}\"}}");
        let (value, _) = prometheus.until(&expression, |_| true).await;
        assert!((value - bucket(&end, bound)).abs() < f64::EPSILON, "{bound}");
    }
    // A client never sees an answer before the server has given it, so its percentile lies above the lower bound of the bucket
    // that the server's falls into.
    let p99 = format!("histogram_quantile(0.99, sum by (le) ({LATENCY}_bucket))");
    let (server_side, _) = prometheus.until(&p99, |_| true).await;
    let bounds = [0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0];
    let below = bounds
        .into_iter()
        .rev()
        .find(|bound| *bound < server_side)
        .unwrap_or(0.0);
    let client_side = told["p99"].as_f64().unwrap();
    assert!(
        client_side > below && server_side >= 0.2,
        "{client_side} and {server_side}"
    );
    prometheus.until(&query("response"), |seconds| seconds >= 0.2).await;

    // It is gone: the queue is missing, and not empty.
    drop(server);
    prometheus.until("up", |up| up < 0.5).await;
    assert_eq!(prometheus.ask(&query("queue_depth")).await, Some(Vec::new()));
}

/// What comes with Prometheus to judge an exposition finds nothing wrong with it.
#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_exposition() {
    let Some(binary) = std::env::var_os(BINARY) else {
        eprintln!("SKIPPED: {BINARY} is not set; `hack/prometheus.sh` prints what to set it to");
        return;
    };
    let tool = Path::new(&binary).with_file_name("promtool");
    let Some(server) = Running::start(&[]) else { return };
    if !tool.exists() {
        eprintln!("SKIPPED: there is no promtool beside {}", binary.display());
        return;
    }
    let page = get(server.address, "/metrics").await;
    let mut child = Command::new(tool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&page.body).unwrap();
    let told = child.wait_with_output().unwrap();
    assert!(
        told.status.success(),
        "{}{}",
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr)
    );
}
