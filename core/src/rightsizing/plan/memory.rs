use crate::rightsizing::hpa::{self, HpaSpec, Replicas};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What is remembered of the carbon bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarbonMemory {
    /// Whether the grid was dirty at the last plan.
    pub dirty: bool,
    /// When the bound last yielded.
    #[serde(default)]
    pub yielded: Option<Timestamp>,
}

/// All that a plan needs to know of the plans before it. It is small enough for a status, so a restart forgets nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanMemory {
    /// Recommendations and scale events of the windows and rates.
    pub hpa: hpa::Memory,
    /// When latency last added replicas.
    #[serde(default)]
    pub stepped: Option<Timestamp>,
    /// The carbon bound.
    #[serde(default)]
    pub carbon: CarbonMemory,
}

impl PlanMemory {
    /// Notes a change that was made.
    pub fn scaled(&mut self, from: Replicas, to: Replicas, now: Timestamp) {
        self.hpa.scaled(from, to, now);
    }

    /// Drops what no later plan can see: recommendations older than both windows, events older than every period, and
    /// recommendations that a later one outdoes in both directions. A window always ends now, so of two of which the later
    /// is at least as high and one at least as low, the earlier decides nothing.
    pub(super) fn compact(&mut self, spec: &HpaSpec, now: Timestamp) {
        let since = |seconds: i32| {
            let span = SignedDuration::from_secs(seconds.into());
            now.saturating_sub(span).unwrap_or(Timestamp::MIN)
        };
        let (window, period) = match &spec.behavior {
            None => (spec.downscale_stabilisation, 0),
            Some(behavior) => {
                let rules = [&behavior.up, &behavior.down];
                let periods = rules.iter().flat_map(|rules| &rules.policies);
                let period = periods.map(|policy| policy.period).max().unwrap_or(0);
                (behavior.up.window.max(behavior.down.window), period)
            }
        };
        let (window, period) = (since(window), since(period));
        self.hpa.events.retain(|event| event.at > period);
        let (mut lowest, mut highest) = (Replicas::MAX, Replicas::MIN);
        let mut kept: Vec<(Timestamp, Replicas)> = Vec::new();
        for (at, replicas) in self.hpa.recommendations.iter().rev().copied() {
            let newest = kept.is_empty();
            let extreme = replicas < lowest || replicas > highest;
            if newest || (extreme && at >= window) {
                kept.push((at, replicas));
                lowest = lowest.min(replicas);
                highest = highest.max(replicas);
            }
        }
        kept.reverse();
        self.hpa.recommendations = kept;
    }
}
