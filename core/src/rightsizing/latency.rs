use super::hpa::Replicas;
use super::signal::Signal;
use crate::quantity::Ratio;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A time that requests should not exceed, and from which share of it on replicas are not taken away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Objective {
    /// The limit: at it, replicas are added.
    pub limit: SignedDuration,
    /// Below this share of the limit all is calm; from it on nothing is taken away.
    pub calm: Ratio,
}

/// How many replicas a step adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepSize {
    /// So many.
    Pods(Replicas),
    /// Per cent of those there are, at least one.
    Percent(Replicas),
}

/// Latency as a veto on the way down and a step on the way up. It is never a ratio: twice the latency does not ask for twice
/// the replicas, for latency is flat until it is steep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyRule {
    /// Of a percentile of the latency, from merged histograms.
    pub latency: Option<Objective>,
    /// Of the age of the oldest request in the queue.
    pub queue_age: Option<Objective>,
    /// What a breach adds.
    pub step: StepSize,
    /// The least time between two steps: what was added last must have had time to start.
    pub every: SignedDuration,
}

/// How the service does by its rule, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// Below the calm share of all limits.
    Calm,
    /// Nothing fresh is known of one of them.
    Unknown,
    /// Between calm and the limit.
    Strained,
    /// At the limit or beyond.
    Breached,
}

impl Objective {
    fn health(self, measured: Signal<SignedDuration>) -> Health {
        match measured {
            Signal::Absent | Signal::Stale(_) => Health::Unknown,
            Signal::Fresh(time) if time >= self.limit => Health::Breached,
            Signal::Fresh(time) if time.as_secs_f64() >= self.limit.as_secs_f64() * self.calm.get() => {
                Health::Strained
            }
            Signal::Fresh(_) => Health::Calm,
        }
    }
}

impl LatencyRule {
    /// The worst of what is measured.
    #[must_use]
    pub fn health(&self, latency: Signal<SignedDuration>, queue_age: Signal<SignedDuration>) -> Health {
        let of = |objective: Option<Objective>, measured| objective.map(|objective| objective.health(measured));
        let worst = of(self.latency, latency).max(of(self.queue_age, queue_age));
        worst.unwrap_or(Health::Calm)
    }

    /// Replicas after a step, unless the last one is too young.
    pub(super) fn step(&self, current: Replicas, last: Option<Timestamp>, now: Timestamp) -> Option<Replicas> {
        if last.is_some_and(|last| now.duration_since(last) < self.every) {
            return None;
        }
        let added = match self.step {
            StepSize::Pods(pods) => pods,
            StepSize::Percent(percent) => {
                let share = i64::from(current) * i64::from(percent);
                Replicas::try_from((share + 99) / 100).unwrap_or(Replicas::MAX)
            }
        };
        Some(current.saturating_add(added.max(1)))
    }
}
