use super::FIELD_MANAGER;
use super::round::Rightsizers;
use crate::cluster::Target;
use heliotrope_core::rightsizing::hpa::Replicas;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, Error};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// A write that takes longer is given up; whether it was made is then not known.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrote {
    /// It was made.
    Done,
    /// It was not: the object has changed since it was read.
    Raced,
    /// It was not: the controller may not.
    MayNot,
    /// It was not, for what the API server said.
    Refused,
    /// Nobody knows: no answer came.
    Unknown,
}

impl Wrote {
    pub(super) fn of<T>(result: Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(Error::Api(status)) => match status.code {
                409 => Self::Raced,
                401 | 403 => Self::MayNot,
                400..=499 => Self::Refused,
                _ => Self::Unknown,
            },
            Err(_) => Self::Unknown,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Raced => "raced",
            Self::MayNot => "forbidden",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// Waits for a write no longer than it may take.
pub(super) async fn within<T>(write: impl Future<Output = Result<T, Error>>) -> Wrote {
    timeout(PATIENCE, write).await.map_or(Wrote::Unknown, Wrote::of)
}

impl Rightsizers {
    /// Sets the replicas of the target as it was read: if anything about it has changed since, nothing is written. Whose the
    /// field is has been looked at before, on the same version, so it is taken from whoever once wrote it.
    pub(super) async fn scale(&self, namespace: &str, name: &str, target: &Target, to: Replicas) -> Wrote {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &target.resource);
        let scale = json!({
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": { "name": name, "namespace": namespace, "resourceVersion": target.resource_version },
            "spec": { "replicas": to },
        });
        let how = PatchParams::apply(FIELD_MANAGER).force();
        within(api.patch_scale(name, &how, &Patch::Apply(scale))).await
    }
}
