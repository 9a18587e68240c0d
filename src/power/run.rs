use super::dcgm;
use super::join::Joined;
use super::settings::{PowerSettings, PowerSource};
use crate::outbound::{HttpClient, OutboundError, PrometheusClient};
use crate::telemetry::{Clock, Metrics};
use futures::future::join_all;
use heliotrope_core::snapshot::PowerReport;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// All power sources.
#[derive(Debug)]
pub struct PowerSources {
    settings: PowerSettings,
    http: HttpClient,
}

impl PowerSources {
    /// The sources of the settings.
    #[must_use]
    pub fn new(settings: PowerSettings, http: HttpClient) -> Self {
        Self { settings, http }
    }

    /// Asks every source at the interval until cancelled. One that fails stops no other; what it said before ages.
    pub async fn run(self, clock: Clock, out: Sender<PowerReport>, metrics: Metrics, cancel: CancellationToken) {
        let names = self.settings.sources.iter().map(|source| source.name.clone());
        let joined = Mutex::new(Joined::new(names.collect(), self.settings.bounds.stale_for));
        let loops = self.settings.sources.iter().enumerate().map(|(place, source)| {
            let poll = Poll {
                place,
                source,
                client: PrometheusClient::new(self.http.clone(), source.url.clone()),
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
}

struct Poll<'a> {
    place: usize,
    source: &'a PowerSource,
    client: PrometheusClient,
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
                    .power_fetched(name, if reading.boards.is_empty() { "no-data" } else { "ok" });
                self.metrics.implausible(name, reading.implausible);
                self.metrics.nameless(name, reading.nameless);
                if std::mem::take(silent) {
                    tracing::info!(source = name, "power source speaks again");
                }
                let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
                joined.take(self.place, reading.boards, (self.clock)())
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

    async fn ask(&self) -> Result<dcgm::Reading, OutboundError> {
        let vector = self.client.timed(&self.source.metric, (self.clock)()).await?;
        Ok(dcgm::read(&vector, self.source))
    }
}
