//! One look at a cluster, for `heliotrope check`: nodes, pods, configurations of schedulers and DRA. What may not be read is said.

use super::node::{Labels, LeanNode};
use super::pod::LeanPod;
use heliotrope_core::gpu::GpuResource;
use heliotrope_core::snapshot::NodeFacts;
use heliotrope_core::workload::PodFacts;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Client, Error};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Objects a page.
const PAGE: u32 = 500;
/// What a configuration of kube-scheduler has in it.
const CONFIGURATION: &str = "KubeSchedulerConfiguration";

/// What was seen of a kind of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// All of it.
    All(T),
    /// The user may not list it.
    MayNot,
    /// The cluster does not have the kind.
    NotThere,
    /// The API server said something else.
    Failed(String),
}

impl<T> Seen<T> {
    /// What was seen, if anything.
    pub fn all(&self) -> Option<&T> {
        match self {
            Self::All(seen) => Some(seen),
            _ => None,
        }
    }

    fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::All(seen) => Seen::All(f(seen)),
            Self::MayNot => Seen::MayNot,
            Self::NotThere => Seen::NotThere,
            Self::Failed(why) => Seen::Failed(why),
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedNode {
    /// What decisions read.
    pub facts: NodeFacts,
    /// Whether the region's label is there, whatever it says.
    pub has_region: bool,
    /// Names of the GPU resources that it offers.
    pub gpu_resources: Vec<String>,
    /// Whether a taint keeps ordinary pods away; those that Kubernetes sets for a while do not count.
    pub tainted: bool,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedPod {
    /// What decisions read.
    pub facts: PodFacts,
    /// The scheduler it asks for.
    pub scheduler: String,
    /// Whether it gets something by `resourceClaims`.
    pub claims: bool,
    /// Whether it runs kube-scheduler.
    pub runs_scheduler: bool,
    /// ConfigMaps that it mounts.
    pub config_maps: Vec<String>,
}

/// A configuration of a scheduler in a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerText {
    /// Namespace of the ConfigMap.
    pub namespace: String,
    /// Its name.
    pub config_map: String,
    /// The key.
    pub key: String,
    /// What it says.
    pub text: String,
}

/// One look at a cluster.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Nodes.
    pub nodes: Seen<Vec<SurveyedNode>>,
    /// Pods.
    pub pods: Seen<Vec<SurveyedPod>>,
    /// Scheduler configurations in ConfigMaps, by the namespace looked at.
    pub configurations: Vec<(String, Seen<Vec<SchedulerText>>)>,
    /// How many DeviceClasses and ResourceClaims there are.
    pub dra: Seen<usize>,
}

impl Survey {
    /// Looks at a cluster once. `namespaces` are those whose ConfigMaps are looked through.
    pub async fn take(client: &Client, labels: &Labels, namespaces: &[String]) -> Self {
        let nodes = list(client, "", "v1", "Node", None).await;
        let pods = list(client, "", "v1", "Pod", None).await;
        let mut configurations = Vec::new();
        for namespace in namespaces {
            let maps = list(client, "", "v1", "ConfigMap", Some(namespace)).await;
            configurations.push((namespace.clone(), maps.map(|maps| texts(namespace, maps))));
        }
        Self {
            nodes: nodes.map(|nodes| {
                nodes
                    .into_iter()
                    .filter_map(|node| surveyed_node(node, labels))
                    .collect()
            }),
            pods: pods.map(|pods| pods.into_iter().filter_map(surveyed_pod).collect()),
            configurations,
            dra: dra(client).await,
        }
    }
}

/// DeviceClasses and ResourceClaims of whichever version the cluster serves.
async fn dra(client: &Client) -> Seen<usize> {
    let mut seen = Seen::NotThere;
    for version in ["v1", "v1beta2", "v1beta1"] {
        let classes = list(client, "resource.k8s.io", version, "DeviceClass", None).await;
        if classes == Seen::NotThere {
            continue;
        }
        let claims = list(client, "resource.k8s.io", version, "ResourceClaim", None).await;
        seen = match (classes, claims) {
            (Seen::All(classes), Seen::All(claims)) => Seen::All(classes.len() + claims.len()),
            (Seen::All(_), other) | (other, _) => other.map(|seen| seen.len()),
        };
        break;
    }
    seen
}

/// Lists a kind page by page, as JSON.
async fn list(client: &Client, group: &str, version: &str, kind: &str, namespace: Option<&str>) -> Seen<Vec<Value>> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let mut all = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = match api.list(&params).await {
            Ok(page) => page,
            Err(Error::Api(status)) if status.code == 403 => return Seen::MayNot,
            Err(Error::Api(status)) if status.code == 404 => return Seen::NotThere,
            Err(error) => return Seen::Failed(error.to_string()),
        };
        all.extend(
            page.items
                .into_iter()
                .filter_map(|object| serde_json::to_value(object).ok()),
        );
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Seen::All(all),
        }
    }
}

#[derive(Default, Deserialize)]
struct Taint {
    key: String,
    #[serde(default)]
    effect: String,
}

fn part<T: for<'de> Deserialize<'de> + Default>(object: &Value, pointer: &str) -> T {
    let part = object.pointer(pointer);
    part.and_then(|part| T::deserialize(part).ok()).unwrap_or_default()
}

fn surveyed_node(node: Value, labels: &Labels) -> Option<SurveyedNode> {
    let taints: Vec<Taint> = part(&node, "/spec/taints");
    let keeps_away = |taint: &Taint| {
        // The node lifecycle's own come and go: not-ready, unschedulable, memory-pressure.
        ["NoSchedule", "NoExecute"].contains(&taint.effect.as_str()) && !taint.key.starts_with("node.kubernetes.io/")
    };
    let allocatable: BTreeMap<String, String> = part(&node, "/status/allocatable");
    let gpus = allocatable
        .into_iter()
        .filter(|(name, amount)| amount != "0" && GpuResource::parse(name).is_some());
    let gpu_resources = gpus.map(|(name, _)| name).collect();
    let set: BTreeMap<String, String> = part(&node, "/metadata/labels");
    let has_region = set.contains_key(&labels.region);
    let lean: LeanNode = serde_json::from_value(node).ok()?;
    Some(SurveyedNode {
        facts: lean.facts(labels)?,
        has_region,
        gpu_resources,
        tainted: taints.iter().any(keeps_away),
    })
}

fn surveyed_pod(pod: Value) -> Option<SurveyedPod> {
    let scheduler: Option<String> = part(&pod, "/spec/schedulerName");
    let claims: Vec<Value> = part(&pod, "/spec/resourceClaims");
    let containers: Vec<Value> = part(&pod, "/spec/containers");
    let volumes: Vec<Value> = part(&pod, "/spec/volumes");
    let runs_scheduler = containers.iter().any(|container| {
        let image: String = part(container, "/image");
        let command: String = part(container, "/command/0");
        image.contains("kube-scheduler") || command.ends_with("kube-scheduler")
    });
    let name = |source: &Value| part::<Option<String>>(source, "/configMap/name");
    let mounted = volumes.iter().flat_map(|volume| {
        let projected: Vec<Value> = part(volume, "/projected/sources");
        [name(volume)]
            .into_iter()
            .chain(projected.iter().map(name))
            .collect::<Vec<_>>()
    });
    let config_maps = mounted.flatten().collect();
    let lean: LeanPod = serde_json::from_value(pod).ok()?;
    Some(SurveyedPod {
        facts: lean.facts()?,
        scheduler: scheduler.unwrap_or_default(),
        claims: !claims.is_empty(),
        runs_scheduler,
        config_maps,
    })
}

/// The values of ConfigMaps that are configurations of a scheduler.
fn texts(namespace: &str, maps: Vec<Value>) -> Vec<SchedulerText> {
    let of_map = |map: Value| {
        let name: String = part(&map, "/metadata/name");
        let data: BTreeMap<String, Value> = part(&map, "/data");
        data.into_iter().filter_map(move |(key, value)| {
            let text = value.as_str().filter(|text| text.contains(CONFIGURATION))?;
            Some(SchedulerText {
                namespace: namespace.to_owned(),
                config_map: name.clone(),
                key,
                text: text.to_owned(),
            })
        })
    };
    maps.into_iter().flat_map(of_map).collect()
}
