//! Manifests of autoscalers.

use heliotrope_core::quantity::parse_amount;
use heliotrope_core::rightsizing::lint::{Asked, MetricKind, Subject, Target};
use k8s_openapi::api::autoscaling::v1::HorizontalPodAutoscaler as HpaV1;
use k8s_openapi::api::autoscaling::v2::{
    HPAScalingRules, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricIdentifier, MetricSpec, MetricTarget,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde_json::Value;

/// What the controller waits before it scales down, unless told otherwise: `--horizontal-pod-autoscaler-downscale-stabilization`.
const DOWN_WINDOW: i32 = 300;

/// One autoscaler of a manifest.
pub(super) struct Autoscaler {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    /// As far as rules are about it.
    pub(super) subject: Subject,
    /// As it was written.
    pub(super) object: Value,
}

/// Why a manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestError {
    /// It is neither YAML nor JSON.
    #[error("is no YAML: {0}")]
    Yaml(String),
    /// An autoscaler in it is not as the API has it.
    #[error("HorizontalPodAutoscaler {name}: {what}")]
    Shape {
        /// Its name, or its place.
        name: String,
        /// What is wrong.
        what: String,
    },
}

/// Every autoscaler of a text: of each document, and of each item of a list. `tolerance` is the controller's.
pub(super) fn autoscalers(text: &str, tolerance: f64) -> Result<Vec<Autoscaler>, ManifestError> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| ManifestError::Yaml(error.to_string()))?;
    let mut found = Vec::new();
    for document in documents {
        for item in items(document) {
            if is_autoscaler(&item) {
                let place = found.len() + 1;
                found.push(autoscaler(item, place, tolerance)?);
            }
        }
    }
    Ok(found)
}

/// Every Rightsizer of a text, as it is written.
pub(super) fn rightsizers(text: &str) -> Result<Vec<Value>, ManifestError> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| ManifestError::Yaml(error.to_string()))?;
    let all = documents.into_iter().flat_map(items);
    Ok(all
        .filter(|item| item.get("kind").and_then(Value::as_str) == Some("Rightsizer"))
        .collect())
}

/// The items of a list, or the one object.
fn items(document: Value) -> Vec<Value> {
    match document {
        Value::Object(mut fields) if fields.get("items").is_some_and(Value::is_array) => match fields.remove("items")
        {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        other => vec![other],
    }
}

fn is_autoscaler(item: &Value) -> bool {
    item.get("kind").and_then(Value::as_str) == Some("HorizontalPodAutoscaler")
}

/// One autoscaler; `place` names it where it has no name.
pub(super) fn autoscaler(item: Value, place: usize, tolerance: f64) -> Result<Autoscaler, ManifestError> {
    let told = item.pointer("/metadata/name").and_then(Value::as_str);
    let name = told.map_or_else(|| format!("number {place}"), str::to_owned);
    let shape = |what: String| ManifestError::Shape {
        name: name.clone(),
        what,
    };
    // A required key that is missing would be read as zero.
    if item.pointer("/spec/maxReplicas").is_none() {
        return Err(shape("spec.maxReplicas is missing".to_owned()));
    }
    let version = item
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let object = item.clone();
    let (metadata, subject) = match version.as_str() {
        "autoscaling/v2" => {
            let read: HorizontalPodAutoscaler =
                serde_json::from_value(item).map_err(|error| shape(error.to_string()))?;
            let spec = read.spec.ok_or_else(|| shape("it has no spec".to_owned()))?;
            (read.metadata, subject(&spec, tolerance).map_err(shape)?)
        }
        "autoscaling/v1" => {
            let read: HpaV1 = serde_json::from_value(item).map_err(|error| shape(error.to_string()))?;
            let spec = read.spec.ok_or_else(|| shape("it has no spec".to_owned()))?;
            let cpu = spec.target_cpu_utilization_percentage.map(|percent| Asked {
                kind: MetricKind::Resource,
                name: "cpu".to_owned(),
                labels: Vec::new(),
                target: Target::Utilisation(percent),
            });
            let of = bounds(spec.min_replicas, spec.max_replicas, tolerance);
            (
                read.metadata,
                Subject {
                    metrics: cpu.into_iter().collect(),
                    ..of
                },
            )
        }
        other => return Err(shape(format!("apiVersion {other:?} is not read: give autoscaling/v2"))),
    };
    let ObjectMeta {
        namespace, name: own, ..
    } = metadata;
    Ok(Autoscaler {
        namespace,
        name: own.unwrap_or(name),
        subject,
        object,
    })
}

fn bounds(min: Option<i32>, max: i32, tolerance: f64) -> Subject {
    Subject {
        min: min.unwrap_or(1),
        max,
        metrics: Vec::new(),
        tolerance,
        down_window: DOWN_WINDOW,
        down_disabled: false,
        up_disabled: false,
    }
}

/// What rules are about, of a spec.
pub(super) fn subject(spec: &HorizontalPodAutoscalerSpec, tolerance: f64) -> Result<Subject, String> {
    let metrics = spec.metrics.iter().flatten().enumerate();
    let metrics = metrics.map(|(ix, metric)| asked(metric).map_err(|what| format!("spec.metrics[{ix}]: {what}")));
    let rules = spec.behavior.as_ref();
    let (up, down) = (
        rules.and_then(|rules| rules.scale_up.as_ref()),
        rules.and_then(|rules| rules.scale_down.as_ref()),
    );
    let disabled =
        |rules: Option<&HPAScalingRules>| rules.and_then(|rules| rules.select_policy.as_deref()) == Some("Disabled");
    let own = |rules: Option<&HPAScalingRules>| rules?.tolerance.as_ref().and_then(|share| parse_amount(&share.0));
    Ok(Subject {
        metrics: metrics.collect::<Result<_, _>>()?,
        tolerance: own(up).unwrap_or(tolerance).max(own(down).unwrap_or(tolerance)),
        down_window: down
            .and_then(|rules| rules.stabilization_window_seconds)
            .unwrap_or(DOWN_WINDOW),
        down_disabled: disabled(down),
        up_disabled: disabled(up),
        ..bounds(spec.min_replicas, spec.max_replicas, tolerance)
    })
}

fn asked(spec: &MetricSpec) -> Result<Asked, String> {
    let missing = |key: &str| format!("type is {}, and {key} is missing", spec.type_);
    let (kind, name, selector, aim) = match spec.type_.as_str() {
        "Resource" => {
            let of = spec.resource.as_ref().ok_or_else(|| missing("resource"))?;
            (MetricKind::Resource, &of.name, None, &of.target)
        }
        "ContainerResource" => {
            let of = spec.container_resource.as_ref();
            let of = of.ok_or_else(|| missing("containerResource"))?;
            (MetricKind::ContainerResource, &of.name, None, &of.target)
        }
        "Pods" => named(
            MetricKind::Pods,
            spec.pods.as_ref().map(|of| (&of.metric, &of.target)),
            || missing("pods"),
        )?,
        "Object" => {
            let of = spec.object.as_ref().map(|of| (&of.metric, &of.target));
            named(MetricKind::Object, of, || missing("object"))?
        }
        "External" => {
            let of = spec.external.as_ref().map(|of| (&of.metric, &of.target));
            named(MetricKind::External, of, || missing("external"))?
        }
        other => {
            return Err(format!(
                "type {other:?} is none of Resource, ContainerResource, Pods, Object, External"
            ));
        }
    };
    Ok(Asked {
        kind,
        name: name.clone(),
        labels: selector.map(labels).unwrap_or_default(),
        target: target(aim)?,
    })
}

type Named<'a> = (MetricKind, &'a String, Option<&'a LabelSelector>, &'a MetricTarget);

fn named<'a>(
    kind: MetricKind,
    of: Option<(&'a MetricIdentifier, &'a MetricTarget)>,
    missing: impl FnOnce() -> String,
) -> Result<Named<'a>, String> {
    let (metric, target) = of.ok_or_else(missing)?;
    Ok((kind, &metric.name, metric.selector.as_ref(), target))
}

fn labels(selector: &LabelSelector) -> Vec<String> {
    let equal = selector.match_labels.iter().flat_map(|labels| labels.keys());
    let other = selector
        .match_expressions
        .iter()
        .flatten()
        .map(|expression| &expression.key);
    equal.chain(other).cloned().collect()
}

fn target(target: &MetricTarget) -> Result<Target, String> {
    let number =
        |key: &str, text: &str| parse_amount(text).ok_or_else(|| format!("target.{key}: {text:?} is no amount"));
    match (target.average_utilization, &target.average_value, &target.value) {
        (Some(percent), ..) => Ok(Target::Utilisation(percent)),
        (None, Some(value), _) => Ok(Target::AverageValue(number("averageValue", &value.0)?)),
        (None, None, Some(value)) => Ok(Target::Value(number("value", &value.0)?)),
        (None, None, None) => Err("target: set averageUtilization, averageValue or value".to_owned()),
    }
}
