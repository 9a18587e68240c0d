//! What can be scaled: the target, its pods, and who else scales it.
//!
//! ```text
//! TargetRef ─► kinds (discovery) ─► Target (scale subresource, field managers) ─► pods by its selector
//! namespace ─► Autoscalers (HorizontalPodAutoscaler, ScaledObject)
//! ```
//!
//! Owns the reads that a rightsizer makes for one target. A reference goes in, facts leave. Must never write, and must never
//! keep more of a kind of object than that it can be scaled.

mod autoscalers;
mod kinds;
mod managers;
mod pods;

pub use autoscalers::{Autoscaler, AutoscalerKind};
pub use managers::{FieldOwner, Operation};
pub use pods::ScaledPod;

use heliotrope_core::rightsizing::TargetRef;
use k8s_openapi::api::autoscaling::v1::Scale;
use kinds::Kinds;
use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client, Error};

/// Why something of a target is not known.
#[derive(Debug, thiserror::Error)]
pub enum ScalingError {
    /// The reference is no kind that this cluster has.
    #[error("the cluster has no kind of that apiVersion and kind")]
    NoSuchKind,
    /// It cannot be scaled.
    #[error("that kind has no scale subresource")]
    NotScalable,
    /// There is no such object.
    #[error("there is no such object in the namespace")]
    NotFound,
    /// The controller may not.
    #[error("the controller may not {0}: allow it with a ClusterRole, as deploy/kustomize/rightsizer does")]
    MayNot(&'static str),
    /// The scale tells no selector, so its pods are not known.
    #[error("its scale subresource tells no selector")]
    NoSelector,
    /// The API server failed.
    #[error("the API server could not be asked")]
    Failed(#[source] Box<Error>),
}

impl ScalingError {
    pub(super) fn of(error: Error, what: &'static str) -> Self {
        match error {
            Error::Api(status) if status.code == 404 => Self::NotFound,
            Error::Api(status) if status.code == 403 => Self::MayNot(what),
            error => Self::Failed(Box::new(error)),
        }
    }
}

/// What is to be scaled, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// How it is addressed.
    pub resource: ApiResource,
    /// Its UID.
    pub uid: String,
    /// The version that the scale was read at: what is written on top of it must be about this one.
    pub resource_version: String,
    /// `spec.replicas`.
    pub replicas: i32,
    /// `status.replicas`.
    pub status_replicas: i32,
    /// The selector of its pods, as text.
    pub selector: String,
    /// Who wrote `spec.replicas`.
    pub owners: Vec<FieldOwner>,
}

/// Reads what is to be scaled.
#[derive(Clone)]
pub struct Scaling {
    client: Client,
    kinds: std::sync::Arc<Kinds>,
}

impl std::fmt::Debug for Scaling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scaling").finish_non_exhaustive()
    }
}

impl Scaling {
    /// Reads through a client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            kinds: std::sync::Arc::default(),
        }
    }

    /// The target of a reference.
    ///
    /// # Errors
    /// See [`ScalingError`].
    pub async fn target(&self, namespace: &str, target: &TargetRef) -> Result<Target, ScalingError> {
        let resource = self.kinds.resource(&self.client, target).await?;
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource);
        let scale = api.get_scale(&target.name).await;
        let scale = scale.map_err(|error| ScalingError::of(error, "get the target's scale"))?;
        // Field managers stand in the object: a scale shows those of built-in kinds alone.
        let object = api.get_metadata(&target.name).await;
        let object = object.map_err(|error| ScalingError::of(error, "get the target"))?;
        let managed = object.metadata.managed_fields.unwrap_or_default();
        of_scale(resource, scale, managers::owners(managed, &["f:spec", "f:replicas"]))
    }

    /// The pods that a selector finds.
    ///
    /// # Errors
    /// See [`ScalingError`].
    pub async fn pods(&self, namespace: &str, selector: &str) -> Result<Vec<ScaledPod>, ScalingError> {
        pods::list(&self.client, namespace, selector).await
    }

    /// Everything of a namespace that scales something by itself.
    ///
    /// # Errors
    /// See [`ScalingError`]. A cluster without KEDA has no ScaledObjects.
    pub async fn autoscalers(&self, namespace: &str) -> Result<Vec<Autoscaler>, ScalingError> {
        autoscalers::list(&self.client, namespace).await
    }
}

fn of_scale(resource: ApiResource, scale: Scale, owners: Vec<FieldOwner>) -> Result<Target, ScalingError> {
    let status = scale.status.unwrap_or_default();
    let selector = status.selector.filter(|selector| !selector.is_empty());
    Ok(Target {
        resource,
        uid: scale.metadata.uid.unwrap_or_default(),
        resource_version: scale.metadata.resource_version.unwrap_or_default(),
        replicas: scale.spec.and_then(|spec| spec.replicas).unwrap_or(0),
        status_replicas: status.replicas,
        selector: selector.ok_or(ScalingError::NoSelector)?,
        owners,
    })
}
