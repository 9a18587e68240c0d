use super::ScalingError;
use heliotrope_core::rightsizing::TargetRef;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::error::DiscoveryError;
use kube::{Client, Error};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Kinds remembered: tenants name them, and a cluster has few that can be scaled.
const MAX_KINDS: usize = 64;
/// A kind that changed is looked up again after this.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// Kinds that can be scaled, looked up once in a while.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    known: Mutex<HashMap<(String, String), (ApiResource, Instant)>>,
}

impl Kinds {
    pub(super) async fn resource(&self, client: &Client, target: &TargetRef) -> Result<ApiResource, ScalingError> {
        let key = (target.api_version.clone(), target.kind.clone());
        if let Some(known) = self.find(&key) {
            return Ok(known);
        }
        let found = look_up(client, target).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KINDS {
            known.clear();
        }
        known.insert(key, (found.clone(), Instant::now()));
        Ok(found)
    }

    fn find(&self, key: &(String, String)) -> Option<ApiResource> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (resource, at) = known.get(key)?;
        (at.elapsed() < KEPT_FOR).then(|| resource.clone())
    }
}

async fn look_up(client: &Client, target: &TargetRef) -> Result<ApiResource, ScalingError> {
    let (group, version) = target.group_version();
    if version.is_empty() || target.api_version.contains(['?', '#', '%']) || version.contains('/') {
        return Err(ScalingError::NoSuchKind);
    }
    let kind = GroupVersionKind::gvk(group, version, &target.kind);
    let (resource, able) = match pinned_kind(client, &kind).await {
        Ok(found) => found,
        Err(Error::Discovery(DiscoveryError::MissingKind(_) | DiscoveryError::MissingResource(_))) => {
            return Err(ScalingError::NoSuchKind);
        }
        Err(Error::Api(status)) if status.code == 404 => return Err(ScalingError::NoSuchKind),
        Err(error) => return Err(ScalingError::of(error, "discover kinds")),
    };
    let scales = able
        .subresources
        .iter()
        .any(|(subresource, _)| subresource.plural == "scale");
    if !scales || able.scope != Scope::Namespaced {
        return Err(ScalingError::NotScalable);
    }
    Ok(resource)
}
