use super::access::Probe;
use super::allowance::Allowance;
use super::answers::Answers;
use super::desk::{Desk, probe};
use super::electricity_maps::ElectricityMapsProvider;
use super::file::FileProvider;
use super::gb::GbProvider;
use super::memory::{CarbonMemory, OwnMemory};
use super::prometheus::PrometheusProvider;
use super::settings::{CarbonSettings, SourceSettings};
use super::table::TableProvider;
use super::watttime::WattTimeProvider;
use crate::outbound::{HttpClient, PrometheusClient};
use crate::telemetry::{Clock, Metrics};
use futures::future::{BoxFuture, FutureExt, join_all};
use heliotrope_core::grid::{ZoneId, ZoneTable};
use heliotrope_core::snapshot::CarbonReport;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Told of every call.
pub trait CarbonEvents: Clone + Send + Sync {
    /// A provider was asked about a zone (`*`: about several at once), or one of its figures is of another kind than the
    /// one ranked (`mismatch`).
    fn fetched(&self, provider: &str, zone: &str, outcome: &'static str);

    /// What is left of a provider's calls of the hour.
    fn budget(&self, provider: &str, limit: u32, left: u32);

    /// Whether a provider's key can read something of a zone.
    fn access(&self, provider: &str, zone: &str, what: &'static str, can: bool);
}

impl CarbonEvents for Metrics {
    fn fetched(&self, provider: &str, zone: &str, outcome: &'static str) {
        Self::fetched(self, provider, zone, outcome);
    }

    fn budget(&self, provider: &str, limit: u32, left: u32) {
        Self::carbon_budget(self, provider, limit, left);
    }

    fn access(&self, provider: &str, zone: &str, what: &'static str, can: bool) {
        Self::carbon_access(self, provider, zone, what, can);
    }
}

/// All providers with the zones that they are asked about.
#[derive(Debug)]
pub struct CarbonSources {
    settings: CarbonSettings,
    yearly: watch::Receiver<ZoneTable>,
    http: HttpClient,
    memory: Arc<CarbonMemory>,
}

impl CarbonSources {
    /// The providers of the settings; `yearly` is what the static provider says.
    #[must_use]
    pub fn new(settings: CarbonSettings, yearly: watch::Receiver<ZoneTable>, http: HttpClient) -> Self {
        Self {
            settings,
            yearly,
            http,
            memory: Arc::default(),
        }
    }

    /// Goes on where the process before this one left off.
    #[must_use]
    pub fn remembering(mut self, memory: CarbonMemory) -> Self {
        memory.retain(|name| self.settings.providers.iter().any(|provider| provider.name == name));
        self.memory = Arc::new(memory);
        self
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
        let desks = self.settings.providers.iter().map(|provider| {
            let memory = OwnMemory::new(&self.memory, &provider.name, &clock);
            Desk {
                provider,
                places: places(&self.settings, &provider.name),
                kind: self.settings.kind,
                allowance: Allowance::new(provider.calls_per_hour).remembering(memory.clone()),
                answers: answers.clone(),
                memory,
                clock: clock.clone(),
                out: out.clone(),
                events: events.clone(),
            }
        });
        let desks: Vec<_> = desks.collect();
        let loops = desks.iter().map(|desk| self.serve(desk));
        tokio::select! {
            () = cancel.cancelled() => {}
            _ = join_all(loops) => cancel.cancelled().await,
        }
        self.memory.write().await;
    }

    /// Asks once what the keys can read, as `run` does at its start; nobody is asked who wants no key.
    pub async fn probe(&self, clock: &Clock) -> Vec<Probe> {
        let mut probes = Vec::new();
        for provider in &self.settings.providers {
            let zones: Vec<ZoneId> = places(&self.settings, &provider.name).into_keys().collect();
            let (http, interval, now) = (self.http.clone(), provider.interval, clock());
            let told = match &provider.source {
                SourceSettings::ElectricityMaps(settings) => {
                    let asked = ElectricityMapsProvider::new(http, settings.clone(), interval);
                    probe(&provider.name, &asked, &zones, now).await
                }
                SourceSettings::WattTime(settings) => {
                    let asked = WattTimeProvider::new(http, settings.clone(), interval);
                    probe(&provider.name, &asked, &zones, now).await
                }
                _ => continue,
            };
            probes.push(told);
        }
        probes
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
            SourceSettings::Prometheus { url, access, series } => {
                let client = PrometheusClient::new(self.http.clone(), url.clone(), access);
                desk.serve(PrometheusProvider::new(client, (url, access), series.clone(), interval))
                    .boxed()
            }
            SourceSettings::ElectricityMaps(settings) => desk
                .serve(ElectricityMapsProvider::new(
                    self.http.clone(),
                    settings.clone(),
                    interval,
                ))
                .boxed(),
            SourceSettings::WattTime(settings) => desk
                .serve(WattTimeProvider::new(self.http.clone(), settings.clone(), interval))
                .boxed(),
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
