//! WattTime, API v3: marginal intensity (`co2_moer`) each five minutes, or average (`co2_aoer`) by the hour, in lb/MWh.
//!
//! Owns which routes are asked for which regions and what an answer means. Zones in, a [`Told`] about each region out;
//! [`session`] owns the token, [`wire`] the bodies, [`access`] what an account can read. Must never rank the percentile
//! index, which compares a region with its own last month, nor take a unit for granted.

mod access;
mod session;
mod wire;

use super::access::{Ability, Access};
use super::error::CarbonError;
use super::provider::{Ask, Provider, Told};
use crate::outbound::{HttpClient, OutboundError};
use heliotrope_core::grid::{Basis, IntensityKind, Signal, ZoneId};
use jiff::{SignedDuration, Timestamp};
use session::Session;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// A week of five-minute values is asked for as seldom as this: it is for the climatology.
const PAST_EVERY: Duration = Duration::from_secs(6 * 3600);
/// What a climatology is made of.
const PAST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Hours of forecast asked for, of the 72 that there are.
const HORIZON_HOURS: &str = "24";

/// What the settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WattTime {
    /// Base address.
    pub url: Url,
    /// File with the name of the account.
    pub username_file: PathBuf,
    /// File with its password.
    pub password_file: PathBuf,
    /// Marginal or average.
    pub signal: Signal,
    /// Region by zone.
    pub regions: BTreeMap<ZoneId, String>,
}

impl WattTime {
    /// What its figures are: emissions of generation, without building plants or fuel supply.
    #[must_use]
    pub fn kind(&self) -> IntensityKind {
        IntensityKind {
            signal: self.signal,
            basis: Basis::Direct,
        }
    }
}

/// The name of a signal on the wire.
fn signal_type(signal: Signal) -> &'static str {
    match signal {
        Signal::Marginal => "co2_moer",
        Signal::Average => "co2_aoer",
    }
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    region: String,
    what: Ability,
}

/// Asks the API.
pub(super) struct WattTimeProvider {
    session: Session,
    settings: WattTime,
    interval: Duration,
}

impl WattTimeProvider {
    pub(super) fn new(http: HttpClient, settings: WattTime, interval: Duration) -> Self {
        Self {
            session: Session::new(http, &settings),
            settings,
            interval,
        }
    }

    fn address(&self, topic: &Topic, now: Timestamp) -> Result<Url, CarbonError> {
        let mut url = address(&self.settings.url, &["v3", wire::route(topic.what)])?;
        let mut query = url.query_pairs_mut();
        query
            .append_pair("region", &topic.region)
            .append_pair("signal_type", signal_type(self.settings.signal));
        if topic.what == Ability::Forecast {
            query.append_pair("horizon_hours", HORIZON_HOURS);
        } else {
            let end = Timestamp::from_second(now.as_second()).unwrap_or(now);
            let start = end.saturating_sub(PAST).unwrap_or(end);
            query
                .append_pair("start", &start.to_string())
                .append_pair("end", &end.to_string());
        }
        drop(query);
        Ok(url)
    }

    /// The zones of each region.
    fn by_region(&self, zones: &[ZoneId]) -> BTreeMap<&str, Vec<ZoneId>> {
        let mut regions: BTreeMap<&str, Vec<ZoneId>> = BTreeMap::new();
        for zone in zones {
            if let Some(region) = self.settings.regions.get(zone) {
                regions.entry(region).or_default().push(zone.clone());
            }
        }
        regions
    }

    fn shape(&self, what: &str) -> CarbonError {
        CarbonError::Outbound(OutboundError::Shape {
            host: self.settings.url.host_str().unwrap_or_default().to_owned(),
            what: what.to_owned(),
        })
    }
}

/// A route below the base address.
fn address(base: &Url, path: &[&str]) -> Result<Url, CarbonError> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| CarbonError::Address)?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

impl Provider for WattTimeProvider {
    type Topic = Topic;

    /// The average has no forecast, and its past is all there is of it, up to three days late.
    fn asks(&self, zones: &[ZoneId]) -> Vec<Ask<Topic>> {
        let topics = match self.settings.signal {
            Signal::Marginal => vec![
                (Ability::Forecast, self.interval),
                (Ability::Past, self.interval.max(PAST_EVERY)),
            ],
            Signal::Average => vec![(Ability::Past, self.interval)],
        };
        let mut asks = Vec::new();
        for (region, zones) in self.by_region(zones) {
            for (what, every) in &topics {
                asks.push(Ask {
                    topic: Topic {
                        region: region.to_owned(),
                        what: *what,
                    },
                    key: format!("watttime {:?} {region} {what:?}", self.settings),
                    zones: zones.clone(),
                    every: *every,
                    calls: 1,
                    needs: Some(*what),
                });
            }
        }
        asks
    }

    async fn fetch(&self, topic: &Topic, now: Timestamp) -> Result<Vec<Told>, CarbonError> {
        let body = self.session.get(self.address(topic, now)?, now).await?;
        let reply = wire::Reply::parse(&body).ok_or_else(|| self.shape(wire::DOCUMENTED))?;
        if reply.warnings() > 0 {
            let (region, warnings) = (&topic.region, reply.warnings());
            tracing::debug!(region, warnings, "WattTime attached warnings to an answer");
        }
        let told = reply.told(topic.what, &topic.region, self.settings.signal, now)?;
        if told.is_empty() {
            return Err(CarbonError::NoData);
        }
        Ok(vec![told])
    }

    fn tells_access(&self) -> bool {
        true
    }

    async fn access(&self, zones: &[ZoneId], now: Timestamp) -> Result<BTreeMap<ZoneId, Access>, CarbonError> {
        let url = address(&self.settings.url, &["v3", "my-access"])?;
        let body = self.session.get(url, now).await?;
        let regions = access::of(&body, self.settings.signal).ok_or_else(|| self.shape("no signal_types"))?;
        let access = |(zone, region): (&ZoneId, &String)| (zone.clone(), access::can(&regions, region));
        let asked = self.settings.regions.iter().filter(|(zone, _)| zones.contains(zone));
        Ok(asked.map(access).collect())
    }
}
