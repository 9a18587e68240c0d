use super::hpa::Replicas;
use super::outlook::Outlook;
use crate::quantity::{GramsPerKwh, Ratio};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// When the grid counts as dirty. It becomes dirty at `enter` and stays so until it is past `leave`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// By the intensity itself.
    Above {
        /// Dirty from here on.
        enter: GramsPerKwh,
        /// Clean again from here down.
        leave: GramsPerKwh,
    },
    /// By what waiting would save: one minus the best mean ahead over the value of now. It fits every grid, and it says
    /// nothing where no better hour is in sight.
    Saving {
        /// Dirty when waiting saves at least this share.
        enter: Ratio,
        /// Clean again when it saves no more than this.
        leave: Ratio,
        /// How far ahead a better time may lie: as long as the work can wait.
        ahead: SignedDuration,
        /// How long the better time must last.
        stretch: SignedDuration,
    },
}

/// The most replicas while the grid is dirty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ceiling {
    /// So many.
    Replicas(Replicas),
    /// This share of `maxReplicas`, rounded up.
    ShareOfMax(Ratio),
}

/// Fewer replicas while the grid is dirty, unless the service suffers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarbonRule {
    /// When.
    pub when: Trigger,
    /// How many then.
    pub ceiling: Ceiling,
    /// How long the bound rests after the service was strained.
    pub rest: SignedDuration,
}

impl Ceiling {
    pub(super) fn replicas(self, max: Replicas) -> Replicas {
        match self {
            Self::Replicas(replicas) => replicas,
            #[expect(clippy::cast_possible_truncation, reason = "a share of a number of replicas")]
            Self::ShareOfMax(share) => (f64::from(max) * share.get()).ceil() as Replicas,
        }
    }
}

impl Trigger {
    /// Whether the grid is dirty at a moment, given whether it was; `None` where that cannot be said.
    pub(super) fn dirty(self, outlook: &Outlook<'_>, when: Timestamp, was: bool) -> Option<bool> {
        let value = outlook.at(when)?;
        match self {
            Self::Above { enter, leave } => Some(value >= enter || (was && value > leave)),
            Self::Saving {
                enter,
                leave,
                ahead,
                stretch,
            } => {
                // Where nothing is known ahead, nothing is known to be gained by waiting.
                let best = outlook.best(when, ahead, stretch)?;
                let saving = if value.get() > 0.0 {
                    1.0 - best / value.get()
                } else {
                    0.0
                };
                Some(saving >= enter.get() || (was && saving > leave.get()))
            }
        }
    }
}
