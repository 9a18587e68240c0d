//! Electricity Maps, API v4 and v3: hours in gCO2eq/kWh, average, flow-traced, lifecycle or direct as asked.
//!
//! Owns which routes are asked for which zones and what an answer means. Zones in, a [`Told`] about each out; [`wire`] owns
//! the bodies, [`access`] what a key can read. Must never take the figures of another zone, which the API gives where it
//! cannot resolve the one asked for and takes the caller's address instead: that is switched off, and the reply compared.

mod access;
mod wire;

use super::access::{Ability, Access};
use super::error::CarbonError;
use super::provider::{Ask, Provider, Told};
use crate::outbound::{Answer, Credential, HttpClient, OutboundError, Secret};
use heliotrope_core::grid::{Basis, IntensityKind, Signal, ZoneId};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use url::Url;

/// The header with the key.
const KEY_HEADER: &str = "auth-token";
/// The past and the forecast gain an hour each hour; asking more often tells little new.
const HOURLY: Duration = Duration::from_secs(3600);
/// The days before the last one are asked for once a day.
const DAILY: Duration = Duration::from_secs(24 * 3600);
/// A forecast does not say its basis, nor does all of the past. They wait this long for another answer about their zone,
/// and are then believed.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);
/// How far back: what a climatology is made of, and below the ten days that one call may ask for.
const PAST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Generation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The current one.
    V4,
    /// The one before, still served.
    V3,
}

impl Version {
    fn path(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V3 => "v3",
        }
    }

    /// The parameter without which a place that cannot be resolved is that of the caller's address.
    fn no_caller_lookup(self) -> (&'static str, &'static str) {
        match self {
            Self::V4 => ("disableCallerLookup", "true"),
            Self::V3 => ("shouldUseFallbackCallerLookup", "false"),
        }
    }
}

/// A data centre by the name of its provider and region, from which the API finds the zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataCenter {
    /// `gcp`, `aws`, `azure`…, in lower case as the API wants it.
    pub provider: String,
    /// `europe-west1`…, in lower case.
    pub region: String,
}

/// What the settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElectricityMaps {
    /// Base address, without the version.
    pub url: Url,
    /// Version.
    pub version: Version,
    /// File with the key.
    pub key_file: PathBuf,
    /// The basis that is ranked, which is the one asked for.
    pub basis: Basis,
    /// Hours of forecast asked for, of those that the plan has; the API's own default, 24, without it.
    pub horizon_hours: Option<u8>,
    /// Zones that are asked for by a data centre in them.
    pub data_centers: BTreeMap<ZoneId, DataCenter>,
}

impl ElectricityMaps {
    /// What its figures are.
    #[must_use]
    pub fn kind(&self) -> IntensityKind {
        IntensityKind {
            signal: Signal::Average,
            basis: self.basis,
        }
    }
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    zone: ZoneId,
    what: Ability,
}

/// Asks the API.
pub(super) struct ElectricityMapsProvider {
    http: HttpClient,
    settings: ElectricityMaps,
    interval: Duration,
    /// The basis that answers about each zone last said they have, or that they say none.
    said: watch::Sender<BTreeMap<ZoneId, Option<Basis>>>,
}

impl ElectricityMapsProvider {
    pub(super) fn new(http: HttpClient, settings: ElectricityMaps, interval: Duration) -> Self {
        Self {
            http,
            settings,
            interval,
            said: watch::Sender::default(),
        }
    }

    /// The kind of an answer: the one that it says, or else the one that others about the zone say. An API that does not heed
    /// the basis asked for does not heed it in its forecast either. Where not even the running hour says one, none will.
    async fn kind(&self, topic: &Topic, reply: &wire::Reply) -> IntensityKind {
        let (asked, zone, own) = (self.settings.kind(), &topic.zone, reply.basis());
        if own.is_some() || topic.what == Ability::Latest {
            self.said.send_modify(|said| {
                let held = said.entry(zone.clone()).or_default();
                *held = own.or(*held);
            });
        }
        let mut said = self.said.subscribe();
        let known = timeout(CONFIRMED_WITHIN, said.wait_for(|said| said.contains_key(zone))).await;
        let others = || known.ok()?.ok()?.get(zone).copied().flatten();
        IntensityKind {
            basis: own.or_else(others).unwrap_or(asked.basis),
            ..asked
        }
    }

    fn address(&self, path: &[&str]) -> Result<Url, CarbonError> {
        let mut url = self.settings.url.clone();
        url.path_segments_mut()
            .map_err(|()| CarbonError::Address)?
            .pop_if_empty()
            .push(self.settings.version.path())
            .extend(path);
        Ok(url)
    }

    fn question(&self, topic: &Topic, now: Timestamp) -> Result<Url, CarbonError> {
        let mut url = self.address(&["carbon-intensity", wire::route(topic.what)])?;
        let ElectricityMaps { version, basis, .. } = self.settings;
        let mut query = url.query_pairs_mut();
        match self.settings.data_centers.get(&topic.zone) {
            None => query.append_pair("zone", topic.zone.as_str()),
            Some(site) => query
                .append_pair("dataCenterProvider", &site.provider)
                .append_pair("dataCenterRegion", &site.region),
        };
        let (lookup, off) = version.no_caller_lookup();
        query
            .append_pair("emissionFactorType", wire::name(basis))
            .append_pair("flowTraced", "true")
            .append_pair(lookup, off);
        match (topic.what, self.settings.horizon_hours) {
            (Ability::Forecast, Some(hours)) => {
                query.append_pair("horizonHours", &hours.to_string());
            }
            (Ability::Past, _) => {
                let end = Timestamp::from_second(now.as_second().div_euclid(3600) * 3600).unwrap_or(now);
                let start = end.saturating_sub(PAST).unwrap_or(end);
                query
                    .append_pair("start", &start.to_string())
                    .append_pair("end", &end.to_string());
            }
            _ => {}
        }
        drop(query);
        Ok(url)
    }

    /// Calls with the key, which is read anew each time: a rotated one counts at once.
    async fn call(&self, url: Url) -> Result<Vec<u8>, CarbonError> {
        let key = Secret::read(&self.settings.key_file)?;
        let answer = self.http.call(url, Some(Credential::Header(KEY_HEADER, &key))).await?;
        body(answer)
    }
}

/// The body of a success; a refusal by what it means.
fn body(answer: Answer) -> Result<Vec<u8>, CarbonError> {
    let host = || answer.host.clone();
    match answer.status {
        401 => Err(CarbonError::Key { host: host() }),
        403 => Err(CarbonError::Denied { host: host() }),
        // The gateway's own 404; one about a zone says something else.
        404 if answer.says("no Route matched") => Err(CarbonError::Route { host: host() }),
        _ => Ok(answer.body()?),
    }
}

fn shape(url: &Url, what: &str) -> CarbonError {
    CarbonError::Outbound(OutboundError::Shape {
        host: url.host_str().unwrap_or_default().to_owned(),
        what: what.to_owned(),
    })
}

impl Provider for ElectricityMapsProvider {
    type Topic = Topic;

    fn asks(&self, zones: &[ZoneId]) -> Vec<Ask<Topic>> {
        let asks = zones.iter().flat_map(|zone| {
            Ability::ALL.map(|what| Ask {
                topic: Topic {
                    zone: zone.clone(),
                    what,
                },
                key: format!("electricity-maps {:?} {zone} {what:?}", self.settings),
                zones: vec![zone.clone()],
                every: match what {
                    Ability::Latest => self.interval,
                    Ability::History | Ability::Forecast => self.interval.max(HOURLY),
                    Ability::Past => self.interval.max(DAILY),
                },
                calls: 1,
                needs: Some(what),
            })
        });
        asks.collect()
    }

    async fn fetch(&self, topic: &Topic, now: Timestamp) -> Result<Vec<Told>, CarbonError> {
        let url = self.question(topic, now)?;
        let body = self.call(url.clone()).await?;
        let answer = wire::Reply::parse(&body).ok_or_else(|| shape(&url, wire::DOCUMENTED))?;
        answer.check(&topic.zone)?;
        let kind = self.kind(topic, &answer).await;
        let told = answer.told(topic.what, kind, now);
        if told.is_empty() {
            return Err(CarbonError::NoData);
        }
        Ok(vec![told])
    }

    fn tells_access(&self) -> bool {
        true
    }

    async fn access(&self, zones: &[ZoneId], _: Timestamp) -> Result<BTreeMap<ZoneId, Access>, CarbonError> {
        let url = self.address(&["zones"])?;
        let body = self.call(url.clone()).await?;
        access::of(&body, zones).ok_or_else(|| shape(&url, "zones are not a map of zones"))
    }
}
