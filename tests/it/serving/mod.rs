//! The example server of `deploy/examples/serving`: run as a process, asked over the wire, scraped by a real Prometheus.

mod manifests;
mod scraped;

use crate::rig::{Reply, exchange, get, post, request};
use heliotrope_core::rightsizing::serving::{Measure, Server, of};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn example(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/examples/serving")
        .join(file)
}

/// Python, or nothing, which is said.
fn python() -> Option<Command> {
    let works = Command::new("python3").arg("--version").output();
    if works.is_ok_and(|told| told.status.success()) {
        return Some(Command::new("python3"));
    }
    eprintln!("SKIPPED: python3 is not installed");
    None
}

/// The server as a process of its own.
struct Running {
    child: Child,
    address: SocketAddr,
    /// Open, or what it prints at its end would fail.
    _told: BufReader<ChildStdout>,
}

impl Running {
    /// Starts it with the arguments of the Deployment and these; nothing where there is no Python.
    fn start(arguments: &[&str]) -> Option<Self> {
        python().map(|python| Self::run(python, arguments))
    }

    fn run(mut python: Command, arguments: &[&str]) -> Self {
        let mut child = python
            .arg(example("server.py"))
            .args(manifests::arguments())
            .args(["--host=127.0.0.1", "--port=0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_default();
        let address = address.parse().unwrap_or_else(|error| panic!("{error} in {line:?}"));
        Self {
            child,
            address,
            _told: told,
        }
    }

    fn complete(&self, tokens: u32) -> tokio::task::JoinHandle<(Reply, Duration)> {
        let address = self.address;
        let body = format!("{{\"prompt\": \"a b c\", \"max_tokens\": {tokens}}}");
        tokio::spawn(async move {
            let began = Instant::now();
            let reply = post(address, "/v1/completions", body.as_bytes()).await;
            (reply, began.elapsed())
        })
    }

    async fn samples(&self) -> BTreeMap<String, f64> {
        samples(get(self.address, "/metrics").await.text())
    }

    /// Scrapes until something holds.
    async fn until(&self, holds: impl Fn(&BTreeMap<String, f64>) -> bool) -> BTreeMap<String, f64> {
        let began = Instant::now();
        loop {
            let samples = self.samples().await;
            if holds(&samples) {
                return samples;
            }
            assert!(began.elapsed() < PATIENCE, "{samples:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn terminate(&self) {
        let sent = Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Samples by name and labels but the model's.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let of = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let name = name.replace("{model_name=\"simulated\"}", "");
        (name.replace("model_name=\"simulated\",", ""), value.parse().unwrap())
    };
    lines.map(of).collect()
}

/// Counts are whole, and so exact.
#[track_caller]
fn assert_same(value: f64, expected: f64) {
    assert!((value - expected).abs() < f64::EPSILON, "{value} and not {expected}");
}

const LATENCY: &str = "serving_request_duration_seconds";

fn bucket(samples: &BTreeMap<String, f64>, bound: &str) -> f64 {
    samples[&format!("{LATENCY}_bucket{{le=\"{bound}\"}}")]
}

/// Two workers that take a second and a half for each of six requests: four wait, the last two for three seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exposed_is_what_was_sent() {
    let arguments = [
        "--workers=2",
        "--service-time=1.5",
        "--distribution=constant",
        "--queue=4",
    ];
    let Some(server) = Running::start(&arguments) else {
        return;
    };
    assert_eq!(get(server.address, "/healthz").await.text(), "ok\n");
    let sent: Vec<_> = (0..6).map(|_| server.complete(100)).collect();
    let full = server
        .until(|of| of["serving_queue_depth"] >= 4.0 && of["serving_requests_running"] >= 2.0)
        .await;
    assert_eq!((full["serving_queue_depth"], full["serving_workers"]), (4.0, 2.0));
    assert_same(bucket(&full, "+Inf"), 0.0);
    let (refused, _) = server.complete(100).await.unwrap();
    assert_eq!(refused.status, 429, "the queue is full");
    let age = full["serving_oldest_request_age_seconds"];
    server.until(|of| of["serving_oldest_request_age_seconds"] > age).await;

    let mut took = Vec::new();
    for request in sent {
        let (reply, time) = request.await.unwrap();
        assert_eq!(reply.json::<serde_json::Value>()["usage"]["total_tokens"], 103);
        took.push(time.as_secs_f64());
    }
    let end = server.samples().await;
    assert_same(end["serving_requests_total{code=\"200\"}"], 6.0);
    assert_same(end["serving_requests_total{code=\"429\"}"], 1.0);
    assert_eq!(
        (end["serving_queue_depth"], end["serving_oldest_request_age_seconds"]),
        (0.0, 0.0)
    );
    assert_eq!((bucket(&end, "+Inf"), end[&format!("{LATENCY}_count")]), (6.0, 6.0));
    // No machine is fast enough to answer in less than the service time, and no client saw an answer before the server gave it.
    for (bound, most) in [("1.0", 0.0), ("1.5", 0.0), ("3.0", 6.0), ("4.0", 6.0), ("10.0", 6.0)] {
        let within = bucket(&end, bound);
        let seen = took.iter().filter(|time| **time <= bound.parse().unwrap()).count();
        let seen = f64::from(u32::try_from(seen).unwrap());
        assert!((seen..=most).contains(&within), "{bound}: {within}");
    }
    let (sum, waited) = (
        end[&format!("{LATENCY}_sum")],
        end["serving_queue_duration_seconds_sum"],
    );
    assert!(sum <= took.iter().sum(), "{sum} of {took:?}");
    assert!(
        waited > age && sum - waited >= 9.0,
        "six times the service time, and the waiting: {waited} of {sum}"
    );
    assert_same(
        end["serving_gpu_memory_used_bytes{gpu=\"0\"}"],
        72.0 * 1024.0_f64.powi(3),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_end_what_was_taken_is_answered_and_nothing_is_taken() {
    let Some(mut server) = Running::start(&["--service-time=2", "--distribution=constant"]) else {
        return;
    };
    let taken = server.complete(200);
    server.until(|of| of["serving_requests_running"] >= 1.0).await;
    server.terminate();
    let began = Instant::now();
    while get(server.address, "/healthz").await.status != 503 {
        assert!(began.elapsed() < PATIENCE, "still healthy");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (refused, _) = server.complete(100).await.unwrap();
    assert_eq!(refused.status, 503);
    let (answered, time) = taken.await.unwrap();
    assert_eq!(answered.status, 200);
    assert!(
        time >= Duration::from_secs(4),
        "twice the tokens, twice the time: {time:?}"
    );
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn what_cannot_be_answered_is_said() {
    let Some(server) = Running::start(&[]) else { return };
    for (method, path, body, status, told) in [
        ("POST", "/v1/completions", "[]", 400, "must be a JSON object"),
        ("POST", "/v1/completions", "{", 400, "error"),
        (
            "POST",
            "/v1/completions",
            "{\"max_tokens\": 0}",
            400,
            "max_tokens must be",
        ),
        ("POST", "/v1/chat", "{}", 404, "/v1/completions"),
        ("GET", "/", "", 404, "/metrics"),
    ] {
        let length = format!("content-length: {}", body.len());
        let reply = exchange(server.address, &request(method, path, &[&length], body.as_bytes())).await;
        assert_eq!(reply.status, status, "{path} {body}");
        assert!(reply.text().contains(told), "{}", reply.text());
    }
    assert_same(server.samples().await["serving_requests_total{code=\"400\"}"], 3.0);
}

/// The names that presets ask for.
#[tokio::test]
async fn it_can_use_the_names_of_vllm() {
    let Some(server) = Running::start(&["--names=vllm", "--model=a \"b\""]) else {
        return;
    };
    let page = get(server.address, "/metrics").await;
    let measures = [
        Measure::QueueDepth,
        Measure::Concurrency,
        Measure::Requests,
        Measure::Latency,
        Measure::QueueTime,
    ];
    for measure in measures {
        let name = of(Server::Vllm, measure).unwrap().name;
        let typed = format!("# TYPE {name} ");
        assert!(page.text().contains(&typed), "{name} is not in\n{}", page.text());
    }
    assert!(
        page.text()
            .contains(r#"vllm:num_requests_waiting{model_name="a \"b\""} 0"#)
    );
}
