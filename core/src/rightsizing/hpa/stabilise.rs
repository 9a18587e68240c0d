use super::Replicas;
use super::memory::Memory;
use super::spec::HpaSpec;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What recent recommendations did to this one: the condition `AbleToScale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stabilised {
    /// Nothing.
    ReadyForNewScale,
    /// Held down by a lower one.
    ScaleUpStabilized,
    /// Held up by a higher one.
    ScaleDownStabilized,
}

/// Holds a recommendation against the recent ones, and notes it.
#[must_use]
pub fn stabilise(
    spec: &HpaSpec,
    memory: &mut Memory,
    (current, wanted): (Replicas, Replicas),
    now: Timestamp,
) -> (Replicas, Stabilised) {
    let since = |seconds: i32| {
        now.saturating_sub(SignedDuration::from_secs(seconds.into()))
            .unwrap_or(Timestamp::MIN)
    };
    let recent = memory.recommendations.iter();
    let held = match &spec.behavior {
        // Only the way down is held, and a recommendation of exactly the window's age still counts.
        None => {
            let from = since(spec.downscale_stabilisation);
            let recent = recent.filter(|(at, _)| *at >= from);
            recent.fold(wanted, |most, (_, replicas)| most.max(*replicas))
        }
        Some(behavior) => {
            let (up_from, down_from) = (since(behavior.up.window), since(behavior.down.window));
            let (mut lowest, mut highest) = (wanted, wanted);
            for (at, replicas) in recent {
                if *at > up_from {
                    lowest = lowest.min(*replicas);
                }
                if *at > down_from {
                    highest = highest.max(*replicas);
                }
            }
            current.max(lowest).min(highest)
        }
    };
    memory.recommend(wanted, now);
    let stabilised = match (&spec.behavior, held == wanted) {
        (_, true) => Stabilised::ReadyForNewScale,
        (Some(_), false) if wanted >= current => Stabilised::ScaleUpStabilized,
        (_, false) => Stabilised::ScaleDownStabilized,
    };
    (held, stabilised)
}
