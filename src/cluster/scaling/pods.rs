use super::ScalingError;
use crate::cluster::amounts;
use heliotrope_core::rightsizing::hpa::{ContainerRequests, Milli, Pod, PodPhase, ReadyCondition};
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod as ApiPod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Pods a page.
const PAGE: u32 = 500;
/// The annotation by which a ReplicaSet chooses whom to remove.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// A replica.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledPod {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The node that it is bound to.
    pub node: Option<String>,
    /// What the autoscaler's arithmetic reads of it.
    pub facts: Pod,
    /// What its containers request: the regular ones and those that run beside them.
    pub requests: Vec<ContainerRequests>,
    /// Its deletion cost, where it has one that is a number.
    pub deletion_cost: Option<i32>,
}

/// A pod, cut to that.
#[derive(Debug, Clone, Default, Deserialize)]
struct Lean {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    node_name: Option<String>,
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    restart_policy: Option<String>,
    resources: Resources,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: Option<String>,
    start_time: Option<Timestamp>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    r#type: String,
    status: String,
    last_transition_time: Option<Timestamp>,
}

impl Resource for Lean {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;
    fn kind(dt: &()) -> Cow<'_, str> {
        ApiPod::kind(dt)
    }
    fn group(dt: &()) -> Cow<'_, str> {
        ApiPod::group(dt)
    }
    fn version(dt: &()) -> Cow<'_, str> {
        ApiPod::version(dt)
    }
    fn plural(dt: &()) -> Cow<'_, str> {
        ApiPod::plural(dt)
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

pub(super) async fn list(client: &Client, namespace: &str, selector: &str) -> Result<Vec<ScaledPod>, ScalingError> {
    let api: Api<Lean> = Api::namespaced(client.clone(), namespace);
    let mut params = ListParams::default().labels(selector).limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = api.list(&params).await;
        let page = page.map_err(|error| ScalingError::of(error, "list pods"))?;
        all.extend(page.items.into_iter().filter_map(Lean::pruned));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(all),
        }
    }
}

impl Lean {
    fn pruned(self) -> Option<ScaledPod> {
        let cost = self
            .metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get(DELETION_COST));
        let deletion_cost = cost.and_then(|cost| cost.parse().ok());
        let beside = |container: &Container| container.restart_policy.as_deref() == Some("Always");
        let inits = self.spec.init_containers.into_iter().flatten().filter(beside);
        let containers = self.spec.containers.into_iter().flatten().chain(inits);
        Some(ScaledPod {
            name: self.metadata.name?,
            uid: self.metadata.uid.unwrap_or_default(),
            node: self.spec.node_name.filter(|node| !node.is_empty()),
            facts: Pod {
                phase: phase(self.status.phase.as_deref()),
                deleting: self.metadata.deletion_timestamp.is_some(),
                ready: ready(self.status.conditions.as_deref().unwrap_or_default()),
                started: self.status.start_time,
                request: None,
                sample: None,
            },
            requests: containers.map(requested).collect(),
            deletion_cost,
        })
    }
}

fn phase(text: Option<&str>) -> PodPhase {
    match text {
        Some("Running") => PodPhase::Running,
        Some("Succeeded") => PodPhase::Succeeded,
        Some("Failed") => PodPhase::Failed,
        Some("Unknown") => PodPhase::Unknown,
        _ => PodPhase::Pending,
    }
}

fn ready(conditions: &[Condition]) -> Option<ReadyCondition> {
    let condition = conditions.iter().find(|condition| condition.r#type == "Ready")?;
    Some(ReadyCondition {
        ready: match condition.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        },
        changed: condition.last_transition_time.unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

fn requested(container: Container) -> ContainerRequests {
    let read = |(name, amount): (String, String)| {
        let milli = amounts::milli(&amount).and_then(|milli| Milli::try_from(milli).ok())?;
        Some((name, milli))
    };
    ContainerRequests {
        container: container.name,
        requests: container
            .resources
            .requests
            .into_iter()
            .flatten()
            .filter_map(read)
            .collect(),
    }
}
