//! Intensities from a Prometheus series, such as the exporter of grid-intensity-go.

use super::run::CarbonError;
use crate::outbound::PrometheusClient;
use heliotrope_core::grid::IntensityKind;
use heliotrope_core::quantity::{GramsPerKwh, Source};
use heliotrope_core::snapshot::{CarbonReport, LatestIntensity};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A sample holds until the next one can be expected: exporters follow hourly data.
const HOLDS: SignedDuration = SignedDuration::from_hours(1);

/// Asks for the series and for the age of each sample: the time of an answer is that of the question, not of the sample.
pub(super) async fn fetch(
    client: &PrometheusClient,
    query: &str,
    zone_label: &str,
    grams_per_unit: f64,
    kind: IntensityKind,
    name: &str,
    now: Timestamp,
) -> Result<Vec<CarbonReport>, CarbonError> {
    let values = client.query(query, now).await?;
    let stamps = client.query(&format!("timestamp({query})"), now).await?;
    let stamps: BTreeMap<String, f64> = stamps
        .into_iter()
        .filter_map(|mut sample| Some((sample.labels.remove(zone_label)?, sample.value)))
        .collect();
    let reports = values.iter().filter_map(|sample| {
        let label = sample.labels.get(zone_label)?;
        let from = SignedDuration::try_from_secs_f64(*stamps.get(label)?).ok()?;
        let from = Timestamp::UNIX_EPOCH.saturating_add(from).ok()?;
        let value = GramsPerKwh::new(sample.value * grams_per_unit).ok()?;
        let until = from.saturating_add(HOLDS).ok()?;
        let latest = Some(LatestIntensity {
            value,
            from,
            until,
            estimated: false,
        });
        Some(CarbonReport {
            zone: label.parse().ok()?,
            kind,
            source: Source::new(name),
            priority: 0,
            latest,
            forecast: None,
            history: Vec::new(),
            fixed: None,
        })
    });
    Ok(reports.collect())
}
