//! What the keys of carbon providers can read, asked once for `heliotrope check --probe`.

use super::run::named_hosts;
use super::settings::Loaded;
use crate::carbon::{CarbonSources, Probe};
use crate::outbound::HttpClient;
use crate::telemetry::system_clock;
use tokio::sync::watch;

/// Calls out, once for each provider that wants a key.
///
/// # Errors
/// When there is no HTTP client. What a provider refuses is part of the answer.
pub async fn keys(loaded: &Loaded) -> anyhow::Result<Vec<Probe>> {
    let settings = &loaded.settings;
    let http = HttpClient::new(&settings.outbound, named_hosts(settings))?;
    let (_, yearly) = watch::channel(loaded.tables.zones.clone());
    let sources = CarbonSources::new(settings.carbon.clone(), yearly, http);
    Ok(sources.probe(&system_clock()).await)
}
