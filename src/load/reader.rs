use super::api::MetricsApi;
use super::cause::Cause;
use super::observed::{Observed, Problem, Subject};
use super::prometheus::Prometheus;
use super::settings::LoadSettings;
use super::target::Target;
use crate::outbound::HttpClient;
use crate::telemetry::Metrics;
use futures::future::join_all;
use heliotrope_core::rightsizing::hpa::{MetricReading, Pod, Sample};
use heliotrope_core::rightsizing::{PromQuery, Shape, Signal, Source};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Readings under way at once, of all targets together.
const PLACES: usize = 16;

/// Reads sources. One for all targets.
#[derive(Debug)]
pub struct Reader {
    prometheus: Option<Prometheus>,
    api: MetricsApi,
    metrics: Metrics,
    places: Semaphore,
    patience: Duration,
}

/// A reading of one source.
type Reading = Result<(MetricReading, Option<Cause>), Cause>;

impl Reader {
    /// A reader by the settings. `client` may get the metrics APIs. One that tries again by itself turns an adapter which is not
    /// there (503) into a reading that is late.
    #[must_use]
    pub fn new(settings: &LoadSettings, http: &HttpClient, client: Client, metrics: Metrics) -> Self {
        Self {
            prometheus: Prometheus::new(settings, http),
            api: MetricsApi::new(client, settings.fresh_for),
            metrics,
            places: Semaphore::new(PLACES),
            patience: settings.timeout,
        }
    }

    /// Reads everything of one target, each source by itself: one that fails is told, and stops no other.
    pub async fn read(
        &self,
        target: &Target<'_>,
        sources: &[Source],
        latency: Option<&PromQuery>,
        queue_age: Option<&PromQuery>,
        now: Timestamp,
    ) -> Observed {
        let readings = join_all(sources.iter().map(|source| self.source(source, target, now)));
        let (readings, latency_read, queue_read) = tokio::join!(
            readings,
            self.seconds(latency, target, now),
            self.seconds(queue_age, target, now)
        );
        let mut observed = Observed {
            readings: Vec::with_capacity(sources.len()),
            presence: Vec::with_capacity(sources.len()),
            latency: Signal::Absent,
            queue_age: Signal::Absent,
            problems: Vec::new(),
        };
        for (ix, (reading, source)) in readings.into_iter().zip(sources).enumerate() {
            let (reading, presence, cause) = match reading {
                Ok((reading, partly)) => (reading, Signal::Fresh(()), partly),
                Err(cause) => (MetricReading::Failed, cause.signal(), Some(cause)),
            };
            observed.readings.push(reading);
            observed.presence.push(presence);
            observed.problems.extend(cause.map(|cause| Problem {
                of: Subject::Metric(ix),
                metric: source.metric(),
                cause,
            }));
        }
        for (of, query, read) in [
            (Subject::Latency, latency, latency_read),
            (Subject::QueueAge, queue_age, queue_read),
        ] {
            let Some(query) = query else { continue };
            let signal = match read {
                Ok(duration) => Signal::Fresh(duration),
                Err(cause) => {
                    let signal = cause.signal();
                    let metric = query.metric();
                    observed.problems.push(Problem { of, metric, cause });
                    signal
                }
            };
            match of {
                Subject::QueueAge => observed.queue_age = signal,
                Subject::Latency | Subject::Metric(_) => observed.latency = signal,
            }
        }
        observed
    }

    async fn source(&self, source: &Source, target: &Target<'_>, now: Timestamp) -> Reading {
        let read = async {
            match source {
                Source::Resource { name, container } => {
                    let of = (name.as_str(), container.as_deref());
                    let (samples, partly) = self.api.resource(of, target, now).await?;
                    Ok((of_pods(target, samples, Some(of)), partly))
                }
                Source::Pods { metric, selector } => {
                    let of = (metric.as_str(), selector.as_deref());
                    let (samples, partly) = self.api.pods(of, target, now).await?;
                    Ok((of_pods(target, samples, None), partly))
                }
                Source::Object {
                    object,
                    metric,
                    selector,
                } => {
                    let of = (metric.as_str(), selector.as_deref());
                    let value = self.api.object(object, of, target.namespace, now).await?;
                    Ok((MetricReading::Values(vec![value]), None))
                }
                Source::External { metric, selector } => {
                    let of = (metric.as_str(), selector.as_deref());
                    let values = self.api.external(of, target.namespace, now).await?;
                    Ok((MetricReading::Values(values), None))
                }
                Source::Prometheus {
                    query,
                    shape: Shape::PerPod,
                } => {
                    let (samples, partly) = self.prometheus()?.pods(query, target, now).await?;
                    Ok((of_pods(target, samples, None), partly))
                }
                Source::Prometheus {
                    query,
                    shape: Shape::Total,
                } => {
                    let values = self.prometheus()?.total(query, target, now).await?;
                    Ok((MetricReading::Values(values), None))
                }
            }
        };
        self.counted(source.api(), read).await
    }

    async fn seconds(
        &self,
        query: Option<&PromQuery>,
        target: &Target<'_>,
        now: Timestamp,
    ) -> Result<SignedDuration, Cause> {
        let Some(query) = query else {
            return Err(Cause::NoSeries);
        };
        let read = async { self.prometheus()?.seconds(query, target, now).await };
        self.counted("prometheus", read).await
    }

    fn prometheus(&self) -> Result<&Prometheus, Cause> {
        self.prometheus.as_ref().ok_or(Cause::NoPrometheus)
    }

    /// One reading within its time, waiting for a place in it.
    async fn counted<T>(&self, api: &'static str, read: impl Future<Output = Result<T, Cause>>) -> Result<T, Cause> {
        let until = Instant::now() + self.patience;
        let placed = timeout_at(until, self.places.acquire()).await;
        let result = match placed {
            Ok(Ok(_place)) => timeout_at(until, read).await.unwrap_or(Err(Cause::Late)),
            _ => Err(Cause::Busy),
        };
        let outcome = result.as_ref().err().map_or("ok", Cause::kind);
        self.metrics.load_read(api, outcome);
        result
    }
}

/// The pods with their samples, and with what they request where it is a resource. Samples of pods that the target does not have
/// (yet, or any more) are strays, as the autoscaler's controller counts them; Prometheus gives none.
fn of_pods(
    target: &Target<'_>,
    mut samples: BTreeMap<String, Sample>,
    resource: Option<(&str, Option<&str>)>,
) -> MetricReading {
    let pods = target.pods.iter().map(|pod| Pod {
        request: resource.and_then(|(name, container)| pod.request(name, container)),
        sample: samples.remove(&pod.name),
        ..pod.facts.clone()
    });
    let pods = pods.collect();
    let strays = samples.into_values().map(|sample| sample.value).collect();
    MetricReading::Pods { pods, strays }
}
