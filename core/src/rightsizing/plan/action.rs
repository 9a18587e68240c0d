use super::make::Plan;
use crate::rightsizing::hpa::Replicas;
use serde::{Deserialize, Serialize};

/// What a rightsizer may do with its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Say it.
    #[default]
    Recommend,
    /// Set the replicas of the target.
    Apply,
    /// Set the bounds of another autoscaler, which sets the replicas.
    Bound,
}

/// Why nothing may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Two that set one number undo each other's work.
    #[error("another autoscaler sets the replicas of this target: remove it, or take mode bound")]
    AnotherAutoscaler,
    /// Nothing to bound.
    #[error("mode bound needs an autoscaler of this target, and there is none")]
    NoAutoscaler,
}

/// What is to be written, and nothing else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// The replicas of the target.
    Scale {
        /// How many there are.
        from: Replicas,
        /// How many there should be.
        to: Replicas,
    },
    /// The bounds of the other autoscaler.
    Bound {
        /// `minReplicas`.
        min: Replicas,
        /// `maxReplicas`.
        max: Replicas,
    },
    /// Nothing, though the mode asks for it.
    Refused(Refusal),
}

impl Plan {
    /// What a mode makes of the plan. `another` is whether another autoscaler has this target.
    #[must_use]
    pub fn action(&self, mode: Mode, another: bool) -> Action {
        match (mode, another) {
            (Mode::Recommend, _) => Action::Nothing,
            (Mode::Apply, true) => Action::Refused(Refusal::AnotherAutoscaler),
            (Mode::Bound, false) => Action::Refused(Refusal::NoAutoscaler),
            (Mode::Apply, false) if self.desired == self.current => Action::Nothing,
            (Mode::Apply, false) => Action::Scale {
                from: self.current,
                to: self.desired,
            },
            (Mode::Bound, true) => Action::Bound {
                min: self.bounds.floor,
                max: self.bounds.ceiling,
            },
        }
    }
}
