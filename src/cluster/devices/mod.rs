//! Reads of `resource.k8s.io/v1`: devices, claims, their templates and classes.
//!
//! Owns the lean types of the four kinds and their watches, which run only where the API server serves them and lets us
//! read: without them pods that get GPUs by claim are not seen, and everything else goes on. Objects come in as JSON and
//! leave as [`DeviceEvent`]s; the text of a CEL selector is read for names and dropped. Must never write, and must never
//! hold up readiness.

mod claim;
mod class;
mod settings;
mod slice;
mod watch;

pub use claim::{LeanClaim, LeanTemplate};
pub use class::LeanClass;
pub use settings::GpuClasses;
pub use slice::LeanSlice;
pub use watch::DeviceKind;

#[cfg(doc)]
use heliotrope_core::snapshot::DeviceEvent;

/// What the group is called.
const GROUP: &str = "resource.k8s.io";
/// The version that is read: served since Kubernetes 1.34.
const VERSION: &str = "v1";

/// Tells kube where objects of a lean type are.
macro_rules! resource {
    ($lean:ty, $kind:literal, $plural:literal, $scope:ty) => {
        impl kube::Resource for $lean {
            type DynamicType = ();
            type Scope = $scope;
            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                $kind.into()
            }
            fn group((): &()) -> std::borrow::Cow<'_, str> {
                super::GROUP.into()
            }
            fn version((): &()) -> std::borrow::Cow<'_, str> {
                super::VERSION.into()
            }
            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }
            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }
    };
}
use resource;
