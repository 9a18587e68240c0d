use super::settings::GpuClasses;
use heliotrope_core::gpu::SelectorHint;
use heliotrope_core::workload::ClassFacts;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use std::sync::Arc;

/// A DeviceClass, cut to what decisions read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LeanClass {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
}

super::resource!(
    LeanClass,
    "DeviceClass",
    "deviceclasses",
    k8s_openapi::ClusterResourceScope
);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    selectors: Option<Vec<Selector>>,
    extended_resource_name: Option<Arc<str>>,
}

/// A device selector. CEL is the only kind there is.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Selector {
    #[serde(default)]
    cel: Option<Cel>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Cel {
    #[serde(default)]
    expression: String,
}

/// What selectors tell together; each must be satisfied, so the first that names something counts.
pub(super) fn hint(selectors: Option<&Vec<Selector>>) -> SelectorHint {
    let texts = selectors
        .into_iter()
        .flatten()
        .filter_map(|selector| selector.cel.as_ref());
    texts.fold(SelectorHint::default(), |hint, cel| {
        hint.or(SelectorHint::of(&cel.expression))
    })
}

impl LeanClass {
    /// The class's facts; `None` for an object without a name.
    #[must_use]
    pub fn facts(&self, classes: &GpuClasses) -> Option<ClassFacts> {
        let name = self.metadata.name.as_deref()?;
        let hint = hint(self.spec.selectors.as_ref());
        Some(ClassFacts {
            name: Arc::from(name),
            vendor: classes.vendor(name).or(hint.vendor),
            unit: hint.unit,
            extended_resource: self.spec.extended_resource_name.clone().filter(|name| !name.is_empty()),
        })
    }
}
