use crate::quantity::Watts;
use crate::rightsizing::hpa::{Observation, Replicas};
use crate::rightsizing::outlook::Outlook;
use crate::rightsizing::signal::Signal;
use jiff::SignedDuration;

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Replicas, pods and the metrics' readings.
    pub target: &'a Observation,
    /// Whether each metric's reading is fresh, in their order. One that is not counts as failed, and so does one that this
    /// list is too short for.
    pub presence: &'a [Signal<()>],
    /// A percentile of the latency.
    pub latency: Signal<SignedDuration>,
    /// How long the oldest request has been waiting.
    pub queue_age: Signal<SignedDuration>,
    /// The grid where the replicas run.
    pub outlook: Outlook<'a>,
    /// What one replica draws.
    pub replica_watts: Signal<Watts>,
    /// What may still be drawn where the replicas run.
    pub power_room: Signal<Watts>,
    /// At least so many replicas by the time that one added now is ready, says a forecast that has shown its skill on this
    /// workload. Nothing makes one yet.
    pub forecast: Option<Replicas>,
}

impl<'a> Seen<'a> {
    /// Metrics alone.
    #[must_use]
    pub fn of(target: &'a Observation, presence: &'a [Signal<()>]) -> Self {
        Self {
            target,
            presence,
            latency: Signal::Absent,
            queue_age: Signal::Absent,
            outlook: Outlook::NONE,
            replica_watts: Signal::Absent,
            power_room: Signal::Absent,
            forecast: None,
        }
    }
}
