//! GPUs that a pod gets through claims (`resource.k8s.io`) and not as a resource of its containers.

use super::facts::GpuAsk;
use crate::gpu::{GpuUnit, GpuVendor};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a pod says about claims.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodClaims {
    /// What its containers ask for by the name of a GPU resource: what [`super::PodFacts::gpus`] is without claims.
    pub own: Option<GpuAsk>,
    /// `spec.resourceClaims`.
    pub refs: Vec<ClaimRef>,
    /// Extended resources whose names say nothing of GPUs. A device class may stand behind one.
    pub extended: Vec<(Arc<str>, u32)>,
    /// The claim that the scheduler made for the extended resources which devices back.
    pub special: Option<SpecialClaim>,
}

/// One entry of `spec.resourceClaims`. Names are `namespace/name`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRef {
    /// The claim, named by the pod or made for it.
    pub claim: Option<Arc<str>>,
    /// The template that a claim is made from.
    pub template: Option<Arc<str>>,
}

/// `status.extendedResourceClaimStatus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialClaim {
    /// The claim, as `namespace/name`.
    pub claim: Arc<str>,
    /// Whether it stands for [`PodClaims::own`].
    pub backs_own: bool,
}

/// A ResourceClaim, or a template of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimFacts {
    /// `namespace/name`.
    pub key: Arc<str>,
    /// What is asked for. A request for administrative access asks for nothing and is not among them.
    pub requests: Vec<ClaimRequest>,
    /// What was given; `None` until then.
    pub allocated: Option<Vec<AllocatedDevice>>,
}

/// One request of a claim: the first of its alternatives that fits is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRequest(pub Vec<DeviceAsk>);

/// Devices of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAsk {
    /// The device class.
    pub class: Arc<str>,
    /// How many.
    pub count: DeviceCount,
    /// The vendor that the settings or the request's own selectors name.
    pub vendor: Option<GpuVendor>,
    /// What of a board the request's own selectors name.
    pub unit: Option<GpuUnit>,
}

/// How many devices are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceCount {
    /// So many.
    Exactly(u32),
    /// All that a node has.
    All,
}

/// A GPU that a claim was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocatedDevice {
    /// Who made it.
    pub vendor: GpuVendor,
    /// The pool, as `driver/pool`.
    pub pool: Arc<str>,
    /// The device's name in its pool.
    pub device: Arc<str>,
}

/// A DeviceClass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassFacts {
    /// Its name.
    pub name: Arc<str>,
    /// Whose GPUs its devices are; `None` for other devices.
    pub vendor: Option<GpuVendor>,
    /// What of a board each is, where its selectors tell.
    pub unit: Option<GpuUnit>,
    /// The extended resource that its devices back.
    pub extended_resource: Option<Arc<str>>,
}
