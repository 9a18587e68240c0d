use crate::gpu::GpuProfile;
use crate::quantity::{Grams, GramsPerKwh, Ratio};
use serde::{Deserialize, Serialize};

/// How run times on different models compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Throughput {
    /// Every model needs the same energy for the work, so that models tie at equal intensity.
    Neutral,
    /// The data sheets' table.
    Rated,
    /// The operator's measurements.
    Measured,
}

impl Throughput {
    /// A model's throughput in this mode, if the table has it.
    #[must_use]
    pub fn of(self, profile: &GpuProfile) -> Option<f64> {
        match self {
            Self::Neutral => None,
            Self::Rated => profile.rated_throughput,
            Self::Measured => profile.measured_throughput,
        }
    }
}

/// Costs that agree to nine digits are equal: two models that tie by design differ in the last bits of their products.
pub(super) const ROUNDING: f64 = 1e-9;

/// What the administrator decided about placement as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Costs within this share of the best are equal.
    pub band: Ratio,
    /// Relative spread of costs at which all score levels are used.
    pub full_spread: f64,
    /// How many nodes filter keeps at least; `None` keeps all.
    pub keep: Option<usize>,
    /// How run times compare.
    pub throughput: Throughput,
    /// Model on which durations are stated.
    pub reference_model: String,
    /// Zones above this are refused, while their intensity is live or last known.
    pub ceiling: Option<GramsPerKwh>,
    /// λ: what one stranded GPU counts.
    pub stranded: Grams,
}

impl Policy {
    /// The largest cost that is as good as the best: [`edge`] at the policy's band.
    #[must_use]
    pub fn within_band(&self, best: f64) -> f64 {
        edge(best, self.band.get())
    }
}

/// The largest cost that a band, a share, makes as good as the best. Never below it: a cost is negative where the workload
/// fits into what was stranded.
#[must_use]
pub fn edge(best: f64, band: f64) -> f64 {
    best + best.abs() * (band + ROUNDING)
}

impl Default for Policy {
    /// Filter keeps 50: at 1,000 nodes kube-scheduler then binds half as many pods again per second as with all of them
    /// (`docs/results.md`), and of the nodes left out none is within the band of the best.
    fn default() -> Self {
        Self {
            band: Ratio::saturating(0.02),
            full_spread: 0.30,
            keep: Some(50),
            throughput: Throughput::Neutral,
            reference_model: "NVIDIA-H100-80GB-HBM3".to_owned(),
            ceiling: None,
            stranded: Grams::ZERO,
        }
    }
}
