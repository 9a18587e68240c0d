use super::spec::PlanSpec;
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
    /// Notes a change of the replicas that was made, from how many to how many.
    pub fn scaled(&mut self, spec: &PlanSpec, change: (Replicas, Replicas), now: Timestamp) {
        self.hpa.scaled(spec.hpa.behavior.as_ref(), change, now);
    }

    /// Drops what no later plan can see: recommendations older than both windows, and those that a later one outdoes in both
    /// directions. A window always ends now, so of two of which the later is at least as high and one at least as low, the
    /// earlier decides nothing. Events give their places to later ones by themselves.
    pub(super) fn compact(&mut self, spec: &HpaSpec, now: Timestamp) {
        let window = match &spec.behavior {
            None => spec.downscale_stabilisation,
            Some(behavior) => behavior.up.window.max(behavior.down.window),
        };
        let window = now.saturating_sub(SignedDuration::from_secs(window.into()));
        let window = window.unwrap_or(Timestamp::MIN);
        let (mut lowest, mut highest, mut newest) = (Replicas::MAX, Replicas::MIN, true);
        let recommendations = &mut self.hpa.recommendations;
        recommendations.reverse();
        recommendations.retain(|&(at, replicas)| {
            let extreme = replicas < lowest || replicas > highest;
            let kept = newest || (extreme && at >= window);
            if kept {
                (lowest, highest) = (lowest.min(replicas), highest.max(replicas));
            }
            newest = false;
            kept
        });
        recommendations.reverse();
    }
}
