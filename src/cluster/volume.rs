//! Volume claims and storage classes, cut to what decisions read.

use heliotrope_core::snapshot::{StorageClass, VolumeClaim};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1 as storage;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// The class that claims without one get.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// A `PersistentVolumeClaim`, cut to what decisions read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LeanVolumeClaim {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: ClaimSpec,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimSpec {
    storage_class_name: Option<Arc<str>>,
    volume_name: Option<String>,
}

/// A `StorageClass`, cut to what decisions read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeanStorageClass {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    volume_binding_mode: Option<String>,
}

impl LeanVolumeClaim {
    /// The claim's facts; `None` for an object without a name.
    #[must_use]
    pub fn facts(&self) -> Option<VolumeClaim> {
        Some(VolumeClaim {
            namespace: Arc::from(self.metadata.namespace.as_deref().unwrap_or_default()),
            name: Arc::from(self.metadata.name.as_deref()?),
            class: self.spec.storage_class_name.clone(),
            bound: self.spec.volume_name.as_ref().is_some_and(|name| !name.is_empty()),
        })
    }
}

impl LeanStorageClass {
    /// The class's facts; `None` for an object without a name.
    #[must_use]
    pub fn facts(&self) -> Option<StorageClass> {
        let annotations = self.metadata.annotations.as_ref();
        let is_default = annotations.and_then(|all| all.get(DEFAULT_CLASS));
        Some(StorageClass {
            name: Arc::from(self.metadata.name.as_deref()?),
            waits: self.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"),
            default: is_default.is_some_and(|text| text == "true"),
        })
    }
}

macro_rules! resource {
    ($lean:ty, $of:ty, $scope:ty) => {
        impl kube::Resource for $lean {
            type DynamicType = ();
            type Scope = $scope;
            fn kind((): &()) -> Cow<'_, str> {
                <$of as kube::Resource>::kind(&())
            }
            fn group((): &()) -> Cow<'_, str> {
                <$of as kube::Resource>::group(&())
            }
            fn version((): &()) -> Cow<'_, str> {
                <$of as kube::Resource>::version(&())
            }
            fn plural((): &()) -> Cow<'_, str> {
                <$of as kube::Resource>::plural(&())
            }
            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource!(
    LeanVolumeClaim,
    PersistentVolumeClaim,
    k8s_openapi::NamespaceResourceScope
);
resource!(
    LeanStorageClass,
    storage::StorageClass,
    k8s_openapi::ClusterResourceScope
);
