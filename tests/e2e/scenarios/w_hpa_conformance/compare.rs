use super::case::{Case, Scripted};
use super::manifests::before;
use super::metrics_api::Answer;
use super::status::{Seen, Status};
use heliotrope_core::rightsizing::hpa::{
    HpaSpec, HpaVersion, Limit, Memory, Metric, MetricReading, Observation, Outcome, Pod, ReadyCondition, Sample,
    Stabilised, Timing, decide,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The controller looks at its clock a little after it was answered; a window that ends within this is open to both.
const SLACK: SignedDuration = SignedDuration::from_millis(700);
/// The least time between two looks at its clock in one sync.
const INSTANT: SignedDuration = SignedDuration::from_micros(1);

/// What comparing came to.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) syncs: u64,
    /// Syncs that changed the replicas.
    pub(super) changes: u64,
    /// Of these, to no replicas, and from none.
    pub(super) to_zero: u64,
    pub(super) from_zero: u64,
    /// Syncs at which a window ended just then, so that either side of its end was right.
    pub(super) on_the_edge: u64,
    /// How often each condition had each reason.
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) differences: Vec<String>,
}

/// One autoscaler as ours would run it.
struct Ours<'a> {
    case: &'a Case,
    spec: HpaSpec,
    start: Timestamp,
    memory: Memory,
    replicas: i32,
    status: Status,
}

/// Runs a case on what the real controller was answered, and compares every status that it then had.
pub(super) fn compare(
    case: &Case,
    version: HpaVersion,
    start: Timestamp,
    (answers, seen): (&[Answer], &[Seen]),
    compared: &mut Compared,
) {
    let mut ours = Ours::new(case, version, start);
    let written: Vec<&Seen> = seen.iter().filter(|seen| !seen.status.conditions.is_empty()).collect();
    if ours.without_metrics().is_some() {
        let Some(first) = written.first() else {
            compared.differences.push(format!("{}: no status", case.name));
            return;
        };
        if !ours.step(first.at, &[], first, compared) || answers.is_empty() {
            return;
        }
    }
    let metrics = case.spec.metrics.len();
    let syncs: Vec<&[Answer]> = answers.chunks_exact(metrics).collect();
    // The last sync may not have come to its status.
    for pair in syncs.windows(2) {
        let [sync, next] = pair else { return };
        let (Some(last), Some(then)) = (sync.last(), next.first()) else {
            return;
        };
        if sync.iter().enumerate().any(|(ix, answer)| answer.metric != ix) {
            compared
                .differences
                .push(format!("{}: metrics were not read in order", case.name));
            return;
        }
        let Some(real) = written.iter().rev().find(|seen| seen.at < then.at) else {
            compared.differences.push(format!("{}: no status", case.name));
            return;
        };
        let readings: Vec<_> = sync.iter().map(|answer| ours.reading(answer)).collect();
        if !ours.step(last.at, &readings, real, compared) {
            return;
        }
    }
}

/// Whether a case is switched off from the beginning, so that nobody will ask for its metrics.
pub(super) fn is_off(case: &Case, version: HpaVersion) -> bool {
    let ours = Ours::new(case, version, Timestamp::UNIX_EPOCH);
    matches!(ours.without_metrics(), Some(Outcome::Disabled))
}

impl<'a> Ours<'a> {
    fn new(case: &'a Case, version: HpaVersion, start: Timestamp) -> Self {
        let mut spec = case.spec.clone();
        spec.version = version;
        Self {
            case,
            spec,
            start,
            memory: Memory::default(),
            replicas: case.current,
            status: Status::default(),
        }
    }

    fn decide(&self, memory: &mut Memory, readings: Vec<MetricReading>, now: Timestamp) -> Outcome {
        let seen = Observation {
            spec_replicas: self.replicas,
            status_replicas: self.case.status,
            pods: self.pods(|_| None),
            readings,
        };
        decide(&self.spec, &seen, Timing::default(), memory, now)
    }

    /// What is decided without a look at metrics, if that is so.
    fn without_metrics(&self) -> Option<Outcome> {
        let outcome = self.decide(&mut self.memory.clone(), Vec::new(), self.start);
        let without = matches!(outcome, Outcome::Disabled | Outcome::AboveMax(_) | Outcome::BelowMin(_));
        without.then_some(outcome)
    }

    fn pods(&self, sample: impl Fn(usize) -> Option<Sample>) -> Vec<Pod> {
        let pod = |(ix, pod): (usize, &super::case::CasePod)| Pod {
            phase: pod.phase,
            deleting: pod.deleting,
            ready: pod.ready.map(|(ready, age)| ReadyCondition {
                ready,
                changed: before(self.start, age),
            }),
            started: pod.started.map(|age| before(self.start, age)),
            request: pod.request,
            sample: sample(ix),
        };
        self.case.pods.iter().enumerate().map(pod).collect()
    }

    /// What the controller makes of an answer.
    fn reading(&self, answer: &Answer) -> MetricReading {
        match &answer.scripted {
            Scripted::Failed => MetricReading::Failed,
            Scripted::Values(values) => MetricReading::Values(values.clone()),
            Scripted::Pods {
                values, strays, window, ..
            } => {
                let resource = matches!(self.case.spec.metrics[answer.metric], Metric::Resource { .. });
                // Up to 1.32 one pod without the container fails the whole metric.
                let hollow = resource && self.case.hollow && values.iter().any(Option::is_none);
                if hollow && self.spec.version == HpaVersion::UpTo132 {
                    return MetricReading::Failed;
                }
                let sample = |ix: usize| {
                    values[ix].map(|value| Sample {
                        value,
                        at: answer.sampled,
                        window: SignedDuration::from_secs(*window),
                    })
                };
                MetricReading::Pods {
                    pods: self.pods(sample),
                    strays: strays.clone(),
                }
            }
        }
    }

    /// When the controller may have looked at its clock: at this moment, the slack away from it, or within the slack just when one of
    /// the recommendations leaves its window, of which there may be two that are an instant apart.
    fn moments(&self, now: Timestamp) -> Vec<Timestamp> {
        let windows = match &self.spec.behavior {
            None => [self.spec.downscale_stabilisation; 2],
            Some(behavior) => [behavior.up.window, behavior.down.window],
        };
        let ends = windows.into_iter().flat_map(|window| {
            let window = SignedDuration::from_secs(window.into());
            self.memory.recommendations.iter().map(move |(at, _)| *at + window)
        });
        let near = ends.filter(|end| now.duration_since(*end).abs() <= SLACK);
        [now, now + SLACK, now - SLACK].into_iter().chain(near).collect()
    }

    /// One sync; whether it was the same.
    fn step(&mut self, now: Timestamp, readings: &[MetricReading], real: &Seen, compared: &mut Compared) -> bool {
        compared.syncs += 1;
        let mut tried = Vec::new();
        if self.memory.recommendations.is_empty() {
            // The controller notes what there is before it asks for metrics, and what they ask for after.
            self.memory.recommendations.push((now - INSTANT, self.replicas));
        }
        for (ix, now) in self.moments(now).into_iter().enumerate() {
            let mut memory = self.memory.clone();
            let outcome = self.decide(&mut memory, readings.to_vec(), now);
            let status = self.status_after(&outcome);
            if status == real.status && self.names(&outcome, &real.active) {
                compared.on_the_edge += u64::from(ix > 0);
                self.take(&outcome, status, memory, now, compared);
                return true;
            }
            tried.push((outcome, status));
        }
        let (outcome, status) = tried.swap_remove(0);
        compared.differences.push(format!(
            "{} ({:?})\n  real  {:?}\n  ours  {status:?}\n  active {:?}\n  outcome {outcome:?}\n  replicas {} of status {}\n  memory {:?}\n  readings {readings:?}\n  case {:?}",
            self.case.name, self.spec.version, real.status, real.active, self.replicas, self.case.status, self.memory, self.case
        ));
        false
    }

    fn take(
        &mut self,
        outcome: &Outcome,
        status: Status,
        mut memory: Memory,
        now: Timestamp,
        compared: &mut Compared,
    ) {
        let desired = outcome.desired(self.replicas);
        if desired != self.replicas {
            compared.changes += 1;
            compared.to_zero += u64::from(desired == 0);
            compared.from_zero += u64::from(self.replicas == 0);
            memory.scaled(self.spec.behavior.as_ref(), (self.replicas, desired), now);
        }
        let reasons = status
            .conditions
            .iter()
            .map(|(kind, (_, reason))| format!("{kind}: {reason}"));
        let without_metrics = match outcome {
            Outcome::AboveMax(_) => Some("above maxReplicas".to_owned()),
            Outcome::BelowMin(_) => Some("below minReplicas".to_owned()),
            Outcome::Disabled | Outcome::Held(_) | Outcome::Metrics { .. } => None,
        };
        for reason in reasons.chain(without_metrics) {
            *compared.reasons.entry(reason).or_default() += 1;
        }
        self.memory = memory;
        self.replicas = desired;
        self.status = status;
    }

    /// The status that the controller writes after an outcome. A condition stays until it is set again.
    fn status_after(&self, outcome: &Outcome) -> Status {
        let mut status = self.status.clone();
        let mut set = |kind: &str, is: bool, reason: &str| {
            let is = if is { "True" } else { "False" };
            status
                .conditions
                .insert(kind.to_owned(), (is.to_owned(), reason.to_owned()));
        };
        set("AbleToScale", true, "SucceededGetScale");
        match outcome {
            Outcome::Disabled => set("ScalingActive", false, "ScalingDisabled"),
            Outcome::AboveMax(_) | Outcome::BelowMin(_) => {}
            Outcome::Held(combined) => {
                let first = combined.each.iter().position(Result::is_err).unwrap_or_default();
                set("ScalingActive", false, self.failure(first));
            }
            Outcome::Metrics {
                stabilised, limited, ..
            } => {
                set("ScalingActive", true, "ValidMetricFound");
                set("AbleToScale", true, able(stabilised.1));
                set("ScalingLimited", limited.0 != stabilised.0, limit(limited.1));
            }
        }
        let desired = outcome.desired(self.replicas);
        if desired != self.replicas {
            set("AbleToScale", true, "SucceededRescale");
            if self.spec.version == HpaVersion::From137 {
                let to_zero = desired == 0;
                let reason = if to_zero { "ScaledToZero" } else { "NotScaledToZero" };
                set("ScaledToZero", to_zero, reason);
            }
        }
        status.current = self.replicas.into();
        // What was desired stays where nothing can be concluded.
        if !matches!(outcome, Outcome::Held(_)) {
            status.desired = desired.into();
        }
        status
    }

    fn failure(&self, metric: usize) -> &'static str {
        match self.case.spec.metrics[metric] {
            Metric::Resource { .. } if self.case.of_container => "FailedGetContainerResourceMetric",
            Metric::Resource { .. } => "FailedGetResourceMetric",
            Metric::Pods { .. } => "FailedGetPodsMetric",
            Metric::Object(_) => "FailedGetObjectMetric",
            Metric::External(_) => "FailedGetExternalMetric",
        }
    }

    /// Whether the message names the metric whose proposal counts.
    fn names(&self, outcome: &Outcome, active: &str) -> bool {
        let Outcome::Metrics { combined, .. } = outcome else {
            return true;
        };
        combined.metric.is_some_and(|ix| match self.case.spec.metrics[ix] {
            Metric::Resource { .. } => active.contains(" resource") && !active.contains("-m"),
            _ => active.contains(&self.case.metric_name(ix)),
        })
    }
}

fn able(stabilised: Stabilised) -> &'static str {
    match stabilised {
        Stabilised::ReadyForNewScale => "ReadyForNewScale",
        Stabilised::ScaleUpStabilized => "ScaleUpStabilized",
        Stabilised::ScaleDownStabilized => "ScaleDownStabilized",
    }
}

fn limit(limit: Limit) -> &'static str {
    match limit {
        Limit::DesiredWithinRange => "DesiredWithinRange",
        Limit::TooManyReplicas => "TooManyReplicas",
        Limit::TooFewReplicas => "TooFewReplicas",
        Limit::ScaleUpLimit => "ScaleUpLimit",
        Limit::ScaleDownLimit => "ScaleDownLimit",
    }
}
