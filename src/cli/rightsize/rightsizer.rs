//! Manifests of Rightsizers: what the controller would refuse, and what rules say of the rest.

use super::manifest;
use crate::crds::{CALM_PERCENT, MetricSourceSpec, ObjectiveSpec, Rightsizer, RightsizerSpec};
use crate::settings::Problem;
use heliotrope_core::quantity::Ratio;
use heliotrope_core::rightsizing::lint::{self, Asked, Fault, Finding, MetricKind, Subject, lint};
use jiff::SignedDuration;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;
use serde_json::Value;

/// What is to be said of a Rightsizer.
pub(super) struct Judged {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    /// What the controller would refuse, with keys.
    pub(super) problems: Vec<Problem>,
    /// What rules say.
    pub(super) findings: Vec<Finding>,
}

/// Judges a manifest of kind Rightsizer. `place` names it where it has no name.
pub(super) fn judge(item: &Value, place: usize, tolerance: f64) -> Judged {
    let told = |key: &str| item.pointer(key).and_then(Value::as_str).map(str::to_owned);
    let mut judged = Judged {
        namespace: told("/metadata/namespace"),
        name: told("/metadata/name").unwrap_or_else(|| format!("number {place}")),
        problems: Vec::new(),
        findings: Vec::new(),
    };
    if told("/apiVersion").is_none_or(|version| version != "heliotrope.dev/v1alpha1") {
        let message = "must be heliotrope.dev/v1alpha1".to_owned();
        judged.problems.push(Problem {
            path: "apiVersion".to_owned(),
            message,
        });
        return judged;
    }
    let read: Rightsizer = match serde_path_to_error::deserialize(item) {
        Ok(read) => read,
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            judged.problems.push(Problem {
                path,
                message: error.into_inner().to_string(),
            });
            return judged;
        }
    };
    // What was not read is not in what is written again. The status is the controller's.
    if let (Some(spec), Ok(again)) = (item.get("spec"), serde_json::to_value(&read.spec)) {
        unknown("spec", spec, &again, &mut judged.problems);
    }
    if let Err(problems) = read.wanted() {
        judged.problems.extend(problems);
    }
    judged.findings = findings(&read, tolerance);
    judged
}

/// Keys that are in a manifest and that nothing reads: slips, mostly.
fn unknown(path: &str, told: &Value, read: &Value, found: &mut Vec<Problem>) {
    match (told, read) {
        (Value::Object(told), Value::Object(read)) => {
            for (key, inner) in told {
                let path = format!("{path}.{key}");
                match read.get(key) {
                    Some(read) => unknown(&path, inner, read, found),
                    None if is_empty(inner) => {}
                    None => found.push(Problem {
                        path,
                        message: "is not a key that is known here".to_owned(),
                    }),
                }
            }
        }
        (Value::Array(told), Value::Array(read)) => {
            for (ix, (told, read)) in told.iter().zip(read).enumerate() {
                unknown(&format!("{path}[{ix}]"), told, read, found);
            }
        }
        _ => {}
    }
}

/// What is left out when it is written.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn findings(one: &Rightsizer, tolerance: f64) -> Vec<Finding> {
    let spec = &one.spec;
    let as_hpa = HorizontalPodAutoscalerSpec {
        min_replicas: Some(spec.min_replicas),
        max_replicas: spec.max_replicas,
        metrics: Some(spec.metrics.clone()),
        behavior: spec.behavior.clone(),
        ..HorizontalPodAutoscalerSpec::default()
    };
    // What cannot be read has been told as a problem.
    let mut found =
        manifest::subject(&as_hpa, tolerance).map_or_else(|_| Vec::new(), |subject| of_metrics(spec, &subject));
    let latency = spec.latency.as_ref();
    let (response, queue_age) = (
        latency.and_then(|of| of.response.as_ref()),
        latency.and_then(|of| of.queue_age.as_ref()),
    );
    for (key, told) in [("response", response), ("queueAge", queue_age)] {
        found.extend(
            told.into_iter()
                .filter_map(|told| of_objective(&format!("latency.{key}.limit"), told)),
        );
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    found
}

/// Rules of autoscalers, but that a metric with a source is judged by what is read, and not by the name its owner chose.
fn of_metrics(spec: &RightsizerSpec, subject: &Subject) -> Vec<Finding> {
    let source = |metric: &Asked| {
        let named = matches!(
            metric.kind,
            MetricKind::Pods | MetricKind::Object | MetricKind::External
        );
        spec.sources.iter().find(|source| named && source.metric == metric.name)
    };
    let sources: Vec<Option<&MetricSourceSpec>> = subject.metrics.iter().map(source).collect();
    let of_metric = |finding: &Finding| {
        let ix = finding
            .key
            .strip_prefix("metrics[")?
            .strip_suffix(']')?
            .parse::<usize>()
            .ok()?;
        sources.get(ix).copied().flatten()
    };
    let mut found = lint(subject);
    found.retain(|finding| match (finding.fault, of_metric(finding)) {
        // Without metrics it stays at minReplicas, which may be what is wanted of a schedule.
        (Fault::OnlyCpu, _) => !spec.metrics.is_empty(),
        (Fault::Twice | Fault::SwallowedRecommendation, _) | (_, None) => true,
        // No adapter serves it, and what a query makes of a series its name does not say.
        (Fault::ColonInName | Fault::CounterAsGauge | Fault::HistogramAsGauge, Some(_)) => false,
        (_, Some(source)) => source.preset.is_none(),
    });
    for (ix, (metric, source)) in subject.metrics.iter().zip(&sources).enumerate() {
        let Some(preset) = source.and_then(|source| source.preset.as_ref()) else {
            continue;
        };
        let key = format!("metrics[{ix}]");
        let mut others = subject.clone();
        others.metrics.swap(0, ix);
        found.extend(lint::source(
            &key,
            (preset.server, preset.measure),
            (metric.kind, metric.target),
            &others,
        ));
    }
    found
}

fn of_objective(key: &str, told: &ObjectiveSpec) -> Option<Finding> {
    let limit: Option<SignedDuration> = told.limit.parse().ok();
    let calm = f64::from(told.calm_percent.unwrap_or(CALM_PERCENT)) / 100.0;
    match (&told.preset, limit, Ratio::new(calm)) {
        (Some(preset), Some(limit), Ok(calm)) => lint::objective(key, (preset.server, preset.measure), (limit, calm)),
        _ => None,
    }
}
