use crate::quantity::{Ratio, Watts};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bare idle as a share of the maximum where nothing better is known: the mean of an H200's measured 74–80 W of 700 W.
/// "15 % of TDP" overstates those measurements by a third.
pub const BARE_SHARE_OF_MAX: f64 = 0.11;

/// What one board of a model draws and does. All watts are per physical board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuProfile {
    /// Canonical model name, as GPU feature discovery labels it.
    pub model: Arc<str>,
    /// Idle with no process.
    pub bare: Watts,
    /// The step that the first open context adds, whatever the memory in use.
    pub context: Watts,
    /// Enforced power limit, or rated board power.
    pub max: Watts,
    /// Dense 16-bit tensor throughput relative to the table's reference, where a data sheet states it.
    pub rated_throughput: Option<f64>,
    /// What the operator measured, in any one unit over all models.
    pub measured_throughput: Option<f64>,
}

/// Why a profile cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProfileError {
    /// The parts do not fit under the maximum.
    #[error("bare ({bare:.0}) plus context ({context:.0}) must be below max ({max:.0})")]
    PartsAboveMax {
        /// Idle watts.
        bare: Watts,
        /// Context step.
        context: Watts,
        /// Maximum.
        max: Watts,
    },
    /// A throughput that is zero, negative or not finite.
    #[error("{field} must be a number above zero, got {value}")]
    Throughput {
        /// Which of the two.
        field: &'static str,
        /// The refused number.
        value: f64,
    },
}

impl GpuProfile {
    /// Checks that the parts make sense together.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn check(&self) -> Result<(), ProfileError> {
        if self.bare + self.context >= self.max {
            return Err(ProfileError::PartsAboveMax {
                bare: self.bare,
                context: self.context,
                max: self.max,
            });
        }
        let fields = [
            ("ratedThroughput", self.rated_throughput),
            ("measuredThroughput", self.measured_throughput),
        ];
        for (field, value) in fields {
            if let Some(value) = value.filter(|v| !v.is_finite() || *v <= 0.0) {
                return Err(ProfileError::Throughput { field, value });
            }
        }
        Ok(())
    }

    /// What a working board draws above bare idle: `context + (max − bare − context) · utilisation`.
    #[must_use]
    pub fn active(&self, utilisation: Ratio) -> Watts {
        self.context + (self.max - self.bare - self.context) * utilisation.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(bare: f64, context: f64, max: f64) -> GpuProfile {
        GpuProfile {
            model: "X".into(),
            bare: Watts::saturating(bare),
            context: Watts::saturating(context),
            max: Watts::saturating(max),
            rated_throughput: None,
            measured_throughput: None,
        }
    }

    #[test]
    fn a_full_board_draws_its_maximum() {
        let p = profile(70.0, 40.0, 700.0);
        assert!((p.active(Ratio::ONE) + p.bare == p.max) && p.active(Ratio::ZERO) == p.context);
    }

    #[test]
    fn parts_above_the_maximum_are_refused() {
        assert!(matches!(
            profile(50.0, 60.0, 100.0).check(),
            Err(ProfileError::PartsAboveMax { .. })
        ));
        assert_eq!(profile(10.0, 20.0, 70.0).check(), Ok(()));
    }
}
