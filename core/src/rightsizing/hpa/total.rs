use super::average::Proposed;
use super::combine::MetricFailure;
use super::pods::Pod;
use super::spec::TotalTarget;
use super::tolerance::Tolerance;
use super::version::HpaVersion;
use super::{Milli, Replicas, ceil};

/// What an object or external metric asks for. `values` are all series that its selector found (one of an object).
pub(super) fn propose(
    values: &[Milli],
    target: TotalTarget,
    pods: &[Pod],
    (spec_replicas, status_replicas): (Replicas, Replicas),
    (tolerance, version): (Tolerance, HpaVersion),
) -> Result<Proposed, MetricFailure> {
    let usage = values.iter().fold(0, |sum: Milli, value| sum.saturating_add(*value));
    let held = |ratio| tolerance.holds(ratio, version);
    let (replicas, value) = match target {
        TotalTarget::Value(target) => {
            let ratio = usage as f64 / target as f64;
            let replicas = match spec_replicas {
                // No replica can be ready: the ratio alone says how many, and no tolerance holds it.
                0 => ceil(ratio),
                current if held(ratio) => current,
                _ if pods.is_empty() => return Err(MetricFailure::NoPods),
                _ => ceil(ratio * pods.iter().filter(|pod| pod.serves()).count() as f64),
            };
            (replicas, Some(usage))
        }
        TotalTarget::AverageValue(target) => {
            // The replicas there are count in the tolerance only. With none the ratio is infinite or no number.
            let ratio = usage as f64 / (target as f64 * f64::from(status_replicas));
            let replicas = if held(ratio) {
                status_replicas
            } else {
                ceil(usage as f64 / target as f64)
            };
            (replicas, per_replica(usage, status_replicas))
        }
    };
    Ok(Proposed {
        replicas,
        value,
        utilisation: None,
    })
}

/// The share of one replica, rounded up.
fn per_replica(usage: Milli, replicas: Replicas) -> Option<Milli> {
    if usage == Milli::MAX {
        return Some(usage);
    }
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
    let share = (usage as f64 / f64::from(replicas)).ceil() as Milli;
    (replicas > 0).then_some(share)
}
