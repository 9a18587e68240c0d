//! What every provider is to the rest of the room.

use super::access::{Ability, Access};
use super::error::CarbonError;
use heliotrope_core::grid::{IntensityKind, IntensityPoint, ZoneId};
use heliotrope_core::quantity::GramsPerKwh;
use heliotrope_core::snapshot::{Forecast, LatestIntensity};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::future::{Future, pending, ready};
use std::time::Duration;

/// Somebody who knows carbon intensities.
pub(super) trait Provider: Send + Sync {
    /// What it can be asked about, in its own terms.
    type Topic: Send + Sync;

    /// What has to be asked to know about these zones. Zones that one call serves are one ask.
    fn asks(&self, zones: &[ZoneId]) -> Vec<Ask<Self::Topic>>;

    /// Asks once.
    fn fetch(
        &self,
        topic: &Self::Topic,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Told>, CarbonError>> + Send;

    /// Whether it tells what a key can read.
    fn tells_access(&self) -> bool {
        false
    }

    /// What the key can read of each zone: one call, however many zones.
    fn access(
        &self,
        _zones: &[ZoneId],
        _now: Timestamp,
    ) -> impl Future<Output = Result<BTreeMap<ZoneId, Access>, CarbonError>> + Send {
        ready(Ok(BTreeMap::new()))
    }

    /// Ends when it is worth asking before its time.
    fn changed(&self) -> impl Future<Output = ()> + Send {
        pending()
    }
}

/// One thing that a provider is asked again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask<T> {
    /// What about.
    pub(super) topic: T,
    /// Names the answer: who asks the same gets the same answer.
    pub(super) key: String,
    /// The zones that the answer serves.
    pub(super) zones: Vec<ZoneId>,
    /// How often.
    pub(super) every: Duration,
    /// Calls over the network that one answer costs; 0 for what is at hand.
    pub(super) calls: u32,
    /// What a key must be able to read for it; none where there is no key.
    pub(super) needs: Option<Ability>,
}

impl<T> Ask<T> {
    /// How the ask is named in metrics: by its zone, or `*` where one answer serves several.
    pub(super) fn label(&self) -> &str {
        match self.zones.as_slice() {
            [zone] => zone.as_str(),
            _ => "*",
        }
    }
}

/// What an answer says of one place. An absent part says nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// The zone that the answer names; none where it is about whatever was asked.
    pub(super) zone: Option<ZoneId>,
    /// What the figures are.
    pub(super) kind: IntensityKind,
    /// The value for the running period.
    pub(super) latest: Option<LatestIntensity>,
    /// What is predicted.
    pub(super) forecast: Option<Forecast>,
    /// Past periods.
    pub(super) history: Vec<IntensityPoint>,
    /// A figure that does not age.
    pub(super) fixed: Option<GramsPerKwh>,
}

impl Told {
    /// Nothing yet, of some kind.
    pub(super) fn nothing(kind: IntensityKind) -> Self {
        Self {
            zone: None,
            kind,
            latest: None,
            forecast: None,
            history: Vec::new(),
            fixed: None,
        }
    }

    /// Whether it says anything at all.
    pub(super) fn is_empty(&self) -> bool {
        self.latest.is_none() && self.forecast.is_none() && self.history.is_empty() && self.fixed.is_none()
    }
}
