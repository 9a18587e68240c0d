use super::cause::Cause;
use super::observed::{Observed, Problem, Subject};
use super::prometheus::Prometheus;
use super::query::PromQuery;
use super::settings::LoadSettings;
use super::source::{Shape, Source};
use super::target::Target;
use crate::outbound::HttpClient;
use crate::telemetry::Metrics;
use futures::future::join_all;
use heliotrope_core::rightsizing::Signal;
use heliotrope_core::rightsizing::hpa::{MetricReading, Pod, Sample};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Readings under way at once, of all targets together.
const PLACES: usize = 16;

/// Reads sources. One for all targets.
#[derive(Debug)]
pub struct Reader {
    prometheus: Option<Prometheus>,
    metrics: Metrics,
    places: Semaphore,
    patience: Duration,
}

/// A reading of one source.
type Reading = Result<(MetricReading, Option<Cause>), Cause>;

impl Reader {
    /// A reader by the settings. `client` may get the metrics APIs.
    #[must_use]
    pub fn new(settings: &LoadSettings, http: &HttpClient, client: Client, metrics: Metrics) -> Self {
        drop(client);
        Self {
            prometheus: Prometheus::new(settings, http),
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
                Source::Prometheus {
                    query,
                    shape: Shape::PerPod,
                } => {
                    let (samples, partly) = self.prometheus()?.pods(query, target, now).await?;
                    Ok((of_pods(target, samples), partly))
                }
                Source::Prometheus {
                    query,
                    shape: Shape::Total,
                } => {
                    let (values, partly) = self.prometheus()?.total(query, target, now).await?;
                    Ok((MetricReading::Values(values), partly))
                }
                _ => Err(Cause::NoSeries),
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
        let until = tokio::time::Instant::now() + self.patience;
        let placed = tokio::time::timeout_at(until, self.places.acquire()).await;
        let result = match placed {
            Ok(Ok(_place)) => timeout(self.patience, read).await.unwrap_or(Err(Cause::Late)),
            _ => Err(Cause::Busy),
        };
        let outcome = result.as_ref().err().map_or("ok", Cause::kind);
        self.metrics.load_read(api, outcome);
        result
    }
}

/// The pods with their samples.
fn of_pods(target: &Target<'_>, mut samples: BTreeMap<String, Sample>) -> MetricReading {
    let pods = target.pods.iter().map(|pod| Pod {
        request: None,
        sample: samples.remove(&pod.name),
        ..pod.facts.clone()
    });
    MetricReading::Pods {
        pods: pods.collect(),
        strays: Vec::new(),
    }
}
