use crate::app::run::named_hosts;
use crate::app::settings::Settings;
use crate::outbound::{HttpClient, OutboundError};
use crate::power::PowerSources;
use crate::telemetry::{Metrics, system_clock};
use heliotrope_core::snapshot::PowerReport;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Sources are looked at this often until all have answered.
const LOOK: Duration = Duration::from_millis(50);

/// What the power sources of the settings said when they were asked once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Telemetry {
    /// What they measured.
    pub reports: Vec<PowerReport>,
    /// Sources that said nothing, with what came instead.
    pub silent: Vec<String>,
}

/// Asks every power source of the settings once, for as long as its calls may take; `None` where there are none.
///
/// # Errors
/// When no HTTP client can be made.
pub async fn telemetry(settings: &Settings) -> Result<Option<Telemetry>, OutboundError> {
    let names: Vec<String> = settings
        .power
        .sources
        .iter()
        .map(|source| source.name.clone())
        .collect();
    if names.is_empty() {
        return Ok(None);
    }
    let http = HttpClient::new(&settings.outbound, named_hosts(settings))?;
    let patience = settings.outbound.timeout * 2;
    let settings = settings.power.clone();
    let metrics = Metrics::new();
    let (out, mut reports) = mpsc::channel(64);
    let stop = CancellationToken::new();
    let asked = PowerSources::new(settings, http).run(system_clock(), out, metrics.clone(), stop.clone());
    let mut found = Telemetry::default();
    let listen = async {
        let wait = async {
            while names.iter().any(|name| answer(&metrics, name).is_none()) {
                tokio::time::sleep(LOOK).await;
            }
            // A report follows its being counted.
            tokio::time::sleep(LOOK).await;
        };
        let _late = tokio::time::timeout(patience, wait).await;
        stop.cancel();
    };
    tokio::join!(asked, listen);
    while let Ok(report) = reports.try_recv() {
        found.reports.push(report);
    }
    for name in names {
        match answer(&metrics, &name) {
            Some(outcome) if outcome == "ok" => {}
            Some(outcome) => found.silent.push(format!("{name}: {outcome}")),
            None => found.silent.push(format!("{name}: no answer")),
        }
    }
    Ok(Some(found))
}

/// What a source was counted with.
fn answer(metrics: &Metrics, source: &str) -> Option<String> {
    let page = metrics.exposition();
    let start = format!("heliotrope_power_fetches_total{{source=\"{source}\",outcome=\"");
    let found = page
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.split('"').next());
    found.map(str::to_owned)
}
