use super::claims::{Claim, ClaimStatus, ExtendedClaimStatus, Said};
use super::group::Membership;
use super::{amounts, virtual_gpu};
use heliotrope_core::gpu::{GpuResource, VirtualGpu};
use heliotrope_core::workload::{Annotations, GpuAsk, Group, Owner, OwnerKind, PodClaims, PodFacts, PodPhase, Ran};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A Pod, cut to what decisions read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LeanPod {
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
    node_name: Option<Arc<str>>,
    /// Go writes `null` where a client left them out.
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    /// What the pod asks for as a whole (KEP-2837): it then counts instead of what the containers ask for.
    resources: Resources,
    overhead: Amounts,
    priority: Option<i32>,
    priority_class_name: Option<String>,
    restart_policy: Option<String>,
    affinity: Option<Affinity>,
    topology_spread_constraints: Option<Vec<IgnoredAny>>,
    scheduling_gates: Option<Vec<IgnoredAny>>,
    volumes: Option<Vec<Volume>>,
    resource_claims: Option<Vec<Claim>>,
    /// Kubernetes' own workload API (1.36), behind the feature gate `GenericWorkload`.
    scheduling_group: Option<SchedulingGroup>,
    subdomain: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SchedulingGroup {
    pod_group_name: Option<String>,
}

type Amounts = BTreeMap<String, String>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    resources: Resources,
    restart_policy: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: Amounts,
    limits: Amounts,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Affinity {
    #[serde(rename = "nodeAffinity")]
    node: Option<Preferences>,
    #[serde(rename = "podAffinity")]
    pod: Option<Preferences>,
    #[serde(rename = "podAntiAffinity")]
    anti: Option<Preferences>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Preferences {
    preferred_during_scheduling_ignored_during_execution: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: Option<String>,
    resource_claim_statuses: Option<Vec<ClaimStatus>>,
    #[serde(rename = "extendedResourceClaimStatus")]
    extended_resource_claim: Option<ExtendedClaimStatus>,
    #[serde(default, rename = "nominatedNodeName")]
    nominated_node_name: Option<Arc<str>>,
    #[serde(default)]
    conditions: Option<Vec<Condition>>,
    #[serde(default, rename = "containerStatuses")]
    container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Condition {
    r#type: String,
    status: String,
    reason: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    state: Option<ContainerState>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    running: Option<Running>,
    terminated: Option<Terminated>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Running {
    started_at: Option<String>,
}

impl Status {
    /// When the last of the containers started, once none of them waits any more. One that has ended draws nothing.
    fn started_at(&self) -> Option<Timestamp> {
        let mut last = None;
        for state in self
            .container_statuses
            .iter()
            .flatten()
            .map(|status| status.state.as_ref())
        {
            match state {
                Some(ContainerState {
                    running: Some(running), ..
                }) => {
                    let at: Timestamp = running.started_at.as_deref()?.parse().ok()?;
                    last = last.max(Some(at));
                }
                Some(ContainerState {
                    terminated: Some(_), ..
                }) => {}
                _ => return None,
            }
        }
        last
    }

    fn is_unschedulable(&self) -> bool {
        let mut conditions = self.conditions.iter().flatten();
        conditions.any(|condition| {
            condition.r#type == "PodScheduled"
                && condition.status == "False"
                && condition.reason.as_deref() == Some("Unschedulable")
        })
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Terminated {
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

/// A volume of a pod. Claims that are made from a template in the pod itself (`ephemeral`) go with it and are left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Volume {
    persistent_volume_claim: Option<ClaimName>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimName {
    claim_name: Arc<str>,
}

/// A pod that mounts more claims than this is judged by the first of them.
const MAX_CLAIMS: usize = 64;

impl Status {
    /// The life of a pod that succeeded; `None` where a container does not say when it ran.
    fn ran(&self) -> Option<Ran> {
        if self.phase.as_deref() != Some("Succeeded") {
            return None;
        }
        let containers = self.container_statuses.iter().flatten();
        let lives = containers.map(|container| {
            let ended = container.state.as_ref()?.terminated.as_ref()?;
            Some((ended.started_at?, ended.finished_at?))
        });
        let lives: Vec<(Timestamp, Timestamp)> = lives.collect::<Option<_>>()?;
        let started_at = lives.iter().map(|(started, _)| *started).min()?;
        let ended_at = lives.iter().map(|(_, ended)| *ended).max()?;
        let took = ended_at.duration_since(started_at);
        (took > SignedDuration::ZERO).then_some(Ran { ended_at, took })
    }
}

impl LeanPod {
    /// The pod's facts; `None` for an object without name or UID.
    #[must_use]
    pub fn facts(&self) -> Option<PodFacts> {
        let annotations = self
            .metadata
            .annotations
            .iter()
            .flatten()
            .map(|(k, v)| (k.as_str(), v.as_str()));
        let spec = &self.spec;
        let gpus = self.gpus();
        let namespace = Arc::from(self.metadata.namespace.as_deref().unwrap_or_default());
        let class = spec.priority_class_name.as_deref().unwrap_or_default();
        Some(PodFacts {
            uid: Arc::from(self.metadata.uid.as_deref()?),
            group: self.group(&namespace),
            namespace,
            name: Arc::from(self.metadata.name.as_deref()?),
            resource_version: Arc::from(self.metadata.resource_version.as_deref().unwrap_or_default()),
            owner: self.owner(),
            priority: spec.priority.unwrap_or(0),
            system_priority: class.starts_with("system-"),
            gpus,
            claims: self.claims(gpus),
            cpu_milli: spec.effective("cpu", amounts::milli),
            memory_bytes: spec.effective("memory", amounts::whole),
            annotations: Annotations::keep(annotations),
            prefers: spec.prefers(),
            gated: spec.scheduling_gates.as_ref().is_some_and(|gates| !gates.is_empty()),
            node: spec.node_name.clone().filter(|name| !name.is_empty()),
            // One that is told to go may end well early.
            ran: self.status.ran().filter(|_| self.metadata.deletion_timestamp.is_none()),
            volume_claims: spec.volume_claims(),
            nominated: self.status.nominated_node_name.clone().filter(|name| !name.is_empty()),
            started_at: self.status.started_at(),
            unschedulable: self.status.is_unschedulable(),
            phase: match self.status.phase.as_deref() {
                Some("Succeeded" | "Failed") => PodPhase::Finished,
                Some("Running") => PodPhase::Running,
                _ => PodPhase::Pending,
            },
        })
    }

    fn controller(&self) -> Option<&OwnerReference> {
        let mut owners = self.metadata.owner_references.iter().flatten();
        owners.find(|owner| owner.controller == Some(true))
    }

    fn group(&self, namespace: &Arc<str>) -> Option<Group> {
        let group = self.spec.scheduling_group.as_ref();
        let membership = Membership {
            metadata: &self.metadata,
            namespace,
            pod_group: group.and_then(|group| group.pod_group_name.as_deref()),
            subdomain: self.spec.subdomain.as_deref(),
            controller: self.controller(),
        };
        membership.group()
    }

    fn owner(&self) -> Owner {
        let Some(controller) = self.controller() else {
            return Owner {
                kind: OwnerKind::None,
                name: Arc::from(""),
            };
        };
        let kind = match controller.kind.as_str() {
            "DaemonSet" => OwnerKind::DaemonSet,
            "Node" => OwnerKind::Node,
            // Whatever the operator that made it: a pod that is not restarted for ever ends.
            _ if self
                .spec
                .restart_policy
                .as_deref()
                .is_some_and(|policy| policy != "Always") =>
            {
                OwnerKind::Job
            }
            _ => OwnerKind::Service,
        };
        Owner {
            kind,
            name: Arc::from(controller.name.as_str()),
        }
    }

    /// The GPU resource asked for. A pod may name several; the one that is most boards counts.
    fn gpus(&self) -> Option<GpuAsk> {
        let asks = self.spec.resource_names().filter_map(|name| {
            let units = self.spec.effective(name, amounts::whole);
            Some(GpuAsk {
                resource: GpuResource::parse(name)?.cut(self.spec.virtual_size(name)),
                units: u32::try_from(units).ok()?,
            })
        });
        asks.filter(|ask| ask.units > 0).max_by_key(|ask| ask.milli())
    }

    fn claims(&self, own: Option<GpuAsk>) -> Option<Box<PodClaims>> {
        let names: BTreeSet<&str> = self.spec.resource_names().map(String::as_str).collect();
        let amounts = names
            .into_iter()
            .map(|name| (name, self.spec.effective(name, amounts::whole)));
        Said {
            namespace: self.metadata.namespace.as_deref().unwrap_or_default(),
            claims: self.spec.resource_claims.as_ref(),
            statuses: self.status.resource_claim_statuses.as_ref(),
            special: self.status.extended_resource_claim.as_ref(),
            resources: amounts.collect(),
            own,
        }
        .facts()
    }
}

impl Spec {
    /// Every resource that a container names, some of them several times.
    fn resource_names(&self) -> impl Iterator<Item = &String> {
        let containers = [&self.containers, &self.init_containers]
            .into_iter()
            .flatten()
            .flatten();
        containers.flat_map(|c| c.resources.limits.keys().chain(c.resources.requests.keys()))
    }

    /// How large the pod wants each GPU of a resource, if the resource can be cut at will.
    fn virtual_size(&self, resource: &str) -> VirtualGpu {
        let all = self.containers.iter().chain(&self.init_containers).flatten();
        let amounts = all.map(|container| {
            let Resources { requests, limits } = &container.resources;
            move |name: &str| requests.get(name).or_else(|| limits.get(name)).map(String::as_str)
        });
        virtual_gpu::size(resource, amounts)
    }

    /// What the scheduler counts: the containers together (restartable init containers among them), or the largest init
    /// container beside the restartable ones before it, whichever is more, or what the pod states as a whole; and the
    /// overhead.
    fn effective(&self, resource: &str, read: fn(&str) -> Option<u64>) -> u64 {
        let amount = |amounts: &Amounts| amounts.get(resource).and_then(|text| read(text));
        let stated = amount(&self.resources.requests);
        stated
            .unwrap_or_else(|| self.of_containers(resource, read))
            .saturating_add(amount(&self.overhead).unwrap_or(0))
    }

    fn of_containers(&self, resource: &str, read: fn(&str) -> Option<u64>) -> u64 {
        let asked = |container: &Container| {
            let Resources { requests, limits } = &container.resources;
            // Extended resources may be written as limits alone; requests then default to them.
            requests
                .get(resource)
                .or_else(|| limits.get(resource))
                .and_then(|text| read(text))
                .unwrap_or(0)
        };
        let mut sidecars = 0_u64;
        let mut starting = 0_u64;
        for init in self.init_containers.iter().flatten() {
            if init.restart_policy.as_deref() == Some("Always") {
                sidecars = sidecars.saturating_add(asked(init));
                starting = starting.max(sidecars);
            } else {
                starting = starting.max(sidecars.saturating_add(asked(init)));
            }
        }
        let running = self
            .containers
            .iter()
            .flatten()
            .map(asked)
            .fold(sidecars, u64::saturating_add);
        running.max(starting)
    }

    fn volume_claims(&self) -> Vec<Arc<str>> {
        let claims = self
            .volumes
            .iter()
            .flatten()
            .filter_map(|volume| volume.persistent_volume_claim.as_ref());
        claims
            .map(|claim| Arc::clone(&claim.claim_name))
            .take(MAX_CLAIMS)
            .collect()
    }

    fn prefers(&self) -> bool {
        let spread = self
            .topology_spread_constraints
            .as_ref()
            .is_some_and(|list| !list.is_empty());
        let affinity = self.affinity.iter().flat_map(|a| [&a.node, &a.pod, &a.anti]);
        let stated = |p: &Preferences| {
            p.preferred_during_scheduling_ignored_during_execution
                .as_ref()
                .is_some_and(|list| !list.is_empty())
        };
        spread || affinity.flatten().any(stated)
    }
}

impl kube::Resource for LeanPod {
    type DynamicType = ();
    type Scope = k8s_openapi::NamespaceResourceScope;
    fn kind((): &()) -> Cow<'_, str> {
        Pod::kind(&())
    }
    fn group((): &()) -> Cow<'_, str> {
        Pod::group(&())
    }
    fn version((): &()) -> Cow<'_, str> {
        Pod::version(&())
    }
    fn plural((): &()) -> Cow<'_, str> {
        Pod::plural(&())
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(spec: &str) -> PodFacts {
        let json = format!(
            r#"{{"metadata":{{"name":"p","uid":"u","namespace":"ml","annotations":{{"heliotrope.dev/mode":"strict","x":"y"}},
            "ownerReferences":[{{"apiVersion":"batch/v1","kind":"Job","name":"train","uid":"j","controller":true}}]}},"spec":{spec}}}"#
        );
        serde_json::from_str::<LeanPod>(&json).unwrap().facts().unwrap()
    }

    #[test]
    fn asks_are_counted_as_the_scheduler_counts_them() {
        let pod = facts(
            r#"{"restartPolicy":"Never","containers":[{"resources":{"limits":{"nvidia.com/gpu":"2","cpu":"8"},"requests":{"cpu":"4","memory":"1Gi"}}},
            {"resources":{"requests":{"cpu":"500m"}}}],
            "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},{"resources":{"requests":{"cpu":"9"}}}],
            "overhead":{"cpu":"250m"}}"#,
        );
        assert_eq!(
            pod.gpus,
            Some(GpuAsk {
                resource: GpuResource::NVIDIA,
                units: 2
            })
        );
        assert_eq!(
            pod.cpu_milli, 10_250,
            "the starting pod asks for 1 + 9 cores, the running one for 5.5"
        );
        assert_eq!(pod.owner.kind, OwnerKind::Job);
        assert_eq!(pod.annotations.get("mode"), Some("strict"));
        assert_eq!(pod.annotations.keys().count(), 1);
    }

    #[test]
    fn a_preference_is_seen_and_a_requirement_is_not_one() {
        let preferred =
            r#"{"affinity":{"podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1}]}}}"#;
        let required = r#"{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}}}"#;
        assert!(facts(preferred).prefers);
        assert!(!facts(required).prefers);
    }
}
