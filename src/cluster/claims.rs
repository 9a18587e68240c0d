//! What a pod says about claims.

use heliotrope_core::gpu::GpuResource;
use heliotrope_core::workload::{ClaimRef, GpuAsk, PodClaims, SpecialClaim};
use serde::Deserialize;
use std::sync::Arc;

/// Claims and extended resources kept of one pod. A pod has eight GPUs, not a hundred claims for them.
const MAX_KEPT: usize = 16;

/// One of `spec.resourceClaims`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Claim {
    name: Arc<str>,
    resource_claim_name: Option<Arc<str>>,
    resource_claim_template_name: Option<Arc<str>>,
}

/// One of `status.resourceClaimStatuses`: the claim that was made from a template, or that none was necessary.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ClaimStatus {
    name: Arc<str>,
    resource_claim_name: Option<Arc<str>>,
}

/// `status.extendedResourceClaimStatus`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExtendedClaimStatus {
    resource_claim_name: Arc<str>,
    request_mappings: Option<Vec<Mapping>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Mapping {
    resource_name: String,
}

/// Where a pod may speak of claims.
pub(super) struct Said<'a> {
    pub(super) namespace: &'a str,
    pub(super) claims: Option<&'a Vec<Claim>>,
    pub(super) statuses: Option<&'a Vec<ClaimStatus>>,
    pub(super) special: Option<&'a ExtendedClaimStatus>,
    /// Names of resources that its containers ask for, with how many.
    pub(super) resources: Vec<(&'a str, u64)>,
    pub(super) own: Option<GpuAsk>,
}

impl Said<'_> {
    /// `None` where it says nothing: most pods.
    pub(super) fn facts(self) -> Option<Box<PodClaims>> {
        let key = |name: &Arc<str>| -> Arc<str> { Arc::from(format!("{}/{name}", self.namespace)) };
        let refs = self.claims.into_iter().flatten().take(MAX_KEPT);
        let refs: Vec<ClaimRef> = refs.filter_map(|claim| self.one(claim, key)).collect();
        let extended = self
            .resources
            .iter()
            .filter(|(name, _)| may_be_devices(name))
            .take(MAX_KEPT);
        let extended: Vec<(Arc<str>, u32)> = extended
            .filter_map(|(name, units)| Some((Arc::from(*name), u32::try_from(*units).ok().filter(|n| *n > 0)?)))
            .collect();
        let special = self.special.filter(|status| !status.resource_claim_name.is_empty());
        let special = special.map(|status| SpecialClaim {
            claim: key(&status.resource_claim_name),
            backs_own: status.request_mappings.iter().flatten().any(|mapping| {
                let resource = GpuResource::parse(&mapping.resource_name);
                resource.is_some() && resource == self.own.map(|own| own.resource)
            }),
        });
        let silent = refs.is_empty() && extended.is_empty() && special.is_none();
        (!silent).then(|| {
            Box::new(PodClaims {
                own: self.own,
                refs,
                extended,
                special,
            })
        })
    }

    fn one(&self, claim: &Claim, key: impl Fn(&Arc<str>) -> Arc<str>) -> Option<ClaimRef> {
        let status = self
            .statuses
            .into_iter()
            .flatten()
            .find(|status| status.name == claim.name);
        // Told, and without a name: no claim was necessary.
        if status.is_some_and(|status| status.resource_claim_name.is_none()) {
            return None;
        }
        let made = status.and_then(|status| status.resource_claim_name.as_ref());
        Some(ClaimRef {
            claim: claim.resource_claim_name.as_ref().or(made).map(&key),
            template: claim.resource_claim_template_name.as_ref().map(&key),
        })
    }
}

/// Whether a device class may stand behind a resource of this name: extended, not one that Kubernetes itself defines, and
/// not one that is known to be a GPU anyway.
fn may_be_devices(name: &str) -> bool {
    let Some((domain, _)) = name.split_once('/') else {
        return false;
    };
    let of_a_class = domain == "deviceclass.resource.kubernetes.io";
    let of_kubernetes = domain == "kubernetes.io" || domain.ends_with(".kubernetes.io");
    (of_a_class || !of_kubernetes) && GpuResource::parse(name).is_none()
}
