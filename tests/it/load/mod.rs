//! Metrics of workloads: what each API's answer comes to be in the autoscaler's arithmetic.

mod access;
mod api;
mod bounds;
mod fake;
mod llama_cpp;
mod prometheus;
mod query;
mod real;
mod settings;

use crate::carbon::with_tls;
use fake::FakeServer;
use heliotrope::app::settings::{Settings, parse};
use heliotrope::load::{Observed, Reader, Target, TargetPod};
use heliotrope::outbound::HttpClient;
use heliotrope::telemetry::Metrics;
use heliotrope_core::rightsizing::Signal;
use heliotrope_core::rightsizing::hpa::{ContainerRequests, MetricReading, Milli, Pod, PodPhase, ReadyCondition};
use heliotrope_core::rightsizing::serving::{Measure, Server};
use heliotrope_core::rightsizing::{PromQuery, Source};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::path::Path;

/// The moment of every question.
const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn ago(seconds: i64) -> Timestamp {
    NOW - SignedDuration::from_secs(seconds)
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// A section `load`.
fn settings(load: &str) -> Settings {
    let text = format!(
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\noutbound: {{allowPlainHttp: ['127.0.0.1']}}\nload: {{{load}}}\n"
    );
    parse(&text, Path::new("/"))
        .unwrap_or_else(|error| panic!("{error:?}"))
        .settings
}

/// A reader of a fake that is Prometheus and API server in one.
struct Rig {
    server: FakeServer,
    reader: Reader,
    metrics: Metrics,
}

impl Rig {
    async fn start() -> Self {
        Self::with("").await
    }

    /// With more keys of the section.
    async fn with(keys: &str) -> Self {
        with_tls();
        let server = FakeServer::start().await;
        let settings = settings(&format!("prometheus: {{url: '{}'}}{keys}", server.url()));
        let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
        let mut config = kube::Config::new(server.url().parse().unwrap());
        config.default_retry = false;
        let client = kube::Client::try_from(config).unwrap();
        let metrics = Metrics::new();
        Self {
            reader: Reader::new(&settings.load, &http, client, metrics.clone()),
            server,
            metrics,
        }
    }

    async fn read(&self, pods: &[TargetPod], sources: &[Source]) -> Observed {
        self.reader.read(&target(pods), sources, None, None, NOW).await
    }

    /// What a latency is read as.
    async fn latency(&self, pods: &[TargetPod], query: &PromQuery) -> (Signal<SignedDuration>, Vec<String>) {
        let observed = self.reader.read(&target(pods), &[], Some(query), None, NOW).await;
        (observed.latency, told(&observed))
    }

    /// Readings of an API with an outcome.
    fn counted(&self, api: &str, outcome: &str) -> u64 {
        let series = format!(r#"heliotrope_load_reads_total{{api="{api}",outcome="{outcome}"}} "#);
        let page = self.metrics.exposition();
        let count = page.lines().find_map(|line| line.strip_prefix(&series));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

fn target(pods: &[TargetPod]) -> Target<'_> {
    Target {
        namespace: "ml",
        selector: "app=llm",
        pods,
    }
}

/// A ready pod whose two containers request 500 and 250 millicores.
fn pod(name: &str) -> TargetPod {
    let requests = |container: &str, cpu: Milli| ContainerRequests {
        container: container.to_owned(),
        requests: BTreeMap::from([("cpu".to_owned(), cpu)]),
    };
    TargetPod {
        name: name.to_owned(),
        facts: Pod {
            phase: PodPhase::Running,
            deleting: false,
            ready: Some(ReadyCondition {
                ready: Some(true),
                changed: ago(3600),
            }),
            started: Some(ago(3700)),
            request: None,
            sample: None,
        },
        requests: vec![requests("server", 500), requests("proxy", 250)],
    }
}

fn two() -> [TargetPod; 2] {
    [pod("llm-7d9-a"), pod("llm-7d9-b")]
}

fn preset(server: Server, measure: Measure, quantile: Option<f64>) -> PromQuery {
    PromQuery::preset((server, measure), quantile, BTreeMap::new(), None).unwrap()
}

fn text(query: &str) -> PromQuery {
    PromQuery::text(query).unwrap()
}

/// Values of the pods in their order, and of strays.
fn values(reading: &MetricReading) -> (Vec<Option<Milli>>, Vec<Milli>) {
    let MetricReading::Pods { pods, strays } = reading else {
        panic!("{reading:?} is not of pods");
    };
    let values = pods.iter().map(|pod| pod.sample.map(|sample| sample.value));
    (values.collect(), strays.clone())
}

fn told(observed: &Observed) -> Vec<String> {
    observed.problems.iter().map(ToString::to_string).collect()
}

/// Nothing was read of the one source, and it is told why.
fn fails(observed: &Observed, presence: Signal<()>, why: &str) {
    assert_eq!(observed.readings, [MetricReading::Failed]);
    assert_eq!(observed.presence, [presence]);
    let told = told(observed);
    assert!(
        told.len() == 1 && told[0].starts_with("metrics[0]") && told[0].contains(why),
        "{told:?}"
    );
}
