use super::version::HpaVersion;
use serde::{Deserialize, Serialize};

/// How far from the target usage may be before replicas change, as shares of the target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Below the target.
    pub down: f64,
    /// Above it.
    pub up: f64,
}

impl Default for Tolerance {
    /// The controller's `--horizontal-pod-autoscaler-tolerance`.
    fn default() -> Self {
        Self { down: 0.1, up: 0.1 }
    }
}

impl Tolerance {
    /// Whether a ratio of usage to target is close enough to change nothing. What is no number is not.
    ///
    /// Up to 1.32 the distance from 1 is compared, later the ratio with the ends of a range. In floating point they
    /// disagree at exactly 1.1: |1 − 1.1| is a little more than 0.1, while 1.1 is not more than 1 + 0.1.
    #[must_use]
    pub fn holds(self, ratio: f64, version: HpaVersion) -> bool {
        match version {
            HpaVersion::UpTo132 => (1.0 - ratio).abs() <= self.up,
            HpaVersion::From133 | HpaVersion::From137 => (1.0 - self.down..=1.0 + self.up).contains(&ratio),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_ten_per_cent_above_is_where_versions_disagree() {
        let tolerance = Tolerance::default();
        for (usage, target) in [(11.0, 10.0), (22.0, 20.0), (110.0, 100.0)] {
            assert!(
                !tolerance.holds(usage / target, HpaVersion::UpTo132),
                "{usage}/{target}"
            );
            assert!(tolerance.holds(usage / target, HpaVersion::From133), "{usage}/{target}");
        }
        for version in [HpaVersion::UpTo132, HpaVersion::From133, HpaVersion::From137] {
            assert!(tolerance.holds(0.9, version));
            assert!(!tolerance.holds(f64::NAN, version));
        }
    }
}
