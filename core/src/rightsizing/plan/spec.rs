use crate::rightsizing::carbon::CarbonRule;
use crate::rightsizing::hpa::{HpaSpec, Timing};
use crate::rightsizing::latency::LatencyRule;
use crate::rightsizing::power::PowerRule;
use crate::rightsizing::prewarm::PrewarmRule;
use crate::rightsizing::schedule::Schedule;
use serde::{Deserialize, Serialize};

/// What a rightsizer is to do. Rules that are not there do nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanSpec {
    /// Bounds, metrics, behavior and tolerance, as of an autoscaler. Without metrics the plan is the schedule's.
    pub hpa: HpaSpec,
    /// What is known of pods that just started.
    pub timing: Timing,
    /// The clock and the calendar.
    #[serde(default)]
    pub schedule: Schedule,
    /// What requests should not take longer than.
    #[serde(default)]
    pub latency: Option<LatencyRule>,
    /// Fewer replicas while the grid is dirty.
    #[serde(default)]
    pub carbon: Option<CarbonRule>,
    /// What replicas may draw.
    #[serde(default)]
    pub power: Option<PowerRule>,
    /// Replicas ready when the grid turns clean.
    #[serde(default)]
    pub prewarm: Option<PrewarmRule>,
}

impl PlanSpec {
    /// A spec of an autoscaler and nothing else.
    #[must_use]
    pub fn of(hpa: HpaSpec) -> Self {
        Self {
            hpa,
            timing: Timing::default(),
            schedule: Schedule::default(),
            latency: None,
            carbon: None,
            power: None,
            prewarm: None,
        }
    }
}
