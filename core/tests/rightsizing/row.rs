//! One row: what is seen, and what must come of it.

use heliotrope_core::rightsizing::hpa::{
    Behavior, HpaSpec, HpaVersion, Memory, Metric, MetricReading, Observation, Outcome, Pod, PodPhase,
    ReadyCondition, Replicas, Sample, Timing, Tolerance, decide,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// Any time will do.
const NOW: i64 = 1_800_000_000;

/// A pod, with times as ages in seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowPod {
    /// Its sample in thousandths; none for a pod without.
    value: Option<i64>,
    request: Option<i64>,
    #[serde(default = "running")]
    phase: PodPhase,
    #[serde(default)]
    deleting: bool,
    /// The condition Ready: its status, and since when.
    #[serde(default = "ready")]
    ready: Option<bool>,
    #[serde(default = "long")]
    since: i64,
    #[serde(default = "long")]
    age: i64,
    #[serde(default)]
    sampled: i64,
    #[serde(default = "minute")]
    window: i64,
}

fn running() -> PodPhase {
    PodPhase::Running
}
#[expect(clippy::unnecessary_wraps, reason = "the field's type")]
fn ready() -> Option<bool> {
    Some(true)
}
fn long() -> i64 {
    3600
}
fn minute() -> i64 {
    60
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW - seconds).unwrap()
}

impl RowPod {
    fn pod(&self) -> Pod {
        Pod {
            phase: self.phase,
            deleting: self.deleting,
            ready: Some(ReadyCondition {
                ready: self.ready,
                changed: ago(self.since),
            }),
            started: Some(ago(self.age)),
            request: self.request,
            sample: self.value.map(|value| Sample {
                value,
                at: ago(self.sampled),
                window: SignedDuration::from_secs(self.window),
            }),
        }
    }
}

/// What was read of a metric: pods, values, or nothing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Seen {
    Failed,
    Pods(Vec<RowPod>),
    Values(Vec<i64>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The kind of outcome, where it is not that of metrics.
    #[serde(default)]
    outcome: Option<String>,
    replicas: Replicas,
    /// Reasons of the conditions AbleToScale and ScalingLimited.
    #[serde(default)]
    able: Option<String>,
    #[serde(default)]
    limited: Option<String>,
}

/// One row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    name: String,
    /// The versions for which it holds.
    #[serde(default = "all")]
    versions: Vec<HpaVersion>,
    #[serde(default = "one")]
    min: Replicas,
    #[serde(default = "hundred")]
    max: Replicas,
    current: Replicas,
    #[serde(default)]
    status: Option<Replicas>,
    metrics: Vec<Metric>,
    seen: Vec<Seen>,
    /// The pods of the target, for metrics that are not of pods: so many ready ones.
    #[serde(default)]
    serving: Option<usize>,
    #[serde(default)]
    behavior: Option<Behavior>,
    /// Recommendations as age in seconds and replicas.
    #[serde(default)]
    recommended: Vec<(i64, Replicas)>,
    /// Changes as age in seconds and replicas added, the oldest first.
    #[serde(default)]
    scaled: Vec<(i64, Replicas)>,
    #[serde(default)]
    scaled_to_zero: bool,
    expect: Expected,
}

fn all() -> Vec<HpaVersion> {
    vec![HpaVersion::UpTo132, HpaVersion::From133, HpaVersion::From137]
}
fn one() -> Replicas {
    1
}
fn hundred() -> Replicas {
    100
}

impl Row {
    /// How what is computed differs from what is expected, by version.
    pub(crate) fn differences(&self) -> Vec<String> {
        self.versions
            .iter()
            .filter_map(|version| self.difference(*version))
            .collect()
    }

    fn difference(&self, version: HpaVersion) -> Option<String> {
        let spec = HpaSpec {
            min: self.min,
            max: self.max,
            metrics: self.metrics.clone(),
            behavior: self.behavior.clone(),
            tolerance: Tolerance::default(),
            downscale_stabilisation: 300,
            version,
        };
        let mut memory = Memory {
            recommendations: self
                .recommended
                .iter()
                .map(|(age, replicas)| (ago(*age), *replicas))
                .collect(),
            ..Memory::default()
        };
        for (age, change) in &self.scaled {
            memory.scaled(self.behavior.as_ref(), (0, *change), ago(*age));
        }
        memory.scaled_to_zero = self.scaled_to_zero;
        let outcome = decide(&spec, &self.observation(), Timing::default(), &mut memory, ago(0));
        let (kind, able, limited) = match &outcome {
            Outcome::Disabled => ("disabled", None, None),
            Outcome::AboveMax(_) => ("above-max", None, None),
            Outcome::BelowMin(_) => ("below-min", None, None),
            Outcome::Held(_) => ("held", None, None),
            Outcome::Metrics {
                stabilised, limited, ..
            } => (
                "metrics",
                Some(format!("{:?}", stabilised.1)),
                Some(format!("{:?}", limited.1)),
            ),
        };
        let expect = &self.expect;
        let same = outcome.desired(self.current) == expect.replicas
            && kind == expect.outcome.as_deref().unwrap_or("metrics")
            && (expect.able.is_none() || able == expect.able)
            && (expect.limited.is_none() || limited == expect.limited);
        (!same).then(|| format!("{} ({version:?}): expected {expect:?}, got {outcome:?}", self.name))
    }

    fn observation(&self) -> Observation {
        let mut pods: Vec<Pod> = Vec::new();
        let readings = self.seen.iter().map(|seen| match seen {
            Seen::Failed => MetricReading::Failed,
            Seen::Values(values) => MetricReading::Values(values.clone()),
            Seen::Pods(of_metric) => {
                pods = of_metric.iter().map(RowPod::pod).collect();
                MetricReading::Pods {
                    pods: pods.clone(),
                    strays: Vec::new(),
                }
            }
        });
        let readings = readings.collect();
        if let Some(serving) = self.serving {
            let pod = RowPod {
                value: None,
                request: None,
                phase: PodPhase::Running,
                deleting: false,
                ready: Some(true),
                since: 3600,
                age: 3600,
                sampled: 0,
                window: 60,
            };
            pods = vec![pod.pod(); serving];
        }
        Observation {
            spec_replicas: self.current,
            status_replicas: self.status.unwrap_or(self.current),
            pods,
            readings,
        }
    }
}
