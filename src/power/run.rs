use super::exporter::{Exporters, Found};
use super::join::Joined;
use super::reading::{Placed, Reader, Reading};
use super::settings::{Origin, PowerSettings, PowerSource};
use crate::outbound::{HttpClient, OutboundError, PrometheusClient};
use crate::telemetry::{Clock, Metrics};
use futures::future::join_all;
use heliotrope_core::snapshot::PowerReport;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// How far back utilisation is looked for: one scrape of a slow Prometheus, and four of a usual one. Watts that are older were
/// seen when they were new.
const RECENT: SignedDuration = SignedDuration::from_secs(60);

/// All power sources.
#[derive(Debug)]
pub struct PowerSources {
    settings: PowerSettings,
    http: HttpClient,
    pods: HashMap<String, Found>,
}

impl PowerSources {
    /// The sources of the settings.
    #[must_use]
    pub fn new(settings: PowerSettings, http: HttpClient) -> Self {
        Self {
            settings,
            http,
            pods: HashMap::new(),
        }
    }

    /// The same with the pods that sources look for, by the name of the source.
    #[must_use]
    pub fn following(self, pods: HashMap<String, Found>) -> Self {
        Self { pods, ..self }
    }

    /// Asks every source at the interval until cancelled. One that fails stops no other; what it said before ages.
    pub async fn run(self, clock: Clock, out: Sender<PowerReport>, metrics: Metrics, cancel: CancellationToken) {
        let joined = Mutex::new(Joined::new(&self.settings.sources, self.settings.bounds));
        let loops = self.settings.sources.iter().enumerate().map(|(place, source)| {
            let poll = Poll {
                place,
                source,
                client: self.client(source, &clock),
                joined: &joined,
                clock: clock.clone(),
                metrics: metrics.clone(),
            };
            let (interval, out) = (self.settings.interval, out.clone());
            async move {
                let mut ticks = tokio::time::interval(interval);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                let mut silent = false;
                loop {
                    ticks.tick().await;
                    for report in poll.once(&mut silent).await {
                        if out.send(report).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        tokio::select! {
            () = cancel.cancelled() => {}
            _ = join_all(loops) => cancel.cancelled().await,
        }
    }

    fn client<'a>(&'a self, source: &'a PowerSource, clock: &Clock) -> Client<'a> {
        match &source.origin {
            Origin::Prometheus {
                url,
                access,
                rate_window,
            } => Client::Prometheus {
                client: PrometheusClient::new(self.http.clone(), url.clone(), access),
                rate_window: *rate_window,
            },
            Origin::Exporters { targets, pods } => {
                let pods = pods.as_ref().zip(self.pods.get(&source.name).cloned());
                let (http, longest) = (self.http.clone(), self.settings.bounds.stale_for);
                Client::Exporters(Exporters::new(source, (targets, pods), http, clock.clone(), longest))
            }
        }
    }
}

enum Client<'a> {
    Prometheus {
        client: PrometheusClient,
        rate_window: SignedDuration,
    },
    Exporters(Exporters<'a>),
}

struct Poll<'a> {
    place: usize,
    source: &'a PowerSource,
    client: Client<'a>,
    joined: &'a Mutex<Joined>,
    clock: Clock,
    metrics: Metrics,
}

impl Poll<'_> {
    /// One round. Silence and its end are told in the log; each call only in metrics.
    async fn once(&self, silent: &mut bool) -> Vec<PowerReport> {
        let name = self.source.name.as_str();
        match self.ask().await {
            Ok(reading) => {
                self.metrics
                    .power_fetched(name, if reading.is_empty() { "no-data" } else { "ok" });
                self.metrics.implausible(name, reading.implausible);
                self.metrics.nameless(name, reading.nameless);
                if std::mem::take(silent) {
                    tracing::info!(source = name, "power source speaks again");
                }
                let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
                joined.take(self.place, reading, (self.clock)())
            }
            Err(error) => {
                self.metrics.power_fetched(name, error.kind());
                if std::mem::replace(silent, true) {
                    tracing::debug!(source = name, %error, "power source is still silent");
                } else {
                    tracing::warn!(source = name, %error, "power source said nothing");
                }
                Vec::new()
            }
        }
    }

    async fn ask(&self) -> Result<Reading, OutboundError> {
        match &self.client {
            Client::Prometheus { client, rate_window } => self.ask_prometheus(client, *rate_window).await,
            Client::Exporters(exporters) => self.ask_exporters(exporters).await,
        }
    }

    async fn ask_prometheus(
        &self,
        client: &PrometheusClient,
        rate_window: SignedDuration,
    ) -> Result<Reading, OutboundError> {
        let mut reader = Reader::new(self.source);
        let now = (self.clock)();
        for (place, (metric, unit)) in self.source.metrics.iter().enumerate() {
            let vector = if unit.is_counter() {
                let rate = format!("rate({metric}[{}s])", rate_window.as_secs());
                client.timed_as(&rate, metric, now).await?
            } else {
                client.timed(metric, now).await?
            };
            let samples = vector.samples.into_iter().map(|sample| (place, sample));
            reader.take(samples, vector.not_numbers, None);
        }
        if reader.has_boards() && !self.source.utilisation.is_empty() {
            match self.ask_use(client, now).await {
                Ok((samples, not_numbers)) => reader.take_use(samples, not_numbers, None),
                // Watts count without it.
                Err(error) => {
                    self.metrics.power_fetched(&self.source.name, error.kind());
                    tracing::debug!(source = self.source.name, %error, "nothing is said of how busy boards are");
                }
            }
        }
        Ok(reader.finish())
    }

    /// How busy boards are, of all metrics in one call: a range has each sample with its own time, where `timestamp()` drops
    /// the names of metrics, so that two of them with the same labels could not be told apart.
    async fn ask_use(&self, client: &PrometheusClient, now: Timestamp) -> Result<(Vec<Placed>, u64), OutboundError> {
        let names: Vec<&str> = self.source.utilisation.iter().map(|(name, _)| name.as_str()).collect();
        let selector = format!("{{__name__=~\"{}\"}}", names.join("|"));
        let vector = client.newest(&selector, RECENT, now).await?;
        let placed = vector.samples.into_iter().filter_map(|sample| {
            let name = sample.labels.get("__name__")?;
            Some((names.iter().position(|of| of == name)?, sample))
        });
        Ok((placed.collect(), vector.not_numbers))
    }

    /// The source is silent when none of its exporters answers; one among many is told in metrics.
    async fn ask_exporters(&self, exporters: &Exporters<'_>) -> Result<Reading, OutboundError> {
        let mut round = exporters.ask().await;
        if round.answered == 0
            && let Some(error) = round.errors.pop()
        {
            return Err(error);
        }
        for error in &round.errors {
            self.metrics.power_fetched(&self.source.name, error.kind());
            tracing::debug!(source = self.source.name, %error, "an exporter said nothing");
        }
        Ok(round.reading)
    }
}
