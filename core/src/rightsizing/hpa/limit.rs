use super::behavior::Periods;
use super::memory::Memory;
use super::spec::HpaSpec;
use super::{Replicas, ceil};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What bounds did to the recommendation: the reason of the condition `ScalingLimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// Nothing.
    DesiredWithinRange,
    /// `maxReplicas`.
    TooManyReplicas,
    /// `minReplicas`.
    TooFewReplicas,
    /// The rate on the way up.
    ScaleUpLimit,
    /// The rate on the way down.
    ScaleDownLimit,
}

/// Without rules a target may double, or reach four replicas, at once.
const DOUBLING: f64 = 2.0;
const AT_LEAST: f64 = 4.0;

/// Cuts a recommendation to the rates and to `minReplicas` and `maxReplicas`.
pub(super) fn limit(
    spec: &HpaSpec,
    memory: &Memory,
    (current, wanted): (Replicas, Replicas),
    now: Timestamp,
) -> (Replicas, Limit) {
    let within = (wanted, Limit::DesiredWithinRange);
    let Some(behavior) = &spec.behavior else {
        let (most, by) = upper(spec.max, ceil((DOUBLING * f64::from(current)).max(AT_LEAST)));
        return match wanted {
            few if few < spec.min => (spec.min, Limit::TooFewReplicas),
            many if many > most => (most, by),
            _ => within,
        };
    };
    let periods = Periods {
        current,
        events: &memory.events,
        now,
    };
    if wanted > current {
        let (most, by) = upper(spec.max, periods.most(&behavior.up).max(current));
        return if wanted > most { (most, by) } else { within };
    }
    if wanted < current {
        let rate = periods.fewest(&behavior.down).min(current);
        let (fewest, by) = if spec.min < rate {
            (rate, Limit::ScaleDownLimit)
        } else {
            (spec.min, Limit::TooFewReplicas)
        };
        return if wanted < fewest { (fewest, by) } else { within };
    }
    within
}

fn upper(max: Replicas, rate: Replicas) -> (Replicas, Limit) {
    if max > rate {
        (rate, Limit::ScaleUpLimit)
    } else {
        (max, Limit::TooManyReplicas)
    }
}
