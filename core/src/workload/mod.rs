//! What a pod asks: GPUs, for how long, how busy, where it may run, and how strongly Heliotrope may steer it.
//!
//! Owns [`PodFacts`] (the lean form that edges prune a pod to) and [`Workload`] (the same pod, parsed and bounded by
//! the administrator's [`WorkloadRules`]). Facts come in from the watch or a request, workloads go to placement.
//! Labels and annotations are written by tenants: they are bounded, never trusted, and can only narrow what the rules
//! allow. Must never refuse a pod: what cannot be read is ignored and said so in [`Workload::notes`].

mod annotations;
mod ask;
mod claims;
mod draw;
mod duration;
mod facts;
mod group;
mod owner;
mod rules;

pub use annotations::{ANNOTATION_PREFIX, Annotations, MAX_ANNOTATION_BYTES, Note};
pub use ask::{Duration, DurationSource, Exemption, Horizon, NO_GROUP, Workload, ZoneRule};
pub use claims::{
    AllocatedDevice, ClaimFacts, ClaimRef, ClaimRequest, ClassFacts, DeviceAsk, DeviceCount, PodClaims, SpecialClaim,
};
pub use draw::Draw;
pub use facts::{GpuAsk, Owner, OwnerKind, PodFacts, PodPhase, Ran};
pub use group::{Group, GroupKey, GroupKeyError, GroupKind, MAX_GROUP_SIZE};
pub use owner::OwnerKey;
pub use rules::{Mode, Namespaces, WorkloadRules};
