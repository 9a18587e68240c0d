use super::ScalingError;
use super::managers::{FieldOwner, owners};
use heliotrope_core::rightsizing::TargetRef;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde::Deserialize;

/// Annotations by which KEDA is told to leave a target alone: it then deletes the autoscaler that it made and scales nothing. The
/// first is off where it says so, the second, which says how many replicas there are meanwhile, counts by being there.
const PAUSED: &str = "autoscaling.keda.sh/paused";
const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";
/// What KEDA takes for no.
const NO: [&str; 6] = ["0", "f", "F", "false", "False", "FALSE"];

/// Objects a page.
const PAGE: u32 = 500;

/// What scales a target by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoscalerKind {
    /// `autoscaling/v2`.
    HorizontalPodAutoscaler,
    /// `keda.sh/v1alpha1`, which makes an autoscaler of the first kind.
    ScaledObject,
}

impl AutoscalerKind {
    /// Its kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::ScaledObject => "ScaledObject",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::HorizontalPodAutoscaler, Self::ScaledObject]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// How it is addressed.
    #[must_use]
    pub fn resource(self) -> ApiResource {
        match self {
            Self::HorizontalPodAutoscaler => ApiResource::from_gvk_with_plural(
                &GroupVersionKind::gvk("autoscaling", "v2", self.name()),
                "horizontalpodautoscalers",
            ),
            Self::ScaledObject => ApiResource::from_gvk_with_plural(
                &GroupVersionKind::gvk("keda.sh", "v1alpha1", self.name()),
                "scaledobjects",
            ),
        }
    }

    /// The keys of its bounds below `spec`: the least, the most.
    #[must_use]
    pub fn bounds(self) -> (&'static str, &'static str) {
        match self {
            Self::HorizontalPodAutoscaler => ("minReplicas", "maxReplicas"),
            Self::ScaledObject => ("minReplicaCount", "maxReplicaCount"),
        }
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Autoscaler {
    /// Which kind.
    pub kind: AutoscalerKind,
    /// Its name.
    pub name: String,
    /// The version that it was read at.
    pub resource_version: String,
    /// What it scales.
    pub target: TargetRef,
    /// Its least replicas, where it says them.
    pub min: Option<i32>,
    /// Its most, where it says them.
    pub max: Option<i32>,
    /// Who wrote its bounds.
    pub owners: Vec<FieldOwner>,
    /// Whether another autoscaler made it.
    pub made: bool,
    /// Whether it is told to scale nothing for the time being, whatever its bounds are.
    pub paused: bool,
}

#[derive(Deserialize)]
struct Lean {
    metadata: ObjectMeta,
    spec: LeanSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeanSpec {
    scale_target_ref: LeanRef,
    #[serde(alias = "minReplicaCount")]
    min_replicas: Option<i32>,
    #[serde(alias = "maxReplicaCount")]
    max_replicas: Option<i32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeanRef {
    api_version: Option<String>,
    kind: Option<String>,
    name: String,
}

pub(super) async fn list(client: &Client, namespace: &str) -> Result<Vec<Autoscaler>, ScalingError> {
    let mut all = Vec::new();
    for kind in [AutoscalerKind::HorizontalPodAutoscaler, AutoscalerKind::ScaledObject] {
        match of_kind(client, namespace, kind).await {
            Ok(found) => all.extend(found),
            // Without KEDA there is no such kind.
            Err(ScalingError::NotFound) if kind == AutoscalerKind::ScaledObject => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

async fn of_kind(client: &Client, namespace: &str, kind: AutoscalerKind) -> Result<Vec<Autoscaler>, ScalingError> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind.resource());
    let mut params = ListParams::default().limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = api.list(&params).await;
        let page = page.map_err(|error| ScalingError::of(error, "list autoscalers"))?;
        all.extend(page.items.into_iter().filter_map(|object| lean(kind, object)));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(all),
        }
    }
}

fn lean(kind: AutoscalerKind, object: DynamicObject) -> Option<Autoscaler> {
    let lean: Lean = serde_json::from_value(serde_json::to_value(object).ok()?).ok()?;
    let made = lean.metadata.owner_references.iter().flatten();
    let made = made
        .into_iter()
        .any(|owner| owner.kind == AutoscalerKind::ScaledObject.name());
    let paused = kind == AutoscalerKind::ScaledObject && is_paused(&lean.metadata);
    let (least, most) = kind.bounds();
    let managed = lean.metadata.managed_fields.unwrap_or_default();
    let mut bounds = owners(managed.clone(), &["f:spec", &format!("f:{least}")]);
    bounds.extend(owners(managed, &["f:spec", &format!("f:{most}")]));
    let target = lean.spec.scale_target_ref;
    // A ScaledObject that does not say it means a Deployment.
    Some(Autoscaler {
        kind,
        name: lean.metadata.name?,
        resource_version: lean.metadata.resource_version.unwrap_or_default(),
        target: TargetRef {
            api_version: target.api_version.unwrap_or_else(|| "apps/v1".to_owned()),
            kind: target.kind.unwrap_or_else(|| "Deployment".to_owned()),
            name: target.name,
        },
        min: lean.spec.min_replicas,
        max: lean.spec.max_replicas,
        owners: bounds,
        made,
        paused,
    })
}

fn is_paused(metadata: &ObjectMeta) -> bool {
    let annotation = |name: &str| metadata.annotations.as_ref().and_then(|all| all.get(name));
    annotation(PAUSED_REPLICAS).is_some() || annotation(PAUSED).is_some_and(|value| !NO.contains(&value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(kind: AutoscalerKind, annotations: &Value, spec: &Value) -> Autoscaler {
        let object = json!({ "metadata": { "name": "llm", "annotations": annotations }, "spec": spec });
        lean(kind, serde_json::from_value(object).unwrap()).unwrap()
    }

    #[test]
    fn a_scaled_object_is_paused_as_keda_takes_it() {
        let spec = json!({ "scaleTargetRef": { "name": "llm" } });
        let paused = |annotations: Value| read(AutoscalerKind::ScaledObject, &annotations, &spec).paused;
        assert!(!paused(json!({})) && !paused(json!({ PAUSED: "false" })));
        assert!(
            paused(json!({ PAUSED: "true" })) && paused(json!({ PAUSED: "" })) && paused(json!({ PAUSED: "no" }))
        );
        assert!(paused(json!({ PAUSED_REPLICAS: "0", PAUSED: "false" })));
        // One direction alone: bounds are followed all the same.
        assert!(!paused(json!({ "autoscaling.keda.sh/paused-scale-in": "true" })));
        let hpa = read(
            AutoscalerKind::HorizontalPodAutoscaler,
            &json!({ PAUSED: "true" }),
            &spec,
        );
        assert!(!hpa.paused, "no autoscaler of Kubernetes heeds it");
    }

    #[test]
    fn what_a_scaled_object_leaves_out_is_what_keda_takes_for_it() {
        let found = read(
            AutoscalerKind::ScaledObject,
            &json!({}),
            &json!({ "scaleTargetRef": { "name": "llm" }, "maxReplicaCount": 20 }),
        );
        assert_eq!((found.min, found.max), (None, Some(20)));
        assert_eq!(
            (found.target.api_version.as_str(), found.target.kind.as_str()),
            ("apps/v1", "Deployment")
        );
    }
}
