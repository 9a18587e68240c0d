use super::index::DeviceIndex;
use crate::gpu::{GpuResource, GpuVendor};
use crate::workload::{AllocatedDevice, ClaimFacts, ClaimRef, ClaimRequest, ClassFacts, DeviceAsk, DeviceCount};
use crate::workload::{GpuAsk, PodClaims, PodFacts};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The extended resource name that every device class has without naming one (KEP-5004).
const CLASS_PREFIX: &str = "deviceclass.resource.kubernetes.io/";

/// What a pod asks for once its claims are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// As a resource of its containers.
    pub own: Vec<GpuAsk>,
    /// By claims, each of which other pods may share.
    pub devices: Vec<ClaimedDevices>,
    /// Whether a claim is not known, nor the template it is made from.
    pub unknown: bool,
}

/// The GPUs of one claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedDevices {
    /// The claim, as `namespace/name`.
    pub claim: Arc<str>,
    /// What it asks for, or was given.
    pub asks: Vec<GpuAsk>,
    /// Whether it was given devices.
    pub allocated: bool,
}

impl Claimed {
    /// Everything the pod asks for.
    #[must_use]
    pub fn ask(&self) -> Option<GpuAsk> {
        self.ask_where(|_| true)
    }

    /// What it asks for besides the claims that do not count.
    pub fn ask_where(&self, mut counts: impl FnMut(&ClaimedDevices) -> bool) -> Option<GpuAsk> {
        let mut sums: Vec<GpuAsk> = Vec::new();
        let claimed = self
            .devices
            .iter()
            .filter(|claim| counts(claim))
            .flat_map(|claim| &claim.asks);
        for ask in self.own.iter().chain(claimed) {
            match sums.iter_mut().find(|sum| sum.resource == ask.resource) {
                Some(sum) => sum.units = sum.units.saturating_add(ask.units),
                None => sums.push(*ask),
            }
        }
        // As with resources of containers: of several the one that is most boards counts.
        sums.into_iter()
            .filter(|ask| ask.units > 0)
            .max_by_key(|ask| (ask.milli(), ask.resource))
    }
}

impl DeviceIndex {
    /// What a pod asks for; `None` for one that says nothing of claims, whose [`PodFacts::gpus`] stands.
    #[must_use]
    pub fn claimed(&self, pod: &PodFacts) -> Option<Claimed> {
        let claims = pod.claims.as_deref()?;
        let special = claims.special.as_ref().and_then(|special| {
            let given = self.claims.get(&special.claim)?;
            Some((special, self.given(given)?))
        });
        let mut found = Claimed::default();
        if let Some((special, given)) = special {
            // What was given says more than the name of a resource.
            found.own.extend(claims.own.filter(|_| !special.backs_own));
            found.devices.push(given);
        } else {
            found.own.extend(claims.own);
            found.own.extend(self.backed(claims));
        }
        for (place, claim) in claims.refs.iter().enumerate() {
            match self.one(pod, place, claim) {
                Some(devices) if found.devices.iter().any(|known| known.claim == devices.claim) => {}
                Some(devices) => found.devices.push(devices),
                None => found.unknown = true,
            }
        }
        found.devices.retain(|devices| !devices.asks.is_empty());
        Some(found)
    }

    /// The pod's ask where claims have a say, else what its facts say.
    #[must_use]
    pub fn ask(&self, pod: &PodFacts) -> Option<GpuAsk> {
        self.claimed(pod).map_or(pod.gpus, |claimed| claimed.ask())
    }

    fn one(&self, pod: &PodFacts, place: usize, claim: &ClaimRef) -> Option<ClaimedDevices> {
        let known = claim.claim.as_ref().and_then(|name| self.claims.get(name));
        if let Some(known) = known {
            return Some(
                self.given(known)
                    .unwrap_or_else(|| self.asked(known, Arc::clone(&known.key))),
            );
        }
        // The claim is made a moment after the pod, and from the template as it stands.
        let template = self.templates.get(claim.template.as_ref()?)?;
        let name = claim.claim.clone();
        let own = || Arc::from(format!("{}#{place}", pod.uid));
        Some(self.asked(template, name.unwrap_or_else(own)))
    }

    fn given(&self, claim: &ClaimFacts) -> Option<ClaimedDevices> {
        let devices = claim.allocated.as_ref()?;
        let ask = |device: &AllocatedDevice| {
            let part = self.pools.get(&device.pool).and_then(|pool| pool.part(&device.device));
            GpuAsk {
                resource: GpuResource::new(device.vendor, part.unwrap_or_default()),
                units: 1,
            }
        };
        Some(ClaimedDevices {
            claim: Arc::clone(&claim.key),
            asks: devices.iter().map(ask).collect(),
            allocated: true,
        })
    }

    fn asked(&self, claim: &ClaimFacts, name: Arc<str>) -> ClaimedDevices {
        ClaimedDevices {
            claim: name,
            asks: claim
                .requests
                .iter()
                .filter_map(|request| self.request(request))
                .collect(),
            allocated: false,
        }
    }

    /// The first alternative that is for GPUs: which one will be given nobody knows before.
    fn request(&self, request: &ClaimRequest) -> Option<GpuAsk> {
        request.0.iter().find_map(|ask| self.device_ask(ask))
    }

    fn device_ask(&self, ask: &DeviceAsk) -> Option<GpuAsk> {
        let class = self.classes.get(&ask.class).map(Arc::as_ref);
        let named = || GpuVendor::of_device_class(&ask.class);
        // A class that can be read is what it says, whatever its name.
        let of_class = class.map_or_else(named, |class| class.vendor);
        let vendor = ask.vendor.or(of_class)?;
        let unit = ask.unit.or(class.and_then(|class| class.unit)).unwrap_or_default();
        let units = match ask.count {
            DeviceCount::Exactly(count) => count,
            DeviceCount::All => self.usual.get(&vendor).copied().unwrap_or(1),
        };
        let resource = GpuResource::new(vendor, unit);
        Some(GpuAsk { resource, units })
    }

    /// Extended resources behind which a class of GPUs stands.
    fn backed(&self, claims: &PodClaims) -> impl Iterator<Item = GpuAsk> {
        claims.extended.iter().filter_map(|(name, units)| {
            let named = |class: &&Arc<ClassFacts>| class.extended_resource.as_ref() == Some(name);
            let implied = || self.classes.get(name.strip_prefix(CLASS_PREFIX)?);
            let class = self.classes.values().find(named).or_else(implied)?;
            let resource = GpuResource::new(class.vendor?, class.unit.unwrap_or_default());
            Some(GpuAsk {
                resource,
                units: *units,
            })
        })
    }
}
