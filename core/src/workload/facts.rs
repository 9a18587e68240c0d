use super::annotations::Annotations;
use super::claims::PodClaims;
use super::group::Group;
use crate::gpu::{GpuMilli, GpuResource};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// GPUs that a pod asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GpuAsk {
    /// The resource asked for.
    pub resource: GpuResource,
    /// How many units of it.
    pub units: u32,
}

impl GpuAsk {
    /// The ask in thousandths of physical boards.
    #[must_use]
    pub fn milli(self) -> GpuMilli {
        self.resource.milli_per_unit.saturating_mul(self.units)
    }
}

/// What kind of object made the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnerKind {
    /// Nothing.
    None,
    /// A Job: it ends.
    Job,
    /// A ReplicaSet, StatefulSet or another long-running set: it stays.
    Service,
    /// A DaemonSet: it belongs to its node.
    DaemonSet,
    /// The kubelet itself (a static pod's mirror).
    Node,
}

/// The pod's controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// What kind of controller.
    pub kind: OwnerKind,
    /// Its name; empty where there is none.
    pub name: Arc<str>,
}

/// Where the pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PodPhase {
    /// Waiting for a node, or for its containers to start.
    Pending,
    /// Started.
    Running,
    /// Succeeded or failed: it holds nothing any more.
    Finished,
}

/// The life of a pod that ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    /// When its last container ended.
    pub ended_at: Timestamp,
    /// From the start of its first container to that.
    pub took: SignedDuration,
}

/// A pod, pruned to what decisions need.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, as the API server tells it"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodFacts {
    /// Unique over time.
    pub uid: Arc<str>,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// Changes with every write of the pod; part of memo keys.
    pub resource_version: Arc<str>,
    /// The controller.
    pub owner: Owner,
    /// The group of pods that it belongs to, whether or not the administrator's rules count it as a gang.
    pub group: Option<Group>,
    /// `spec.priority`.
    pub priority: i32,
    /// Whether the priority class is one of Kubernetes' own `system-…` classes.
    pub system_priority: bool,
    /// GPUs asked for; `None` for a pod without GPUs. Where the pod has [`Self::claims`], only a snapshot can tell.
    pub gpus: Option<GpuAsk>,
    /// What it gets through claims; `None` for a pod that says nothing of them.
    pub claims: Option<Box<PodClaims>>,
    /// CPU asked for, in thousandths of a core.
    pub cpu_milli: u64,
    /// Memory asked for, in bytes.
    pub memory_bytes: u64,
    /// The annotations under [`super::ANNOTATION_PREFIX`], unread.
    pub annotations: Annotations,
    /// Whether the pod states preferences (preferred affinity, topology spread) that need a wide choice of nodes.
    pub prefers: bool,
    /// Whether scheduling gates hold it.
    pub gated: bool,
    /// The node it is bound to.
    pub node: Option<Arc<str>>,
    /// When it ended and for how long it ran; `None` while it runs and where it failed.
    pub ran: Option<Ran>,
    /// Names of the volume claims that it mounts and that outlive it.
    #[serde(default)]
    pub volume_claims: Vec<Arc<str>>,
    /// The node that preemption makes room on for it (`status.nominatedNodeName`).
    pub nominated: Option<Arc<str>>,
    /// When the last of its containers started; `None` until all of them run.
    pub started_at: Option<Timestamp>,
    /// Whether the scheduler's last word is that it fits nowhere.
    pub unschedulable: bool,
    /// Where it is in its life.
    pub phase: PodPhase,
}
