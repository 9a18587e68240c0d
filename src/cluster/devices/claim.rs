use super::class::{Selector, hint};
use super::settings::GpuClasses;
use heliotrope_core::gpu::GpuVendor;
use heliotrope_core::workload::{AllocatedDevice, ClaimFacts, ClaimRequest, DeviceAsk, DeviceCount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use std::sync::Arc;

/// A ResourceClaim, cut to what decisions read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LeanClaim {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

super::resource!(
    LeanClaim,
    "ResourceClaim",
    "resourceclaims",
    k8s_openapi::NamespaceResourceScope
);

/// A ResourceClaimTemplate, cut likewise.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LeanTemplate {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: TemplateSpec,
}

super::resource!(
    LeanTemplate,
    "ResourceClaimTemplate",
    "resourceclaimtemplates",
    k8s_openapi::NamespaceResourceScope
);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct TemplateSpec {
    spec: Spec,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Spec {
    devices: Option<Devices>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Devices {
    requests: Option<Vec<Request>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    exactly: Option<Ask>,
    first_available: Option<Vec<Ask>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Ask {
    device_class_name: Arc<str>,
    selectors: Option<Vec<Selector>>,
    allocation_mode: Option<String>,
    count: Option<i64>,
    admin_access: Option<bool>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Status {
    allocation: Option<Allocation>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Allocation {
    devices: Option<Results>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Results {
    results: Option<Vec<Result>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Result {
    driver: String,
    pool: String,
    device: Arc<str>,
    admin_access: Option<bool>,
}

impl LeanClaim {
    /// The claim's facts; `None` for an object without a name.
    #[must_use]
    pub fn facts(&self, classes: &GpuClasses) -> Option<ClaimFacts> {
        let given = self.status.allocation.as_ref().map(|allocation| {
            let results = allocation
                .devices
                .iter()
                .flat_map(|devices| devices.results.iter().flatten());
            results.filter_map(Result::facts).collect()
        });
        Some(ClaimFacts {
            key: key(&self.metadata)?,
            requests: self.spec.requests(classes),
            allocated: given,
        })
    }
}

impl LeanTemplate {
    /// The facts of the claims made from it; `None` for an object without a name.
    #[must_use]
    pub fn facts(&self, classes: &GpuClasses) -> Option<ClaimFacts> {
        Some(ClaimFacts {
            key: key(&self.metadata)?,
            requests: self.spec.spec.requests(classes),
            allocated: None,
        })
    }
}

impl Spec {
    fn requests(&self, classes: &GpuClasses) -> Vec<ClaimRequest> {
        let requests = self
            .devices
            .iter()
            .flat_map(|devices| devices.requests.iter().flatten());
        let alternatives = requests.map(|request| {
            let exactly = request.exactly.iter();
            let all = exactly.chain(request.first_available.iter().flatten());
            ClaimRequest(all.filter_map(|ask| ask.facts(classes)).collect())
        });
        alternatives.filter(|request| !request.0.is_empty()).collect()
    }
}

impl Ask {
    /// `None` for administrative access, which takes nothing from anybody.
    fn facts(&self, classes: &GpuClasses) -> Option<DeviceAsk> {
        if self.admin_access == Some(true) {
            return None;
        }
        let hint = hint(self.selectors.as_ref());
        // The default mode is an exact count, and the default count is one.
        let count = u32::try_from(self.count.unwrap_or(1)).unwrap_or(0);
        Some(DeviceAsk {
            class: Arc::clone(&self.device_class_name),
            count: match self.allocation_mode.as_deref() {
                Some("All") => DeviceCount::All,
                _ => DeviceCount::Exactly(count),
            },
            vendor: classes.vendor(&self.device_class_name).or(hint.vendor),
            unit: hint.unit,
        })
    }
}

impl Result {
    /// `None` for what is no GPU, or was given for administration.
    fn facts(&self) -> Option<AllocatedDevice> {
        if self.admin_access == Some(true) {
            return None;
        }
        Some(AllocatedDevice {
            vendor: GpuVendor::of_driver(&self.driver)?,
            pool: Arc::from(format!("{}/{}", self.driver, self.pool)),
            device: Arc::clone(&self.device),
        })
    }
}

/// `namespace/name`.
pub(super) fn key(meta: &ObjectMeta) -> Option<Arc<str>> {
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    Some(Arc::from(format!("{namespace}/{}", meta.name.as_deref()?)))
}
