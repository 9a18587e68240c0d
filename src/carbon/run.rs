use super::allowance::Allowance;
use super::answers::{Answers, Way};
use super::file::FileProvider;
use super::gb::GbProvider;
use super::pace::Pace;
use super::prometheus::PrometheusProvider;
use super::provider::{Ask, Provider, Told};
use super::settings::{CarbonSettings, ProviderSettings, SourceSettings};
use super::table::TableProvider;
use crate::outbound::{HttpClient, PrometheusClient};
use crate::telemetry::{Clock, Metrics};
use futures::future::{BoxFuture, FutureExt, join_all};
use heliotrope_core::grid::{IntensityKind, ZoneId, ZoneTable};
use heliotrope_core::quantity::Source;
use heliotrope_core::snapshot::CarbonReport;
use std::collections::BTreeMap;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Told of every call.
pub trait CarbonEvents: Clone + Send + Sync {
    /// A provider was asked about a zone (`*`: about several at once), or one of its figures is of another kind than the
    /// one ranked (`mismatch`).
    fn fetched(&self, provider: &str, zone: &str, outcome: &'static str);

    /// What is left of a provider's calls of the hour.
    fn budget(&self, provider: &str, limit: u32, left: u32);
}

impl CarbonEvents for Metrics {
    fn fetched(&self, provider: &str, zone: &str, outcome: &'static str) {
        Self::fetched(self, provider, zone, outcome);
    }

    fn budget(&self, provider: &str, limit: u32, left: u32) {
        Self::carbon_budget(self, provider, limit, left);
    }
}

/// All providers with the zones that they are asked about.
#[derive(Debug)]
pub struct CarbonSources {
    settings: CarbonSettings,
    yearly: watch::Receiver<ZoneTable>,
    http: HttpClient,
}

impl CarbonSources {
    /// The providers of the settings; `yearly` is what the static provider says.
    #[must_use]
    pub fn new(settings: CarbonSettings, yearly: watch::Receiver<ZoneTable>, http: HttpClient) -> Self {
        Self { settings, yearly, http }
    }

    /// Asks every provider at its interval until cancelled. One that fails stops no other: the others of a zone's chain
    /// are asked all the time, so that what they say is at hand when the first falls silent.
    pub async fn run(
        self,
        clock: Clock,
        out: Sender<CarbonReport>,
        events: impl CarbonEvents,
        cancel: CancellationToken,
    ) {
        let answers = Answers::new();
        let desks = self.settings.providers.iter().map(|provider| Desk {
            provider,
            places: places(&self.settings, &provider.name),
            kind: self.settings.kind,
            allowance: Allowance::new(provider.calls_per_hour),
            answers: answers.clone(),
            clock: clock.clone(),
            out: out.clone(),
            events: events.clone(),
        });
        let desks: Vec<_> = desks.collect();
        let loops = desks.iter().map(|desk| self.serve(desk));
        tokio::select! {
            () = cancel.cancelled() => {}
            _ = join_all(loops) => cancel.cancelled().await,
        }
    }

    fn serve<'a, E: CarbonEvents>(&self, desk: &'a Desk<'_, E>) -> BoxFuture<'a, ()> {
        let interval = desk.provider.interval;
        match &desk.provider.source {
            SourceSettings::Gb { url, regions } => {
                let gb = GbProvider::new(self.http.clone(), url.clone(), regions.clone(), interval);
                desk.serve(gb).boxed()
            }
            SourceSettings::File { path, zone, kind } => desk
                .serve(FileProvider::new(path.clone(), zone.clone(), *kind, interval))
                .boxed(),
            SourceSettings::Prometheus { url, series } => {
                let client = PrometheusClient::new(self.http.clone(), url.clone());
                desk.serve(PrometheusProvider::new(client, url, series.clone(), interval))
                    .boxed()
            }
            SourceSettings::Static => {
                let table = TableProvider::new(self.yearly.clone(), desk.kind, interval);
                desk.serve(table).boxed()
            }
        }
    }
}

/// A provider's place in the chain of each of its zones.
fn places(settings: &CarbonSettings, name: &str) -> BTreeMap<ZoneId, u8> {
    let place = |chain: &Vec<String>| {
        let place = chain.iter().position(|provider| provider == name)?;
        u8::try_from(place).ok()
    };
    settings
        .zones
        .iter()
        .filter_map(|(zone, chain)| Some((zone.clone(), place(chain)?)))
        .collect()
}

/// Where one provider is asked from.
struct Desk<'a, E> {
    provider: &'a ProviderSettings,
    places: BTreeMap<ZoneId, u8>,
    /// The kind that is ranked.
    kind: IntensityKind,
    allowance: Allowance,
    answers: Answers,
    clock: Clock,
    out: Sender<CarbonReport>,
    events: E,
}

impl<E: CarbonEvents> Desk<'_, E> {
    async fn serve<P: Provider>(&self, provider: P) {
        let given = self.provider.source.kind().unwrap_or(self.kind);
        if given != self.kind {
            let (provider, ranked) = (&self.provider.name, self.kind);
            tracing::warn!(provider, %given, %ranked, "provider gives another kind than is ranked, so it counts as missing");
        }
        self.budget();
        let zones: Vec<ZoneId> = self.places.keys().cloned().collect();
        let asks = provider.asks(&zones);
        join_all(asks.iter().map(|ask| self.follow(&provider, ask))).await;
    }

    /// Asks one thing again and again, until nobody listens any more.
    async fn follow<P: Provider>(&self, provider: &P, ask: &Ask<P::Topic>) {
        let mut pace = Pace::new(ask.every, self.provider.interval);
        let mut silent = false;
        loop {
            self.allowance.held().await;
            let started = Instant::now();
            let answer = self.ask(provider, ask, &mut silent).await;
            let wait = match answer {
                Some(reports) => {
                    for report in reports {
                        if self.out.send(report).await.is_err() {
                            return;
                        }
                    }
                    pace.after_answer()
                }
                None if ask.calls == 0 => ask.every,
                None => pace.after_failure(),
            };
            tokio::select! {
                () = sleep_until(started + wait) => {}
                () = provider.changed() => {}
            }
        }
    }

    /// One ask. Silence and its end are told in the log; each call only in metrics.
    async fn ask<P: Provider>(
        &self,
        provider: &P,
        ask: &Ask<P::Topic>,
        silent: &mut bool,
    ) -> Option<Vec<CarbonReport>> {
        let now = (self.clock)();
        let (name, zone) = (self.provider.name.as_str(), ask.label());
        let (way, answer) = self.answers.get(provider, ask, &self.allowance, now).await;
        self.budget();
        match answer {
            Ok(told) => {
                let outcome = if way == Way::Called { "ok" } else { "shared" };
                self.events.fetched(name, zone, outcome);
                if std::mem::take(silent) {
                    tracing::info!(provider = name, zone, "carbon provider speaks again");
                }
                Some(told.iter().flat_map(|told| self.reports(ask, told)).collect())
            }
            Err(error) => {
                self.events.fetched(name, zone, error.kind());
                if let Some(after) = error.retry_after() {
                    self.allowance.hold(after.wait((self.clock)()));
                }
                if std::mem::replace(silent, true) {
                    tracing::debug!(provider = name, zone, %error, "carbon provider is still silent");
                } else {
                    tracing::warn!(provider = name, zone, %error, "carbon provider said nothing");
                }
                None
            }
        }
    }

    /// What was told, for each zone that it is about and that has this provider in its chain. Another kind than the one
    /// ranked is counted here and refused by the world.
    fn reports<T>(&self, ask: &Ask<T>, told: &Told) -> Vec<CarbonReport> {
        let zones = match &told.zone {
            Some(zone) => std::slice::from_ref(zone),
            None => ask.zones.as_slice(),
        };
        let placed = zones.iter().filter_map(|zone| Some((zone, *self.places.get(zone)?)));
        placed
            .map(|(zone, priority)| {
                if told.kind != self.kind {
                    self.events.fetched(&self.provider.name, zone.as_str(), "mismatch");
                }
                CarbonReport {
                    zone: zone.clone(),
                    kind: told.kind,
                    source: Source::new(&self.provider.name),
                    priority,
                    latest: told.latest,
                    forecast: told.forecast.clone(),
                    history: told.history.clone(),
                    fixed: told.fixed,
                }
            })
            .collect()
    }

    fn budget(&self) {
        if let Some((limit, left)) = self.allowance.left(Instant::now()) {
            self.events.budget(&self.provider.name, limit, left);
        }
    }
}
