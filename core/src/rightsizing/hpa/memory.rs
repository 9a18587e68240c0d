use super::{Behavior, Replicas};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest window that the API allows.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// One change of the replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleEvent {
    /// When.
    pub at: Timestamp,
    /// Replicas added, or removed where negative.
    pub change: Replicas,
}

/// What an autoscaler remembers from one decision to the next. The controller keeps it in its process and loses it with
/// that; here it is a value, to be kept where its owner likes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Unstabilised recommendations.
    pub recommendations: Vec<(Timestamp, Replicas)>,
    /// Changes made, in places that [`Memory::scaled`] gives them.
    pub events: Vec<ScaleEvent>,
    /// Whether the autoscaler itself scaled the target to zero.
    #[serde(default)]
    pub scaled_to_zero: bool,
}

impl Memory {
    /// The first recommendation is what there is: without it the first decision after a start could scale down at once.
    pub(super) fn begin(&mut self, current: Replicas, now: Timestamp) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
    }

    /// Notes a recommendation, and drops those that no window can reach any more.
    ///
    /// The controller overwrites one outdated entry in place and keeps the others: which entries a window sees is the same.
    pub(super) fn recommend(&mut self, replicas: Replicas, now: Timestamp) {
        let oldest = now.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        self.recommendations.retain(|(at, _)| *at >= oldest);
        self.recommendations.push((now, replicas));
    }

    /// Notes a change that was made, for the rates of a behavior: without one there are none to keep.
    ///
    /// An event that is older than every period of its own direction gives its place to the next one of that direction,
    /// although a longer period of the other might still count it: the controller does so. Since the last of several such
    /// gives way, what nothing counts any more must keep its place too. So there are never more of a direction than the
    /// most that were made within its longest period, and one.
    pub fn scaled(&mut self, behavior: Option<&Behavior>, (from, to): (Replicas, Replicas), now: Timestamp) {
        self.scaled_to_zero = from > 0 && to == 0;
        let Some(behavior) = behavior else { return };
        let event = ScaleEvent {
            at: now,
            change: to.saturating_sub(from),
        };
        let up = event.change > 0;
        let rules = if up { &behavior.up } else { &behavior.down };
        let longest = SignedDuration::from_secs(rules.longest_period().into());
        let since = now.saturating_sub(longest).unwrap_or(Timestamp::MIN);
        let mut outdated = self.events.iter_mut().rev();
        match outdated.find(|old| (old.change > 0) == up && old.at < since) {
            Some(old) => *old = event,
            None => self.events.push(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rightsizing::hpa::{HpaSpec, HpaVersion, Metric, Tolerance, TotalTarget, gate};

    /// From 1.37 on a target without replicas is left alone unless the autoscaler itself took the last one away.
    #[test]
    fn a_target_that_was_scaled_to_zero_comes_back_and_one_that_was_switched_off_does_not() {
        let now = Timestamp::UNIX_EPOCH;
        let spec = HpaSpec {
            min: 0,
            max: 5,
            metrics: vec![Metric::External(TotalTarget::AverageValue(1000))],
            behavior: None,
            tolerance: Tolerance::default(),
            downscale_stabilisation: 300,
            version: HpaVersion::From137,
        };
        let mut ours = Memory::default();
        ours.scaled(None, (2, 0), now);
        assert_eq!(gate(&spec, 0, &mut ours, now), None);
        ours.scaled(None, (0, 1), now);
        assert!(gate(&spec, 0, &mut ours, now).is_some(), "somebody else took it away");
        assert!(gate(&spec, 0, &mut Memory::default(), now).is_some());
    }
}
