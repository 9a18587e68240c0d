use super::settings::{CarbonSettings, ProviderSettings, SourceSettings};
use super::{file, gb, prometheus};
use crate::outbound::{HttpClient, OutboundError, PrometheusClient};
use crate::telemetry::Clock;
use futures::future::join_all;
use heliotrope_core::grid::{IntensityKind, ZoneId, ZoneTable};
use heliotrope_core::quantity::Source;
use heliotrope_core::snapshot::CarbonReport;
use std::collections::BTreeMap;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// Why a provider said nothing.
#[derive(Debug, thiserror::Error)]
pub enum CarbonError {
    /// It could not be asked, or did not answer.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// Its answer holds no value.
    #[error("answer holds no value")]
    NoData,
    /// Its answer has a time that is not one.
    #[error("answer has a time that is not one")]
    Time,
    /// Its address cannot be made.
    #[error("address cannot be made from url")]
    Address,
    /// The file is wrong.
    #[error("file {what} (line {line})")]
    File {
        /// Line, 1 for the first; 0 for the file as a whole.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
}

impl CarbonError {
    /// The name used in metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Outbound(error) => error.kind(),
            Self::NoData => "no-data",
            Self::Time | Self::Address => "shape",
            Self::File { .. } => "file",
        }
    }
}

/// Told of every call.
pub trait CarbonEvents: Clone + Send + Sync {
    /// A provider was asked about a zone (`*`: about all of its zones at once).
    fn fetched(&self, provider: &str, zone: &str, outcome: &'static str);
}

impl CarbonEvents for crate::telemetry::Metrics {
    fn fetched(&self, provider: &str, zone: &str, outcome: &'static str) {
        Self::fetched(self, provider, zone, outcome);
    }
}

/// All providers with the zones that they are asked about.
#[derive(Debug)]
pub struct CarbonSources {
    settings: CarbonSettings,
    yearly: ZoneTable,
    http: HttpClient,
}

impl CarbonSources {
    /// The providers of the settings; `yearly` is what the static provider says.
    #[must_use]
    pub fn new(settings: CarbonSettings, yearly: ZoneTable, http: HttpClient) -> Self {
        Self { settings, yearly, http }
    }

    /// Asks every provider at its interval until cancelled. One that fails stops no other.
    pub async fn run(
        self,
        clock: Clock,
        out: Sender<CarbonReport>,
        events: impl CarbonEvents,
        cancel: CancellationToken,
    ) {
        let Self { settings, yearly, http } = self;
        let loops = settings.providers.iter().map(|provider| {
            let (clock, out, events) = (clock.clone(), out.clone(), events.clone());
            let (yearly, http, zones) = (&yearly, &http, places(&settings, &provider.name));
            let kind = settings.kind;
            async move {
                let asked = Asked {
                    provider,
                    zones,
                    kind,
                    yearly,
                    http,
                };
                let mut ticks = tokio::time::interval(provider.interval);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    for report in asked.ask(&clock, &events).await {
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

struct Asked<'a> {
    provider: &'a ProviderSettings,
    zones: BTreeMap<ZoneId, u8>,
    kind: IntensityKind,
    yearly: &'a ZoneTable,
    http: &'a HttpClient,
}

impl Asked<'_> {
    /// One round: reports about the provider's zones, with its place in each zone's chain.
    async fn ask(&self, clock: &Clock, events: &impl CarbonEvents) -> Vec<CarbonReport> {
        let ProviderSettings { name, source, .. } = self.provider;
        let mut reports = Vec::new();
        match source {
            SourceSettings::Gb { url, regions } => {
                for zone in self.zones.keys() {
                    let region = regions.get(zone).copied();
                    let fetched = gb::fetch(self.http, url, region, zone, name, clock()).await;
                    reports.extend(told(name, zone.as_str(), fetched.map(|report| vec![report]), events));
                }
            }
            SourceSettings::File { path, kind } => {
                reports = told(name, "*", file::fetch(path, *kind, name, clock()).await, events);
            }
            SourceSettings::Prometheus {
                url,
                query,
                zone_label,
                grams_per_unit,
                kind,
            } => {
                let client = PrometheusClient::new(self.http.clone(), url.clone());
                let fetched = prometheus::fetch(&client, query, zone_label, *grams_per_unit, *kind, name, clock());
                reports = told(name, "*", fetched.await, events);
            }
            SourceSettings::Static => reports = self.zones.keys().filter_map(|zone| self.table(zone)).collect(),
        }
        let placed = |mut report: CarbonReport| {
            report.priority = *self.zones.get(&report.zone)?;
            Some(report)
        };
        reports.into_iter().filter_map(placed).collect()
    }

    fn table(&self, zone: &ZoneId) -> Option<CarbonReport> {
        let average = self.yearly.yearly(zone, self.kind)?;
        Some(CarbonReport {
            zone: zone.clone(),
            kind: self.kind,
            source: Source::new(&self.provider.name),
            priority: 0,
            latest: None,
            forecast: None,
            history: Vec::new(),
            fixed: Some(average.intensity),
        })
    }
}

fn told(
    provider: &str,
    zone: &str,
    fetched: Result<Vec<CarbonReport>, CarbonError>,
    events: &impl CarbonEvents,
) -> Vec<CarbonReport> {
    match fetched {
        Ok(reports) => {
            events.fetched(provider, zone, "ok");
            reports
        }
        Err(error) => {
            events.fetched(provider, zone, error.kind());
            tracing::warn!(provider, zone, %error, "carbon provider said nothing");
            Vec::new()
        }
    }
}
