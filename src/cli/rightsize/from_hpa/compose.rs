use super::Compatibility;
use crate::cli::rightsize::manifest::Autoscaler;
use serde::Serialize;
use serde_json::{Value, json};

/// What the API server fills in where an autoscaler names no metric.
const USUAL_UTILISATION: i32 = 80;

/// A Rightsizer as it is written; parts that are an autoscaler's own are passed on as they are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rightsizer {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    scale_target_ref: Value,
    mode: &'static str,
    compatibility: &'static str,
    min_replicas: i32,
    max_replicas: i32,
    metrics: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    behavior: Option<Value>,
}

/// The Rightsizer of an autoscaler.
pub(super) fn compose(autoscaler: &Autoscaler, compatibility: Compatibility) -> Rightsizer {
    let spec = autoscaler.object.get("spec");
    let own = |key: &str| spec?.get(key).filter(|part| !part.is_null()).cloned();
    Rightsizer {
        api_version: "heliotrope.dev/v1alpha1",
        kind: "Rightsizer",
        metadata: Metadata {
            name: autoscaler.name.clone(),
            namespace: autoscaler.namespace.clone(),
        },
        spec: Spec {
            scale_target_ref: own("scaleTargetRef").unwrap_or_default(),
            mode: "recommend",
            compatibility: compatibility.text(),
            min_replicas: autoscaler.subject.min,
            max_replicas: autoscaler.subject.max,
            metrics: metrics(spec),
            behavior: own("behavior"),
        },
    }
}

/// Its metrics, those that the API server fills in or that version 1 writes otherwise included: a Rightsizer without metrics
/// would stay at `minReplicas`.
fn metrics(spec: Option<&Value>) -> Value {
    let part = |key: &str| spec?.get(key);
    match part("metrics") {
        Some(Value::Array(metrics)) if !metrics.is_empty() => Value::Array(metrics.clone()),
        _ => {
            let own = part("targetCPUUtilizationPercentage").and_then(Value::as_i64);
            let percent = own.unwrap_or(USUAL_UTILISATION.into());
            let target = json!({ "type": "Utilization", "averageUtilization": percent });
            json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }])
        }
    }
}
