//! Intensities from a Prometheus series, such as the exporter of grid-intensity-go.

use super::error::CarbonError;
use super::figure::GRAMS_PER_KWH_IN_LB_PER_MWH;
use super::provider::{Ask, Provider, Told};
use crate::outbound::{Access, PrometheusClient, TimedSample};
use heliotrope_core::grid::{IntensityKind, Signal, ZoneId};
use heliotrope_core::quantity::GramsPerKwh;
use heliotrope_core::snapshot::LatestIntensity;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// A sample holds until the next one can be expected: exporters follow hourly data.
const HOLDS: SignedDuration = SignedDuration::from_hours(1);

/// How old a sample may be to be found at all: exporters publish measured figures two to six hours late. Whether one so
/// old still counts is for the ladder to say.
const REACH: SignedDuration = SignedDuration::from_hours(6);

/// A unit of carbon intensity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// g/kWh, which is the same number in kg/MWh.
    GramsPerKwh,
    /// Pounds for each megawatt-hour: 0.45359237 g/kWh (the international pound).
    PoundsPerMwh,
}

impl Unit {
    /// g/kWh in one unit.
    fn grams_per_kwh(self) -> f64 {
        match self {
            Self::GramsPerKwh => 1.0,
            Self::PoundsPerMwh => GRAMS_PER_KWH_IN_LB_PER_MWH,
        }
    }

    /// Whether a series that says its unit in a label (`gCO2e per kWh`, `lbCO2e per MWh`, `percent` in grid-intensity-go)
    /// says another one.
    fn contradicts(self, label: &str) -> bool {
        let label: String = label.to_lowercase().split_whitespace().collect();
        let said = if label.starts_with("lb") && label.ends_with("mwh") {
            Some(Self::PoundsPerMwh)
        } else if label.starts_with("kg") && label.ends_with("mwh")
            || label.starts_with('g') && label.ends_with("kwh")
        {
            Some(Self::GramsPerKwh)
        } else {
            None
        };
        said != Some(self)
    }
}

/// A series of intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The selector.
    pub query: String,
    /// The label with the zone.
    pub zone_label: String,
    /// The unit of its figures.
    pub unit: Unit,
    /// What its figures are.
    pub kind: IntensityKind,
}

/// Asks a Prometheus for a series.
pub(super) struct PrometheusProvider {
    client: PrometheusClient,
    series: Series,
    key: String,
    every: Duration,
}

impl PrometheusProvider {
    pub(super) fn new(
        client: PrometheusClient,
        (url, access): (&Url, &Access),
        series: Series,
        every: Duration,
    ) -> Self {
        // Who asks as another sees another's series.
        let whose = access.stands_at().unwrap_or_default();
        let key = format!("prometheus {url} {whose} {series:?}");
        Self {
            client,
            series,
            key,
            every,
        }
    }

    /// What a sample says; nothing where it is no intensity.
    ///
    /// A zero of an average is nothing: no grid is free of carbon, and an exporter that has no value writes zero (grid-intensity-go
    /// does with a null of the GB API), which would make its zone the greenest there is. A marginal zero is a value: sun
    /// that would be wasted costs nothing.
    fn read(&self, sample: &TimedSample) -> Option<(ZoneId, LatestIntensity)> {
        let Series {
            zone_label, unit, kind, ..
        } = &self.series;
        let label = |name: &str| sample.labels.get(name).map(String::as_str);
        if label("units")
            .or_else(|| label("unit"))
            .is_some_and(|said| unit.contradicts(said))
        {
            return None;
        }
        let value = GramsPerKwh::new(sample.value * unit.grams_per_kwh()).ok()?;
        if value <= GramsPerKwh::ZERO && kind.signal == Signal::Average {
            return None;
        }
        let latest = LatestIntensity {
            value,
            from: sample.observed_at,
            until: sample.observed_at.saturating_add(HOLDS).ok()?,
            estimated: label("is_estimated") == Some("true"),
        };
        Some((label(zone_label)?.parse().ok()?, latest))
    }
}

impl Provider for PrometheusProvider {
    type Topic = ();

    fn asks(&self, zones: &[ZoneId]) -> Vec<Ask<()>> {
        vec![Ask {
            topic: (),
            key: self.key.clone(),
            zones: zones.to_vec(),
            every: self.every,
            calls: 1,
            needs: None,
        }]
    }

    /// Of several series of one zone the newest sample counts; of equally old ones the highest, for nobody can say which
    /// is right, and too high a figure sends no work where it should not be.
    async fn fetch(&self, (): &(), now: Timestamp) -> Result<Vec<Told>, CarbonError> {
        let vector = self.client.newest(&self.series.query, REACH, now).await?;
        let mut zones: BTreeMap<ZoneId, LatestIntensity> = BTreeMap::new();
        for (zone, latest) in vector.samples.iter().filter_map(|sample| self.read(sample)) {
            let held = zones.entry(zone).or_insert(latest);
            if (held.from, held.value) < (latest.from, latest.value) {
                *held = latest;
            }
        }
        if zones.is_empty() {
            return Err(CarbonError::NoData);
        }
        let told = zones.into_iter().map(|(zone, latest)| Told {
            zone: Some(zone),
            latest: Some(latest),
            ..Told::nothing(self.series.kind)
        });
        Ok(told.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_known_by_how_exporters_spell_it() {
        for (label, unit) in [
            ("gCO2e per kWh", Unit::GramsPerKwh),
            ("g/kWh", Unit::GramsPerKwh),
            ("kgCO2/MWh", Unit::GramsPerKwh),
            ("lbCO2e per MWh", Unit::PoundsPerMwh),
            ("lbs/MWh", Unit::PoundsPerMwh),
        ] {
            assert!(!unit.contradicts(label), "{label}");
            let other = if unit == Unit::GramsPerKwh {
                Unit::PoundsPerMwh
            } else {
                Unit::GramsPerKwh
            };
            assert!(other.contradicts(label), "{label}");
        }
        for strange in ["percent", "", "kgCO2/kWh", "lb/kWh"] {
            assert!(Unit::GramsPerKwh.contradicts(strange), "{strange}");
            assert!(Unit::PoundsPerMwh.contradicts(strange), "{strange}");
        }
    }
}
