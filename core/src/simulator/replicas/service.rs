use crate::quantity::Watts;
use jiff::SignedDuration;
use serde::Serialize;

/// Seconds between two decisions: the sync period of the HorizontalPodAutoscaler's controller.
pub(super) const SYNC: i64 = 15;
/// Seconds over which the request rate is averaged, as by `rate(…[1m])`.
pub(super) const RATE_WINDOW: usize = 60;

/// What one replica is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Requests that it serves in a second.
    pub capacity: f64,
    /// What it draws while it starts or waits.
    pub idle: Watts,
    /// What it draws at its capacity.
    pub busy: Watts,
}

impl Service {
    /// Energy of a time in which so many replicas were there and served so many requests, in joules.
    pub(super) fn joules(&self, replicas: f64, seconds: f64, served: f64) -> f64 {
        replicas * seconds * self.idle.get() + served / self.capacity * (self.busy - self.idle).get()
    }
}

/// Whole seconds, at least none.
pub(super) fn seconds(span: SignedDuration) -> i64 {
    span.as_secs().max(0)
}
