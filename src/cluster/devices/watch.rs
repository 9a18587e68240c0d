//! The kinds of `resource.k8s.io`, watched where they can be.
//!
//! The loop is not that of nodes and pods (`cluster/watch.rs`), though both read the same [`stream`]. Without nodes and pods there is
//! no answer, so that loop takes every error for one that passes and has only to be told when to stop. These kinds may not be
//! served, or not be open to us, for as long as the process lives: this loop ends with what closed them, is said so once, and is
//! begun again after minutes. One loop for both would carry an end that half of its callers can never reach.

use super::claim::key;
use super::settings::GpuClasses;
use super::{GROUP, LeanClaim, LeanClass, LeanSlice, LeanTemplate, VERSION};
use crate::cluster::watch::{ClusterWatch, Guarded, stream, valid};
use futures::StreamExt;
use heliotrope_core::snapshot::{Change, ClusterEvent, DeviceEvent, SliceFacts};
use heliotrope_core::workload::{ClaimFacts, ClassFacts};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use kube::runtime::watcher;
use kube::runtime::watcher::Event;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// How long until it is asked again whether the API is served, or may be read: an upgrade, or an administrator, changes it.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// A kind that is watched where it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// ResourceSlice.
    Slices,
    /// ResourceClaim.
    Claims,
    /// ResourceClaimTemplate.
    Templates,
    /// DeviceClass.
    Classes,
}

impl DeviceKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Slices, Self::Claims, Self::Templates, Self::Classes];

    /// The name of the resource, as in a role.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Slices => "resourceslices",
            Self::Claims => "resourceclaims",
            Self::Templates => "resourceclaimtemplates",
            Self::Classes => "deviceclasses",
        }
    }
}

/// Why a kind cannot be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    NotServed,
    Forbidden,
}

impl Closed {
    fn of(error: &kube::Error) -> Option<Self> {
        match error {
            kube::Error::Api(status) => Self::of_code(status.code),
            _ => None,
        }
    }

    fn of_watch(error: &watcher::Error) -> Option<Self> {
        match error {
            watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => Self::of(error),
            watcher::Error::WatchError(status) => Self::of_code(status.code),
            _ => None,
        }
    }

    fn of_code(code: u16) -> Option<Self> {
        match code {
            404 => Some(Self::NotServed),
            403 => Some(Self::Forbidden),
            _ => None,
        }
    }

    fn tell(self, kind: DeviceKind) {
        let resource = kind.name();
        match self {
            Self::NotServed => tracing::info!(
                resource,
                "not watched: the API server does not serve {GROUP}/{VERSION}; GPUs that pods get by claim are not seen"
            ),
            Self::Forbidden => tracing::warn!(
                resource,
                "not watched: the service account may not list it; GPUs that pods get by claim are not seen. Apply the role \
                 of deploy/kustomize"
            ),
        }
    }
}

/// A lean type of the group.
pub(super) trait Lean: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static {
    /// What it is pruned to.
    type Facts;
    /// Prunes it.
    fn pruned(&self, classes: &GpuClasses) -> Option<Self::Facts>;
    /// What tells it from others.
    fn key_of(meta: &ObjectMeta) -> Option<Arc<str>>;
    /// The event that tells a change of it.
    fn event(change: Change<Self::Facts>) -> DeviceEvent;
}

impl ClusterWatch {
    /// Watches a kind of `resource.k8s.io` until cancelled or until nobody listens; where it is not served, or may not be
    /// read, says so once and asks again every few minutes.
    pub async fn run_devices(
        self,
        kind: DeviceKind,
        out: Sender<ClusterEvent>,
        failed: impl Fn(),
        cancel: CancellationToken,
    ) {
        let followed = async {
            match kind {
                DeviceKind::Slices => self.follow::<LeanSlice>(kind, &out, failed).await,
                DeviceKind::Claims => self.follow::<LeanClaim>(kind, &out, failed).await,
                DeviceKind::Templates => self.follow::<LeanTemplate>(kind, &out, failed).await,
                DeviceKind::Classes => self.follow::<LeanClass>(kind, &out, failed).await,
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = followed => {}
        }
    }

    async fn follow<K: Lean>(&self, kind: DeviceKind, out: &Sender<ClusterEvent>, failed: impl Fn()) {
        let mut told = None;
        loop {
            let closed = match self.watch_while_open::<K>(out, &failed).await {
                Ok(()) => return,
                Err(closed) => closed,
            };
            if told != Some(closed) {
                closed.tell(kind);
            }
            told = Some(closed);
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Ends when nobody listens, or when the kind is not open to us.
    async fn watch_while_open<K: Lean>(&self, out: &Sender<ClusterEvent>, failed: &impl Fn()) -> Result<(), Closed> {
        // Asked first, since the watch below takes every error for one that passes.
        let metadata: Api<K> = Api::all(self.client.clone());
        if let Err(error) = metadata.list_metadata(&ListParams::default().limit(1)).await
            && let Some(closed) = Closed::of(&error)
        {
            return Err(closed);
        }
        let mut events = std::pin::pin!(stream::<K>(Api::all(self.client.clone())));
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    let event = self.change::<K>(event).map(K::event);
                    if let Some(event) = event
                        && out.send(ClusterEvent::Devices(Box::new(event))).await.is_err()
                    {
                        return Ok(());
                    }
                }
                Err(error) => {
                    if let Some(closed) = Closed::of_watch(&error) {
                        return Err(closed);
                    }
                    failed();
                    tracing::warn!(%error, "watch interrupted, trying again");
                }
            }
        }
        Ok(())
    }

    fn change<K: Lean>(&self, event: Event<Guarded<K>>) -> Option<Change<K::Facts>> {
        match event {
            Event::Apply(object) | Event::InitApply(object) => {
                valid::<K>(object)?.pruned(&self.gpu_classes).map(Change::Put)
            }
            Event::Delete(object) => K::key_of(object.meta()).map(Change::Gone),
            Event::Init => Some(Change::Relisting),
            Event::InitDone => Some(Change::Listed),
        }
    }
}

fn name_of(meta: &ObjectMeta) -> Option<Arc<str>> {
    meta.name.as_deref().map(Arc::from)
}

impl Lean for LeanSlice {
    type Facts = SliceFacts;
    fn pruned(&self, _: &GpuClasses) -> Option<SliceFacts> {
        self.facts()
    }
    fn key_of(meta: &ObjectMeta) -> Option<Arc<str>> {
        name_of(meta)
    }
    fn event(change: Change<SliceFacts>) -> DeviceEvent {
        DeviceEvent::Slice(change)
    }
}

impl Lean for LeanClaim {
    type Facts = ClaimFacts;
    fn pruned(&self, classes: &GpuClasses) -> Option<ClaimFacts> {
        self.facts(classes)
    }
    fn key_of(meta: &ObjectMeta) -> Option<Arc<str>> {
        key(meta)
    }
    fn event(change: Change<ClaimFacts>) -> DeviceEvent {
        DeviceEvent::Claim(change)
    }
}

impl Lean for LeanTemplate {
    type Facts = ClaimFacts;
    fn pruned(&self, classes: &GpuClasses) -> Option<ClaimFacts> {
        self.facts(classes)
    }
    fn key_of(meta: &ObjectMeta) -> Option<Arc<str>> {
        key(meta)
    }
    fn event(change: Change<ClaimFacts>) -> DeviceEvent {
        DeviceEvent::Template(change)
    }
}

impl Lean for LeanClass {
    type Facts = ClassFacts;
    fn pruned(&self, classes: &GpuClasses) -> Option<ClassFacts> {
        self.facts(classes)
    }
    fn key_of(meta: &ObjectMeta) -> Option<Arc<str>> {
        name_of(meta)
    }
    fn event(change: Change<ClassFacts>) -> DeviceEvent {
        DeviceEvent::Class(change)
    }
}
