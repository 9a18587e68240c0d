use super::finding::{Fault, Finding};
use super::subject::{Asked, MetricKind, Subject, Target};
use crate::quantity::Ratio;
use crate::rightsizing::serving::{Caveat, Kind, Measure, ServingMetric, recognise};
use jiff::SignedDuration;

/// Seconds below which the default buckets of some histograms tell nothing apart.
const FIRST_BUCKET: f64 = 0.3;

/// Faults of single metrics, and of all together.
pub(super) fn look(subject: &Subject, findings: &mut Vec<Finding>) {
    let of_pods_cpu = |metric: &Asked| {
        matches!(metric.kind, MetricKind::Resource | MetricKind::ContainerResource) && metric.name == "cpu"
    };
    if subject.metrics.iter().all(of_pods_cpu) {
        findings.push(Finding {
            fault: Fault::OnlyCpu,
            key: "metrics".to_owned(),
            what: if subject.metrics.is_empty() {
                "Without metrics it scales by CPU at 80 % of what the pods request. A model server's load is on its GPU, and one that waits for it may burn a core.".to_owned()
            } else {
                "It scales by CPU alone. A model server's load is on its GPU, and one that waits for it may burn a core."
                    .to_owned()
            },
            instead: "Add the depth of the server's queue.".to_owned(),
        });
    }
    for (ix, metric) in subject.metrics.iter().enumerate() {
        if matches!(metric.kind, MetricKind::Resource | MetricKind::ContainerResource) {
            continue;
        }
        let mut of = OfMetric {
            key: format!("metrics[{ix}]"),
            subject,
            metric,
            row: recognise(&metric.name),
            findings,
        };
        of.name();
        of.series();
        of.caveats();
        of.unit();
        of.tolerance();
        let same =
            |other: &&Asked| (&other.name, other.kind, &other.labels) == (&metric.name, metric.kind, &metric.labels);
        if let Some(first) = subject.metrics.iter().take(ix).position(|other| same(&other)) {
            let what = format!("It is the metric of metrics[{first}] once more: only the higher of the two counts.");
            of.found(Fault::Twice, what, "Leave one of them out.");
        }
    }
}

/// Faults of a metric that is read of a known server by what it is about. Names are right there, counters are rates and
/// percentiles are of merged buckets; what is left is what the metric itself hides, and percentiles of single pods.
pub(super) fn preset(key: &str, row: &'static ServingMetric, subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(metric) = subject.metrics.first() else { return };
    let mut of = OfMetric {
        key: key.to_owned(),
        subject,
        metric,
        row: Some(row),
        findings,
    };
    if row.kind == Kind::Histogram && metric.kind == MetricKind::Pods {
        of.found(
            Fault::AveragedPercentile,
            "The mean of the pods' percentiles is no percentile of the service: the reading is refused.",
            "Make it an External metric: then the buckets of all pods are added up first.",
        );
    }
    of.latency();
    of.caveats();
    of.unit();
}

/// Faults of a percentile as a limit: what the buckets cannot tell apart.
pub(super) fn objective(key: &str, row: &ServingMetric, limit: SignedDuration, calm: Ratio) -> Option<Finding> {
    let least = limit.as_secs_f64() * calm.get();
    (row.is(Caveat::FirstBucket) && least < FIRST_BUCKET).then(|| Finding {
        fault: Fault::BelowFirstBucket,
        key: key.to_owned(),
        what: format!("The histogram's first bucket ends at 0.3 s unless the server was given others: what is faster cannot be told apart, so {least:.2} s may never be seen to be undercut, and replicas are then never taken away."),
        instead: "Set the server's own buckets, or take the time to the first token.".to_owned(),
    })
}

struct OfMetric<'a> {
    key: String,
    subject: &'a Subject,
    metric: &'a Asked,
    row: Option<&'static ServingMetric>,
    findings: &'a mut Vec<Finding>,
}

impl OfMetric<'_> {
    fn found(&mut self, fault: Fault, what: impl Into<String>, instead: impl Into<String>) {
        self.findings.push(Finding {
            fault,
            key: self.key.clone(),
            what: what.into(),
            instead: instead.into(),
        });
    }

    fn name(&mut self) {
        let name = &self.metric.name;
        if name.contains(':') {
            self.found(
                Fault::ColonInName,
                "Prometheus names may hold a colon, names in the custom and external metrics APIs may not: adapters do not serve it.",
                "Rename it in the adapter's rule, usually with _ for the colon.",
            );
        }
        let Some(row) = self.row else { return };
        if let Some(new) = row.replaced_by {
            let what = format!("The server has renamed it to {new} and will stop exposing the old name.");
            self.found(Fault::OldName, what, format!("Take {new}."));
        } else if row.is(Caveat::Withdrawn) {
            self.found(
                Fault::OldName,
                "Newer builds of the server do not expose it: it would count as missing.",
                "Take the depth of the queue.",
            );
        }
    }

    /// What the series is, whatever its values.
    fn series(&mut self) {
        let name = self.metric.name.to_ascii_lowercase();
        let kind = self.row.map(|row| row.kind);
        let rated = ["per_second", "rate", "_rps", "qps"]
            .iter()
            .any(|hint| name.contains(hint));
        if is_percentile(&name)
            || self.metric.labels.iter().any(|label| label == "quantile")
            || kind == Some(Kind::Summary)
        {
            if self.metric.kind == MetricKind::Pods {
                self.found(
                    Fault::AveragedPercentile,
                    "The mean of the pods' percentiles is no percentile of the service: one slow pod of ten vanishes in it.",
                    "Add the buckets of the histogram up over the pods first and take the percentile of the sum, as an External metric.",
                );
            }
        } else if kind == Some(Kind::Histogram) {
            self.found(
                Fault::HistogramAsGauge,
                "A histogram is many counters, none of which is a duration.",
                "Take a percentile of the rates of its buckets, added up over the pods.",
            );
            return;
        } else if !rated && kind.map_or_else(|| is_counter(&name), |kind| kind == Kind::Counter) {
            self.found(
                Fault::CounterAsGauge,
                "A counter grows for as long as the pod lives: replicas would go to maxReplicas, and stay.",
                "Take its rate over a minute or two.",
            );
            return;
        }
        self.latency();
    }

    /// A duration taken for a ratio.
    fn latency(&mut self) {
        let name = self.metric.name.to_ascii_lowercase();
        let measured = self.row.map(|row| row.measure);
        if measured.map_or_else(|| is_latency(&name), Measure::is_latency) {
            let tokens = self.row.is_some_and(|row| row.is(Caveat::DependsOnTokens));
            let what = "Twice the replicas do not halve a latency: it is flat until the servers are full and then rises steeply, so the ratio to the target says little of how many are missing.";
            let also = if tokens {
                " This one depends above all on how long the answers are."
            } else {
                ""
            };
            self.found(
                Fault::LatencyAsRatio,
                format!("{what}{also}"),
                "Scale by the depth of the queue or by concurrency, and let latency forbid scaling down and add a step.",
            );
        }
    }

    fn caveats(&mut self) {
        let name = self.metric.name.to_ascii_lowercase();
        let is = |caveat, otherwise: bool| self.row.map_or(otherwise, |row| row.is(caveat));
        let memory = ["gpu_mem", "gpumem", "fb_used", "vram"]
            .iter()
            .any(|hint| name.contains(hint));
        let busy = ["gpu_util", "gpu_duty", "duty_cycle"]
            .iter()
            .any(|hint| name.contains(hint));
        let (preallocated, full, saturates, slots) = (
            is(Caveat::Preallocated, memory),
            is(Caveat::FullWithOne, busy),
            is(Caveat::Saturates, false),
            is(Caveat::BoundedBySlots, false),
        );
        if preallocated {
            self.found(
                Fault::PreallocatedMemory,
                "vLLM, TGI and most servers take the GPU's memory when they start: the metric says nothing of the load, and replicas go to one end and stay there.",
                "Scale by the depth of the queue.",
            );
        }
        if full {
            self.found(
                Fault::FullWithOne,
                "One request is enough to keep a GPU busy the whole time: the metric cannot tell a loaded server from an overloaded one.",
                "Scale by the depth of the queue or by concurrency.",
            );
        } else if saturates
            && self.subject.metrics.len() == 1
            && let Some(target) = self
                .metric
                .target
                .value()
                .filter(|target| *target > 0.0 && *target <= 1.0)
        {
            let what = format!(
                "It is never above 1, so however many requests wait, one step asks for at most {:.2} times the replicas.",
                1.0 / target
            );
            self.found(
                Fault::Saturates,
                what,
                "Add the depth of the queue as a second metric: the higher of the two counts.",
            );
        }
        let least = 1.0 - self.subject.tolerance;
        if slots && matches!(self.metric.target, Target::AverageValue(value) if value >= 1.0 + least) {
            self.found(
                Fault::NeverReached,
                "It is never above the number of the server's slots, which is 1 unless it was started with --parallel: a target above that is never reached, and nothing ever scales up.",
                "Scale by llamacpp:requests_deferred, or set the target below the number of slots.",
            );
        }
    }

    fn unit(&mut self) {
        let (Some(row), Some(target)) = (self.row, self.metric.target.value()) else {
            return;
        };
        // A rate and the parts of a histogram have other units than the metric that they were made from.
        if row.kind != Kind::Gauge {
            let below = row
                .unit
                .seconds()
                .map(|unit| target * unit)
                .is_some_and(|target| target < FIRST_BUCKET);
            if row.is(Caveat::FirstBucket) && below {
                self.found(
                    Fault::BelowFirstBucket,
                    "The histogram's first bucket ends at 0.3 s unless the server was given others: a percentile below that cannot be seen.",
                    "Set the server's own buckets, or take the time to the first token.",
                );
            }
            return;
        }
        let range = row.unit.targets();
        let total = matches!(self.metric.target, Target::Value(_));
        let meant = range.contains(&target) || (total && target > *range.end());
        if !meant {
            let what = format!("It is in {}, and {target} is no such value.", row.unit);
            self.found(Fault::WrongUnit, what, format!("Give the target in {}.", row.unit));
        }
    }

    /// A program that says how many replicas it wants, with 1 as the target.
    fn tolerance(&mut self) {
        let name = self.metric.name.to_ascii_lowercase();
        let wanted = ["desired", "recommended", "wanted", "target_replicas", "proposed"];
        let advises = name.contains("replica") && wanted.iter().any(|hint| name.contains(hint));
        let one = self
            .metric
            .target
            .value()
            .is_some_and(|target| (target - 1.0).abs() < 1e-9);
        let tolerance = self.subject.tolerance;
        if !advises || !one || tolerance <= 0.0 {
            return;
        }
        // From so many replicas on, one more is within the tolerance.
        let from = (1.0 / tolerance).ceil();
        if f64::from(self.subject.max) <= from {
            return;
        }
        let swallowed = (f64::from(self.subject.max) * tolerance).floor();
        let what = format!(
            "The tolerance of {:.0} % hides differences: from {from:.0} replicas on one more or less is ignored, near maxReplicas {} up to {swallowed:.0}.",
            tolerance * 100.0,
            self.subject.max
        );
        self.found(
            Fault::SwallowedRecommendation,
            what,
            "Set behavior.scaleUp.tolerance and scaleDown.tolerance to 0 (from 1.35 on), or give the autoscaler the load itself and its real target.",
        );
    }
}

/// `p95`, `p99`, `percentile` or `quantile` as a word of the name.
fn is_percentile(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let of_digits = |rest: &str| rest.len() >= 2 && rest.bytes().all(|byte| byte.is_ascii_digit());
        matches!(word, "percentile" | "quantile") || word.strip_prefix('p').is_some_and(of_digits)
    })
}

fn is_counter(name: &str) -> bool {
    ["_total", "_count", "_sum", "_bucket"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn is_latency(name: &str) -> bool {
    [
        "latency",
        "duration",
        "response_time",
        "time_to_first_token",
        "ttft",
        "queue_time",
    ]
    .iter()
    .any(|hint| name.contains(hint))
}
