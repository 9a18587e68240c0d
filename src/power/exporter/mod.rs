//! Exporters asked directly, where no Prometheus scrapes them.
//!
//! Owns the text formats, and what two pages of a counter say. Addresses come from the settings and from the watch of pods
//! that `app` hands in; samples leave. Must never ask an address that neither names, nor hold more of a page than its last
//! counters.

mod counter;
mod exposition;

use super::reading::{Placed, Reader, Reading};
use super::settings::{ExporterPods, PowerSource, Target};
use crate::outbound::{HttpClient, OutboundError, TimedSample};
use crate::telemetry::Clock;
use counter::Counters;
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use url::Url;

/// Exporters asked at once.
const AT_ONCE: usize = 16;

/// Where pods with an exporter are: address and node of each.
pub type Found = watch::Receiver<Vec<(IpAddr, Arc<str>)>>;

/// The exporters of one source.
pub(super) struct Exporters<'a> {
    source: &'a PowerSource,
    http: HttpClient,
    clock: Clock,
    /// A counter that was not seen for this long starts anew.
    longest: SignedDuration,
    targets: &'a [Target],
    pods: Option<(&'a ExporterPods, Found)>,
    counters: Mutex<HashMap<Url, Counters>>,
}

/// What became of asking them all.
#[derive(Debug)]
pub(super) struct Round {
    /// What those that answered said.
    pub(super) reading: Reading,
    /// How many answered.
    pub(super) answered: usize,
    /// Why the others did not.
    pub(super) errors: Vec<OutboundError>,
}

struct Page {
    samples: Vec<Placed>,
    /// How busy boards are.
    used: Vec<Placed>,
    not_numbers: u64,
    node: Option<Arc<str>>,
}

impl<'a> Exporters<'a> {
    /// The exporters of a source, at the addresses that it names and at those found for it.
    pub(super) fn new(
        source: &'a PowerSource,
        (targets, pods): (&'a [Target], Option<(&'a ExporterPods, Found)>),
        http: HttpClient,
        clock: Clock,
        longest: SignedDuration,
    ) -> Self {
        Self {
            source,
            http,
            clock,
            longest,
            targets,
            pods,
            counters: Mutex::default(),
        }
    }

    /// Asks every exporter once.
    pub(super) async fn ask(&self) -> Round {
        let found = self.targets();
        {
            // Counters of exporters that are gone would stay for ever.
            let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
            counters.retain(|url, _| found.iter().any(|(target, _)| target.url == *url));
        }
        let asked = found.into_iter().map(|(target, http)| self.page(target, http));
        let pages: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let (mut reader, mut answered, mut errors) = (Reader::new(self.source), 0, Vec::new());
        for page in pages {
            match page {
                Ok(page) => {
                    answered += 1;
                    reader.take(page.samples, page.not_numbers, page.node.as_deref());
                    reader.take_use(page.used, 0, page.node.as_deref());
                }
                Err(error) => errors.push(error),
            }
        }
        Round {
            reading: reader.finish(),
            answered,
            errors,
        }
    }

    fn targets(&self) -> Vec<(Target, HttpClient)> {
        let named = self.targets.iter().map(|target| (target.clone(), self.http.clone()));
        let found = self.pods.iter().flat_map(|(pods, found)| {
            let found = found.borrow().clone();
            found.into_iter().filter_map(move |(address, node)| {
                let host = SocketAddr::new(address, pods.port);
                let url: Url = format!("{}://{host}{}", pods.scheme, pods.path).parse().ok()?;
                let http = self.http.found(&url);
                Some((Target { url, node: Some(node) }, http))
            })
        });
        named.chain(found).collect()
    }

    async fn page(&self, target: Target, http: HttpClient) -> Result<Page, OutboundError> {
        let body = http.get(target.url.clone()).await?;
        let now = (self.clock)();
        let names: Vec<&str> = self.source.metrics.iter().map(|(name, _)| name.as_str()).collect();
        let of_use: Vec<&str> = self.source.utilisation.iter().map(|(name, _)| name.as_str()).collect();
        let lines =
            exposition::read(&body, &[names.as_slice(), &of_use].concat()).map_err(|error| OutboundError::Shape {
                host: target.url.host_str().unwrap_or_default().to_owned(),
                what: error.to_string(),
            })?;
        let all = lines.len();
        let (mut gauges, mut counts, mut used) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines.into_iter().filter(|line| line.value.is_finite()) {
            let stamped = line.stamped.and_then(|millis| Timestamp::from_millisecond(millis).ok());
            let sample = TimedSample {
                labels: line.labels,
                value: line.value,
                observed_at: stamped.unwrap_or(now).min(now),
            };
            let place = names.iter().position(|name| *name == line.metric);
            match place.and_then(|place| Some((place, self.source.metrics.get(place)?))) {
                Some((_, (_, unit))) if unit.is_counter() => counts.push((line.metric, sample)),
                Some((place, _)) => gauges.push((place, sample)),
                None => used.extend(
                    of_use
                        .iter()
                        .position(|name| *name == line.metric)
                        .map(|at| (at, sample)),
                ),
            }
        }
        let not_numbers = all - gauges.len() - counts.len() - used.len();
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let rates = counters.entry(target.url).or_default().rates(counts, self.longest);
        let placed = rates.into_iter().filter_map(|(metric, sample)| {
            let place = names.iter().position(|name| *name == metric)?;
            Some((place, sample))
        });
        gauges.extend(placed);
        Ok(Page {
            samples: gauges,
            used,
            not_numbers: u64::try_from(not_numbers).unwrap_or(u64::MAX),
            node: target.node,
        })
    }
}
