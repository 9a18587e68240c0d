use super::average::{Average, Proposed};
use super::pods::{Pod, Timing};
use super::spec::{AverageTarget, HpaSpec, Metric, MetricReading};
use super::{Replicas, total};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Why a metric gives no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum MetricFailure {
    /// The metrics API has none.
    #[error("the metric could not be read")]
    NotRead,
    /// The target's selector finds no pod.
    #[error("the selector finds no pod")]
    NoPods,
    /// No pod has a sample that counts.
    #[error("no pod has a sample that counts")]
    NoSamples,
    /// A container requests none of the resource, so there is no utilisation.
    #[error("a pod requests none of the resource: set a request, or a target by value")]
    NoRequest,
    /// The pods that have samples request nothing.
    #[error("pods with samples request nothing of the resource")]
    NothingRequested,
}

/// What the metrics come to together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Combined {
    /// The largest proposal; `None` when nothing may be concluded.
    pub replicas: Option<Replicas>,
    /// Which metric it came from.
    pub metric: Option<usize>,
    /// What each metric asked for, in their order.
    pub each: SmallVec<[Result<Replicas, MetricFailure>; 4]>,
}

/// The largest proposal counts. With some metrics missing, the others may raise the replicas but not lower them; with all
/// missing nothing is concluded. `readings` come one for each metric, `None` where it must not count; `replicas` are those
/// of the spec and of the status.
#[must_use]
pub fn combine<'a>(
    spec: &HpaSpec,
    readings: impl Iterator<Item = Option<&'a MetricReading>>,
    pods: &[Pod],
    replicas: (Replicas, Replicas),
    timing: Timing,
    now: Timestamp,
) -> Combined {
    let propose = |(metric, reading): (&Metric, Option<&MetricReading>)| {
        let with = (spec.tolerance(), spec.version);
        let average = |pods: &[Pod], strays: &[i64], target, of_cpu| {
            let average = Average {
                pods,
                strays,
                target,
                of_cpu,
            };
            average.propose(replicas.0, with, timing, now)
        };
        let proposed: Result<Proposed, _> = match (*metric, reading) {
            (Metric::Resource { target, of_cpu }, Some(MetricReading::Pods { pods, strays })) => {
                average(pods, strays, target, of_cpu)
            }
            (Metric::Pods { target }, Some(MetricReading::Pods { pods, strays })) => {
                average(pods, strays, AverageTarget::Value(target), false)
            }
            (Metric::Object(target) | Metric::External(target), Some(MetricReading::Values(values))) => {
                total::propose(values, target, pods, replicas, with)
            }
            _ => Err(MetricFailure::NotRead),
        };
        proposed.map(|proposed| proposed.replicas)
    };
    let each: SmallVec<_> = spec.metrics.iter().zip(readings).map(propose).collect();
    let (mut most, mut metric) = (0, None);
    for (ix, proposed) in each.iter().enumerate() {
        // A proposal of nothing counts only as long as there is no other.
        if let Ok(proposed) = *proposed
            && (most == 0 || proposed > most)
        {
            (most, metric) = (proposed, Some(ix));
        }
    }
    let failed = each.iter().filter(|proposed| proposed.is_err()).count();
    let nothing = failed >= spec.metrics.len() || (failed > 0 && most < replicas.0);
    Combined {
        replicas: (!nothing).then_some(most),
        metric: metric.filter(|_| !nothing),
        each,
    }
}
