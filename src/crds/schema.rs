use super::rightsizer::Rightsizer;
use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerBehavior, MetricSpec};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// Where the types of autoscaling/v2 hold an amount. There and nowhere else may a number stand for its text.
const AMOUNTS: [&str; 3] = ["averageValue", "value", "tolerance"];

/// Every custom resource definition, as `kubectl apply` takes it.
///
/// # Errors
/// A definition that cannot be written as JSON, which no input can bring about.
pub fn definitions() -> Result<Vec<CustomResourceDefinition>, serde_json::Error> {
    let mut definition = serde_json::to_value(Rightsizer::crd())?;
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    if let Some(Value::Object(keys)) = definition.pointer_mut(spec) {
        for key in ["metrics", "behavior"] {
            if let Some(schema) = keys.get_mut(key) {
                amounts_are_numbers_too(schema);
            }
        }
    }
    Ok(vec![serde_json::from_value(definition)?])
}

/// The API server takes `averageValue: 30` for `averageValue: "30"` in a HorizontalPodAutoscaler, and a schema must say so.
fn amounts_are_numbers_too(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            if let Some(Value::Object(properties)) = keys.get_mut("properties") {
                // The value of a policy is a number and no amount.
                let policy = properties.contains_key("periodSeconds");
                for (name, inner) in properties.iter_mut() {
                    let amount = AMOUNTS.contains(&name.as_str()) && !policy;
                    if let (true, Value::Object(inner)) = (amount, &mut *inner) {
                        number_or_text(inner);
                    }
                }
            }
            keys.values_mut().for_each(amounts_are_numbers_too);
        }
        Value::Array(items) => items.iter_mut().for_each(amounts_are_numbers_too),
        _ => {}
    }
}

fn number_or_text(schema: &mut Map<String, Value>) {
    schema.retain(|key, _| key == "description" || key == "nullable");
    schema.insert("x-kubernetes-int-or-string".to_owned(), json!(true));
    schema.insert("anyOf".to_owned(), json!([{"type": "integer"}, {"type": "string"}]));
}

/// Reads `metrics` with amounts as numbers or texts.
pub(super) fn metrics<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<MetricSpec>, D::Error> {
    read(from)
}

/// Reads `behavior` likewise.
pub(super) fn behavior<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<HorizontalPodAutoscalerBehavior>, D::Error> {
    read(from)
}

fn read<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(from: D) -> Result<T, D::Error> {
    let mut value = Value::deserialize(from)?;
    amounts_to_texts(&mut value);
    serde_json::from_value(value).map_err(D::Error::custom)
}

fn amounts_to_texts(value: &mut Value) {
    match value {
        Value::Object(keys) => {
            let policy = keys.contains_key("periodSeconds");
            for (name, inner) in keys.iter_mut() {
                if let (false, true, Value::Number(number)) = (policy, AMOUNTS.contains(&name.as_str()), &*inner) {
                    *inner = Value::String(number.to_string());
                }
                amounts_to_texts(inner);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(amounts_to_texts),
        _ => {}
    }
}
