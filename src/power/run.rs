use super::dcgm;
use super::settings::{PowerSettings, PowerSource};
use crate::outbound::{HttpClient, OutboundError, PrometheusClient};
use crate::telemetry::{Clock, Metrics};
use futures::future::join_all;
use heliotrope_core::snapshot::PowerReport;
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
        let loops = self.settings.sources.iter().map(|source| {
            let (clock, out, metrics) = (clock.clone(), out.clone(), metrics.clone());
            let client = PrometheusClient::new(self.http.clone(), source.url.clone());
            let interval = self.settings.interval;
            async move {
                let mut ticks = tokio::time::interval(interval);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    match ask(&client, source, &clock).await {
                        Ok((report, implausible)) => {
                            metrics.implausible(implausible);
                            if out.send(report).await.is_err() {
                                return;
                            }
                        }
                        Err(error) => tracing::warn!(source = source.name, %error, "power source said nothing"),
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

/// Both questions at one moment, so that they speak of the same samples.
async fn ask(
    client: &PrometheusClient,
    source: &PowerSource,
    clock: &Clock,
) -> Result<(PowerReport, u64), OutboundError> {
    let at = clock();
    let watts = client.query(&source.metric, at).await?;
    let stamps = client.query(&format!("timestamp({})", source.metric), at).await?;
    Ok(dcgm::report(&watts, &stamps, &source.node_labels, &source.name))
}
