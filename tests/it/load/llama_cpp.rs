//! A real llama-server that has more to do than slots, scraped by a real Prometheus.

use super::real::PATIENCE;
use super::*;
use crate::prometheus::{self, BINARY, Running, free_port};
use heliotrope_core::rightsizing::Shape;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Name the binary, and a model for it, which `hack/tiny-llama.py` writes.
const SERVER: &str = "HELIOTROPE_LLAMA_SERVER";
const MODEL: &str = "HELIOTROPE_LLAMA_MODEL";
/// Requests sent at once to one slot.
const REQUESTS: usize = 4;

/// A request that takes some seconds, whatever is answered.
async fn complete(port: u16) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let body = r#"{"prompt":"w1 w2","n_predict":1900,"ignore_eos":true}"#;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "POST /completion HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_llama_server_is_read_by_its_preset() {
    let (Some(binary), Some(server), Some(model)) = (
        std::env::var_os(BINARY),
        std::env::var_os(SERVER),
        std::env::var_os(MODEL),
    ) else {
        eprintln!("SKIPPED: {BINARY}, {SERVER} or {MODEL} is not set; docs/testing.md says what to set them to");
        return;
    };
    with_tls();
    let folder = tempfile::tempdir().unwrap();
    let (llama, port) = (free_port(), free_port());
    let mut command = Command::new(server);
    command.arg("--model").arg(model).arg("--metrics");
    command.args(["--host", "127.0.0.1", "--parallel", "1", "--threads", "1", "--port"]);
    let _server = Running(
        command
            .arg(llama.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let config = folder.path().join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n- job_name: llama\n  static_configs:\n  - targets: ['127.0.0.1:{llama}']\n    labels: {{namespace: ml, pod: llm-7d9-a}}\n"
    );
    std::fs::write(&config, text).unwrap();
    let _prometheus = prometheus::start(&binary, folder.path(), port, &[]);

    let settings = settings(&format!(
        "prometheus: {{url: 'http://127.0.0.1:{port}'}}, freshFor: 10s"
    ));
    let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
    let client = kube::Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let reader = Reader::new(&settings.load, &http, client, Metrics::new());
    let source = |measure, shape| Source::Prometheus {
        query: preset(Server::LlamaCpp, measure, None),
        shape,
    };
    let sources = [
        source(Measure::QueueDepth, Shape::PerPod),
        source(Measure::QueueDepth, Shape::Total),
        source(Measure::Concurrency, Shape::Total),
    ];
    let pods = [pod("llm-7d9-a")];
    let clock = heliotrope::telemetry::system_clock();
    // Waiting of the pod, waiting in all and worked on, in thousandths.
    let until = async |wanted: [Milli; 3]| {
        let start = Instant::now();
        loop {
            let observed = reader.read(&target(&pods), &sources, None, None, clock()).await;
            let total = |ix: usize| match &observed.readings[ix] {
                MetricReading::Values(values) => values.first().copied(),
                _ => None,
            };
            let of_pod = match &observed.readings[0] {
                MetricReading::Pods { pods, .. } => pods[0].sample.map(|sample| sample.value),
                _ => None,
            };
            if [of_pod, total(1), total(2)] == wanted.map(Some) {
                return;
            }
            assert!(start.elapsed() < PATIENCE * 3, "{wanted:?}: {observed:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    until([0, 0, 0]).await;
    let asked: Vec<_> = (0..REQUESTS).map(|_| tokio::spawn(complete(llama))).collect();
    until([3000, 3000, 1000]).await;
    for asked in asked {
        asked.await.unwrap();
    }
    until([0, 0, 0]).await;
}
