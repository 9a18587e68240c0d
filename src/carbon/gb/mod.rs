//! GB Carbon Intensity API (NESO): half-hours in gCO2/kWh, average, direct emissions of generation.
//!
//! Owns which routes are asked for which zones, and what the periods of an answer mean. Zones in, a [`Told`] about each
//! area out; [`wire`] owns the bodies. Must never take a null, a zero or another region's figures for a value.

mod wire;

use super::error::CarbonError;
use super::provider::{Ask, Provider, Told};
use crate::outbound::{HttpClient, OutboundError};
use heliotrope_core::grid::{Basis, IntensityKind, IntensityPoint, Signal, ZoneId};
use heliotrope_core::snapshot::{Forecast, LatestIntensity};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;
use wire::Period;

/// What the API publishes: CO2 of generation, imports included, nothing of building plants or of fuel supply.
pub(super) const KIND: IntensityKind = IntensityKind {
    signal: Signal::Average,
    basis: Basis::Direct,
};

/// The past gains one period each half hour; asking for it more often tells nothing new.
const PAST_EVERY: Duration = Duration::from_secs(30 * 60);

/// Which stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// The day before.
    Past,
    /// The running period and two days.
    Ahead,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Topic {
    /// Number of the region; none for all of Great Britain.
    region: Option<u8>,
    span: Span,
}

/// Asks the API.
pub(super) struct GbProvider {
    http: HttpClient,
    base: Url,
    regions: BTreeMap<ZoneId, u8>,
    interval: Duration,
}

impl GbProvider {
    pub(super) fn new(http: HttpClient, base: Url, regions: BTreeMap<ZoneId, u8>, interval: Duration) -> Self {
        Self {
            http,
            base,
            regions,
            interval,
        }
    }

    fn address(&self, topic: Topic, now: Timestamp) -> Result<Url, CarbonError> {
        let from = now.strftime("%Y-%m-%dT%H:%MZ");
        let span = match topic.span {
            Span::Past => "pt24h",
            Span::Ahead => "fw48h",
        };
        let path = match topic.region {
            None => format!("intensity/{from}/{span}"),
            Some(id) => format!("regional/intensity/{from}/{span}/regionid/{id}"),
        };
        let mut url = self.base.clone();
        // Not `join`, which would take the last part of a base address for a file and drop it.
        url.path_segments_mut()
            .map_err(|()| CarbonError::Address)?
            .pop_if_empty()
            .extend(path.split('/'));
        Ok(url)
    }
}

impl Provider for GbProvider {
    type Topic = Topic;

    fn asks(&self, zones: &[ZoneId]) -> Vec<Ask<Topic>> {
        let mut areas: BTreeMap<Option<u8>, Vec<ZoneId>> = BTreeMap::new();
        for zone in zones {
            let area = areas.entry(self.regions.get(zone).copied()).or_default();
            area.push(zone.clone());
        }
        let asks = areas.into_iter().flat_map(|(region, zones)| {
            [Span::Ahead, Span::Past].map(|span| Ask {
                topic: Topic { region, span },
                key: format!("gb {} {region:?} {span:?}", self.base),
                zones: zones.clone(),
                every: match span {
                    Span::Past => self.interval.max(PAST_EVERY),
                    Span::Ahead => self.interval,
                },
                calls: 1,
                needs: None,
            })
        });
        asks.collect()
    }

    async fn fetch(&self, topic: &Topic, now: Timestamp) -> Result<Vec<Told>, CarbonError> {
        let url = self.address(*topic, now)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let body = self.http.get(url).await?;
        let answer = wire::Body::parse(&body).ok_or(OutboundError::Shape {
            host,
            what: "data is neither periods nor a region".to_owned(),
        })?;
        let periods = answer.periods(topic.region).ok_or(CarbonError::Elsewhere)?;
        told(&periods, topic.span, now)
    }
}

/// What the periods say. A region has no `actual` at all, and the country has none for the running period: the figure
/// for now is then the API's own estimate, and told as such.
fn told(periods: &[Period], span: Span, now: Timestamp) -> Result<Vec<Told>, CarbonError> {
    let mut told = Told::nothing(KIND);
    let mut ahead: Vec<&Period> = Vec::new();
    for period in periods {
        if period.from <= now
            && let Some(value) = period.actual.or(period.forecast)
        {
            told.history.push(IntensityPoint {
                from: period.from,
                value,
            });
            told.latest = Some(LatestIntensity {
                value,
                from: period.from,
                until: period.to,
                estimated: period.actual.is_none(),
            });
        }
        // A forecast ends where a period is missing: what lies beyond is not known from what lies before.
        let follows = ahead.last().is_none_or(|before| before.to == period.from);
        if period.to > now && period.forecast.is_some() && follows {
            ahead.push(period);
        }
    }
    if span == Span::Ahead
        && let Some(last) = ahead.last()
    {
        let point = |period: &&Period| {
            let (from, value) = (period.from, period.forecast?);
            Some(IntensityPoint { from, value })
        };
        told.forecast = Some(Forecast {
            issued_at: now,
            until: last.to,
            points: ahead.iter().filter_map(point).collect(),
        });
    }
    if told.is_empty() {
        return Err(CarbonError::NoData);
    }
    Ok(vec![told])
}
