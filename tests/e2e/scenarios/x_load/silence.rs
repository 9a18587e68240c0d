//! A real Prometheus: percentiles of merged buckets, and silence that is not zero. The model servers are fakes with vLLM's page;
//! the API server is real and has no metrics adapter.

use super::{of_pods, pod};
use crate::controlplane::ControlPlane;
use crate::figures::Figures;
use crate::loopback::now;
use crate::world::{Answered, FakeModelServer, Prometheus};
use heliotrope::app::settings::parse;
use heliotrope::load::{Observed, Reader, Target, TargetPod};
use heliotrope::outbound::HttpClient;
use heliotrope::telemetry::Metrics;
use heliotrope_core::rightsizing::Signal;
use heliotrope_core::rightsizing::hpa::MetricReading;
use heliotrope_core::rightsizing::serving::{Measure, Server};
use heliotrope_core::rightsizing::{PromQuery, Shape, Source};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// 100 requests, 98 of them within half a second.
const QUICK: Answered = [98, 2, 0, 0, 0, 0];
/// Ten requests, nine of them of more than five seconds.
const SLOW: Answered = [1, 0, 0, 9, 0, 0];
/// The percentile, of 110 requests by hand: the 108.9th is 7.9 of 9 into the bucket from 5 to 10 s.
const MERGED: f64 = 5.0 + 5.0 * 7.9 / 9.0;

struct Site {
    reader: Reader,
    p99: PromQuery,
    queue: PromQuery,
}

impl Site {
    async fn new(plane: &ControlPlane, prometheus: &Prometheus) -> Self {
        let text = format!(
            "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\noutbound: {{allowPlainHttp: ['127.0.0.1']}}\n\
             load: {{prometheus: {{url: '{}'}}, freshFor: 10s, window: 10s}}\n",
            prometheus.url()
        );
        let settings = parse(&text, Path::new("/")).unwrap().settings;
        let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
        let preset =
            |measure, quantile| PromQuery::preset((Server::Vllm, measure), quantile, BTreeMap::new(), None).unwrap();
        Self {
            reader: Reader::new(&settings.load, &http, plane.client().await, Metrics::new()),
            p99: preset(Measure::Latency, Some(0.99)),
            queue: preset(Measure::QueueDepth, None),
        }
    }

    /// The queue of each pod, their total, and the percentile over them.
    async fn read(&self, names: &[&str]) -> Observed {
        let pods: Vec<TargetPod> = names.iter().map(|name| pod(name)).collect();
        let target = Target {
            namespace: "ml",
            selector: "app=llm",
            pods: &pods,
        };
        let source = |shape| Source::Prometheus {
            query: self.queue.clone(),
            shape,
        };
        let cpu = Source::Resource {
            name: "cpu".to_owned(),
            container: None,
        };
        let sources = [source(Shape::PerPod), source(Shape::Total), cpu];
        self.reader.read(&target, &sources, Some(&self.p99), None, now()).await
    }

    /// Reads until it is as wanted.
    async fn until(&self, names: &[&str], what: &str, wanted: impl Fn(&Observed) -> bool) -> Observed {
        let until = Instant::now() + PATIENCE;
        loop {
            let observed = self.read(names).await;
            if wanted(&observed) {
                return observed;
            }
            assert!(Instant::now() < until, "{what}: {observed:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The percentile over some pods once it has settled: the window holds whole scrapes of all of them.
    async fn settled(&self, names: &[&str], near: f64) -> f64 {
        let off = |observed: &Observed| observed.latency.fresh().map(|time| (time.as_secs_f64() - near).abs());
        let observed = self
            .until(names, "settles", |observed| off(observed).is_some_and(|off| off < 0.3))
            .await;
        observed.latency.fresh().unwrap().as_secs_f64()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x_load_percentiles_are_merged_and_silence_is_not_zero() {
    let mut figures = Figures::of("x_load");
    let plane = ControlPlane::start().await;
    let quick = FakeModelServer::start(QUICK, None).await;
    let slow = FakeModelServer::start(SLOW, None).await;
    let lag = SignedDuration::from_secs(40);
    let late = FakeModelServer::start(QUICK, Some(lag)).await;
    slow.wait(3);
    late.wait(5);
    let jobs = [
        quick.job("ml", "llm-0"),
        slow.job("ml", "llm-1"),
        late.job("ml", "llm-2"),
    ]
    .concat();
    let scraped = "count(vllm:num_requests_waiting)";
    let prometheus = Prometheus::with_jobs(&plane, &jobs, Duration::from_secs(1), scraped).await;
    let site = Site::new(&plane, &prometheus).await;

    // One slow replica of two: the mean of the percentiles is far below what one request in a hundred takes.
    let both = ["llm-0", "llm-1"];
    let merged = site.settled(&both, MERGED).await;
    let (fast, sluggish) = (
        site.settled(&["llm-0"], 0.75).await,
        site.settled(&["llm-1"], 9.94).await,
    );
    let mean = f64::midpoint(fast, sluggish);
    assert!(merged - mean > 3.0, "{merged} {mean}");
    figures.note("P99 of merged buckets, s", merged);
    figures.note("mean of the replicas' P99, s", mean);

    // Zero, absent and stale, each of its own pod; another namespace's pod of the same name is another pod.
    let observed = site.read(&["llm-0", "llm-1", "llm-9"]).await;
    assert_eq!(of_pods(&observed, 0), [Some(0), Some(3000), None], "{observed:?}");
    assert_eq!(observed.readings[1], MetricReading::Values(vec![3000]));
    let absent = site.read(&["llm-9"]).await;
    assert_eq!(
        (&absent.presence[..2], absent.latency),
        (&[Signal::Absent; 2][..], Signal::Absent)
    );
    let stale = site.read(&["llm-2"]).await;
    for signal in [stale.presence[0], stale.presence[1]] {
        let Signal::Stale(age) = signal else {
            panic!("{stale:?}")
        };
        assert!((lag.as_secs()..lag.as_secs() + 20).contains(&age.as_secs()), "{age}");
    }
    assert!(matches!(stale.latency, Signal::Stale(_)), "{stale:?}");
    let zero = site.read(&["llm-0"]).await;
    assert_eq!(
        (of_pods(&zero, 0), zero.presence[0]),
        (vec![Some(0)], Signal::Fresh(()))
    );

    // The API server itself has no metrics adapter.
    assert_eq!(
        (&zero.readings[2], zero.presence[2]),
        (&MetricReading::Failed, Signal::Absent)
    );
    let told: Vec<String> = zero.problems.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("no such metric")), "{told:?}");

    // The slow replica hangs. Of the others' percentile nobody concludes that all is well.
    drop(slow);
    let gone = site
        .until(&both, "is missed", |observed| of_pods(observed, 0) == [Some(0), None])
        .await;
    assert_eq!(
        (gone.presence[1], gone.latency),
        (Signal::Absent, Signal::Absent),
        "{gone:?}"
    );
    let told: Vec<String> = gone.problems.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("cannot be scraped")), "{told:?}");
    figures.note("with one replica that cannot be scraped", "unknown");
}
