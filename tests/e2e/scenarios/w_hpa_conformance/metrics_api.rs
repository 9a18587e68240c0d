use super::case::{Case, Scripted};
use super::manifests::{before, milli};
use crate::loopback::{Loopback, now};
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::{Router, routing::any};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The APIs in its place, by group and version.
pub(super) const SERVED: [(&str, &str); 3] = [
    ("metrics.k8s.io", "v1beta1"),
    ("custom.metrics.k8s.io", "v1beta2"),
    ("external.metrics.k8s.io", "v1beta1"),
];

/// One answer: which metric, what was said of it and when.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) at: Timestamp,
    pub(super) metric: usize,
    pub(super) scripted: Scripted,
    /// The time in the samples, which the API carries in whole seconds.
    pub(super) sampled: Timestamp,
}

/// The metrics APIs of a cluster, replaced at the wire: each autoscaler's reads are answered by its script, and kept.
pub(super) struct FakeMetricsApi {
    server: Loopback,
    book: Arc<Book>,
}

struct Book {
    cases: HashMap<String, Arc<Case>>,
    answers: Mutex<HashMap<String, Vec<Answer>>>,
}

impl FakeMetricsApi {
    /// Serves the scripts of some cases.
    pub(super) async fn serve(cases: &[Arc<Case>], certificate: (&Path, &Path)) -> Self {
        let cases = cases.iter().map(|case| (case.name.clone(), case.clone())).collect();
        let answers = Mutex::default();
        let book = Arc::new(Book { cases, answers });
        let router = Router::new().fallback(any(answer)).with_state(book.clone());
        let server = Loopback::serve_tls(router, certificate).await;
        Self { server, book }
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// How often every metric of a case was read.
    pub(super) fn syncs(&self, case: &Case) -> usize {
        let answers = self.book.answers.lock().unwrap();
        answers.get(&case.name).map_or(0, Vec::len) / case.spec.metrics.len()
    }

    /// What was answered so far; the scripts begin again.
    pub(super) fn take(&self) -> HashMap<String, Vec<Answer>> {
        std::mem::take(&mut *self.book.answers.lock().unwrap())
    }
}

async fn answer(State(book): State<Arc<Book>>, uri: Uri, RawQuery(query): RawQuery) -> Response {
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let [_, group, version, rest @ ..] = path.as_slice() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match rest {
        [] => Json(resources(group, version)).into_response(),
        ["namespaces", namespace, "pods"] => {
            let query = query.unwrap_or_default();
            // 1.32 first asks for a stream of what it wants to list, and then as every version does.
            if query.contains("watch=") {
                return StatusCode::METHOD_NOT_ALLOWED.into_response();
            }
            let name = query.find("hpa-").and_then(|at| query.get(at..at + 8));
            let found = name.and_then(|name| book.cases.get(name));
            let resource = |case: &Arc<Case>| {
                let mut metrics = case.spec.metrics.iter();
                metrics
                    .position(|metric| matches!(metric, heliotrope_core::rightsizing::hpa::Metric::Resource { .. }))
            };
            let metric = found.and_then(resource);
            book.reply(found, metric, |case, answer| pod_metrics(case, answer, namespace))
        }
        [.., metric] => {
            let named = metric.rsplit_once("-m");
            let found = named.and_then(|(name, _)| book.cases.get(name));
            let ix = named.and_then(|(_, ix)| ix.parse().ok());
            let namespace = rest.get(1).copied().unwrap_or_default();
            book.reply(found, ix, |case, answer| match *group {
                "external.metrics.k8s.io" => external(metric, answer),
                _ => custom(case, metric, answer, namespace),
            })
        }
    }
}

impl Book {
    /// Answers the next read of a metric by its script, and keeps what was said.
    fn reply(
        &self,
        case: Option<&Arc<Case>>,
        metric: Option<usize>,
        body: impl Fn(&Case, &Answer) -> Value,
    ) -> Response {
        let (Some(case), Some(metric)) = (case, metric) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.entry(case.name.clone()).or_default();
        let step = answers.iter().filter(|answer| answer.metric == metric).count();
        let scripted = case.script[step % case.script.len()][metric].clone();
        let at = now();
        let age = match scripted {
            Scripted::Pods { age, .. } => age,
            Scripted::Failed | Scripted::Values(_) => 0,
        };
        let sampled = before(Timestamp::from_second(at.as_second()).unwrap(), age);
        let answer = Answer {
            at,
            metric,
            scripted,
            sampled,
        };
        let response = match answer.scripted {
            Scripted::Failed => {
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
                    "message": "no such metric",
                });
                (StatusCode::NOT_FOUND, Json(status)).into_response()
            }
            Scripted::Pods { .. } | Scripted::Values(_) => Json(body(case, &answer)).into_response(),
        };
        answers.push(answer);
        response
    }
}

fn resources(group: &str, version: &str) -> Value {
    let resources = if group == "metrics.k8s.io" {
        json!([{ "name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics", "verbs": ["get", "list"] }])
    } else {
        json!([])
    };
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"), "resources": resources })
}

/// Of each pod, and of pods that are not there, what was scripted.
fn samples(case: &Case, answer: &Answer) -> (Vec<(String, Option<i64>)>, i64) {
    let Scripted::Pods {
        values, strays, window, ..
    } = &answer.scripted
    else {
        return (Vec::new(), 0);
    };
    let known = values.iter().enumerate().map(|(ix, value)| (case.pod_name(ix), *value));
    let unknown = strays.iter().map(|value| (format!("{}-gone", case.name), Some(*value)));
    (known.chain(unknown).collect(), *window)
}

fn pod_metrics(case: &Case, answer: &Answer, namespace: &str) -> Value {
    let (samples, window) = samples(case, answer);
    let items = samples.into_iter().filter_map(|(name, value)| {
        // A pod without a value is left out, or has one of another container alone.
        let (container, value) = match value {
            Some(value) => ("main", value),
            None if case.hollow => ("other", 1),
            None => return None,
        };
        Some(json!({
            "metadata": { "name": name, "namespace": namespace },
            "timestamp": answer.sampled, "window": format!("{window}s"),
            "containers": [{ "name": container, "usage": { "cpu": milli(value), "memory": milli(value) } }],
        }))
    });
    let items: Vec<_> = items.collect();
    json!({ "kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items })
}

fn custom(case: &Case, metric: &str, answer: &Answer, namespace: &str) -> Value {
    let value = |kind: &str, name: String, value: i64, window: i64| {
        let version = if kind == "Pod" { "v1" } else { "apps/v1" };
        json!({
            "describedObject": { "kind": kind, "namespace": namespace, "name": name, "apiVersion": version },
            "metric": { "name": metric }, "timestamp": answer.sampled, "windowSeconds": window, "value": milli(value),
        })
    };
    let items: Vec<_> = if let Scripted::Values(values) = &answer.scripted {
        let of_object = values.iter();
        of_object
            .map(|of| value("Deployment", case.name.clone(), *of, 60))
            .collect()
    } else {
        let (samples, window) = samples(case, answer);
        let of_pods = samples.into_iter();
        of_pods
            .filter_map(|(name, of)| Some(value("Pod", name, of?, window)))
            .collect()
    };
    json!({ "kind": "MetricValueList", "apiVersion": "custom.metrics.k8s.io/v1beta2", "metadata": {}, "items": items })
}

fn external(metric: &str, answer: &Answer) -> Value {
    let Scripted::Values(values) = &answer.scripted else {
        return json!({});
    };
    let items = values.iter().enumerate().map(|(ix, value)| {
        json!({
            "metricName": metric, "metricLabels": { "series": ix.to_string() }, "timestamp": answer.sampled, "value": milli(*value),
        })
    });
    let items: Vec<_> = items.collect();
    json!({ "kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": {}, "items": items })
}
