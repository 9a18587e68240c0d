//! Coefficients of the power model, each with where it comes from.

use crate::gpu::{FigureOrigin, GpuProfile};
use crate::quantity::{Ratio, Watts};
use serde::{Deserialize, Serialize};

/// Where a coefficient of the power model comes from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CoefficientSource {
    /// Telemetry of this node.
    Observed,
    /// The operator's profile.
    Override,
    /// Telemetry of the other nodes with this model.
    ObservedModel,
    /// The profile table that comes with Heliotrope.
    Profile,
    /// A row of that table that is a rule of thumb.
    RuleOfThumb,
}

impl CoefficientSource {
    /// All of them, best first.
    pub const ALL: [Self; 5] = [
        Self::Observed,
        Self::Override,
        Self::ObservedModel,
        Self::Profile,
        Self::RuleOfThumb,
    ];

    /// The name used in explanations and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Override => "override",
            Self::ObservedModel => "observed-model",
            Self::Profile => "profile",
            Self::RuleOfThumb => "rule-of-thumb",
        }
    }
}

impl From<FigureOrigin> for CoefficientSource {
    fn from(origin: FigureOrigin) -> Self {
        match origin {
            FigureOrigin::Override => Self::Override,
            FigureOrigin::Table => Self::Profile,
            FigureOrigin::RuleOfThumb => Self::RuleOfThumb,
        }
    }
}

/// A coefficient with its source.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// Watts for one board.
    pub watts: Watts,
    /// Where it comes from.
    pub source: CoefficientSource,
    /// Samples that it was learned from; zero for what was not learned.
    pub samples: u32,
}

/// What one board draws: idle, with a context open, and from there to full use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Idle with no process.
    pub bare: Coefficient,
    /// The step that the first open context adds.
    pub context: Coefficient,
    /// What full use adds to that.
    pub slope: Coefficient,
}

impl Figures {
    /// What the profile says.
    pub(super) fn of(profile: &GpuProfile, [bare, context, max]: [FigureOrigin; 3]) -> Self {
        let figure = |watts, origin: FigureOrigin| Coefficient {
            watts,
            source: origin.into(),
            samples: 0,
        };
        Self {
            bare: figure(profile.bare, bare),
            context: figure(profile.context, context),
            slope: figure(profile.max - profile.bare - profile.context, max),
        }
    }

    /// What a working board draws above bare idle: `context + slope · utilisation`.
    #[must_use]
    pub fn active(&self, utilisation: Ratio) -> Watts {
        self.context.watts + self.slope.watts * utilisation.get()
    }
}
