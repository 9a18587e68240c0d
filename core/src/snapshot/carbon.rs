use crate::grid::{IntensityKind, IntensitySeries, ZoneId};
use crate::quantity::{GramsPerKwh, Rung, Source};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a carbon reading counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderBounds {
    /// Past its period, a value is still live: providers publish a period's value a little late.
    pub live_grace: SignedDuration,
    /// After that, it is the last known value for this long.
    pub last_known_for: SignedDuration,
    /// A forecast counts this long after it was issued.
    pub forecast_for: SignedDuration,
}

impl Default for LadderBounds {
    fn default() -> Self {
        Self {
            live_grace: SignedDuration::from_mins(10),
            last_known_for: SignedDuration::from_hours(1),
            forecast_for: SignedDuration::from_hours(24),
        }
    }
}

impl LadderBounds {
    /// How long past its period a value is live or last known.
    pub(super) fn held_for(self) -> SignedDuration {
        self.live_grace.saturating_add(self.last_known_for)
    }
}

/// What a zone says on one rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarbonView {
    /// Intensity now and ahead.
    pub series: IntensitySeries,
    /// Intensity now.
    pub now: GramsPerKwh,
    /// Who said so.
    pub source: Source,
    /// When the value of now was observed, issued or, for climatology and static, computed.
    pub observed_at: Timestamp,
    /// Whether the provider estimated it.
    pub estimated: bool,
}

/// A zone in a snapshot: what it says on each rung that it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneState {
    /// The zone.
    pub id: ZoneId,
    pub(super) views: [Option<CarbonView>; 5],
}

impl ZoneState {
    /// What the zone says on a rung.
    #[must_use]
    pub fn view(&self, rung: Rung) -> Option<&CarbonView> {
        self.views.get(rung as usize).and_then(Option::as_ref)
    }

    /// The best rung that the zone has.
    #[must_use]
    pub fn best(&self) -> Option<(Rung, &CarbonView)> {
        Rung::ALL.into_iter().find_map(|rung| Some((rung, self.view(rung)?)))
    }

    /// A zone of which nothing is known.
    #[must_use]
    pub fn unknown(id: ZoneId) -> Self {
        Self {
            id,
            views: [const { None }; 5],
        }
    }
}

/// A report of another kind than the one ranked. It counts as missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_name} reports {got} intensity for {zone}, but {ranked} is ranked")]
pub struct KindMismatch {
    /// The zone.
    pub zone: ZoneId,
    /// Who reported.
    pub source_name: Source,
    /// What came.
    pub got: IntensityKind,
    /// What is ranked.
    pub ranked: IntensityKind,
}
