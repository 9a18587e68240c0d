use super::devices::GpuClasses;
use super::node::{Labels, LeanNode};
use super::pod::LeanPod;
use super::volume::{LeanStorageClass, LeanVolumeClaim};
use futures::{Stream, StreamExt, TryStreamExt};
use heliotrope_core::snapshot::{ClusterEvent, VolumeEvent};
use kube::core::DeserializeGuard;
use kube::runtime::{WatchStreamExt, watcher, watcher::Event};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// Watches nodes and pods and tells what changes.
#[derive(Clone)]
pub struct ClusterWatch {
    pub(super) client: Client,
    labels: Labels,
    pub(super) gpu_classes: GpuClasses,
}

impl Debug for ClusterWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterWatch")
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

impl ClusterWatch {
    /// A watch over the whole cluster.
    #[must_use]
    pub fn new(client: Client, labels: Labels) -> Self {
        Self {
            client,
            labels,
            gpu_classes: GpuClasses::default(),
        }
    }

    /// With device classes that are GPUs because the settings say so.
    #[must_use]
    pub fn gpu_classes(mut self, classes: GpuClasses) -> Self {
        self.gpu_classes = classes;
        self
    }

    /// Watches nodes until cancelled or until nobody listens. An API server that restarts or is away is waited for with
    /// backoff; what was seen before stays until the server says otherwise.
    pub async fn run_nodes(self, out: Sender<ClusterEvent>, failed: impl Fn(), cancel: CancellationToken) {
        let labels = self.labels;
        let to_event = move |event| match event {
            Event::Apply(node) | Event::InitApply(node) => {
                valid::<LeanNode>(node)?.facts(&labels).map(ClusterEvent::Node)
            }
            Event::Delete(node) => Some(ClusterEvent::NodeGone(Arc::from(node.name_any()))),
            Event::Init => Some(ClusterEvent::NodesRelisting),
            Event::InitDone => Some(ClusterEvent::NodesListed),
        };
        forward(stream(Api::all(self.client)), to_event, out, failed, cancel).await;
    }

    /// Watches volume claims likewise. Nothing waits for it: where they may not be read, `failed` tells, and pods whose
    /// volume is yet to be made are judged as others are.
    pub async fn run_volume_claims(self, out: Sender<ClusterEvent>, failed: impl Fn(), cancel: CancellationToken) {
        let to_event = |event| {
            let event = match event {
                Event::Apply(claim) | Event::InitApply(claim) => {
                    VolumeEvent::Claim(valid::<LeanVolumeClaim>(claim)?.facts()?)
                }
                Event::Delete(claim) => VolumeEvent::ClaimGone {
                    namespace: Arc::from(claim.namespace().unwrap_or_default()),
                    name: Arc::from(claim.name_any()),
                },
                Event::Init => VolumeEvent::ClaimsRelisting,
                Event::InitDone => VolumeEvent::ClaimsListed,
            };
            Some(ClusterEvent::Volume(event))
        };
        forward(stream(Api::all(self.client)), to_event, out, failed, cancel).await;
    }

    /// Watches storage classes likewise.
    pub async fn run_storage_classes(self, out: Sender<ClusterEvent>, failed: impl Fn(), cancel: CancellationToken) {
        let to_event = |event| {
            let event = match event {
                Event::Apply(class) | Event::InitApply(class) => {
                    VolumeEvent::Class(valid::<LeanStorageClass>(class)?.facts()?)
                }
                Event::Delete(class) => VolumeEvent::ClassGone(Arc::from(class.name_any())),
                Event::Init => VolumeEvent::ClassesRelisting,
                Event::InitDone => VolumeEvent::ClassesListed,
            };
            Some(ClusterEvent::Volume(event))
        };
        forward(stream(Api::all(self.client)), to_event, out, failed, cancel).await;
    }

    /// Watches pods likewise.
    pub async fn run_pods(self, out: Sender<ClusterEvent>, failed: impl Fn(), cancel: CancellationToken) {
        let to_event = |event| match event {
            Event::Apply(pod) | Event::InitApply(pod) => valid::<LeanPod>(pod)?
                .facts()
                .map(|pod| ClusterEvent::Pod(Box::new(pod))),
            Event::Delete(pod) => pod
                .meta()
                .uid
                .as_deref()
                .map(|uid| ClusterEvent::PodGone { uid: Arc::from(uid) }),
            Event::Init => Some(ClusterEvent::PodsRelisting),
            Event::InitDone => Some(ClusterEvent::PodsListed),
        };
        forward(stream(Api::all(self.client)), to_event, out, failed, cancel).await;
    }
}

/// One malformed object is logged and left out; it must not stop the others.
pub(super) fn valid<K>(guarded: DeserializeGuard<K>) -> Option<K> {
    guarded.0.inspect_err(|invalid| tracing::warn!(error = %invalid.error, name = invalid.metadata.name, "object left out: it cannot be read")).ok()
}

pub(super) type Guarded<K> = DeserializeGuard<K>;

pub(super) fn stream<K>(api: Api<Guarded<K>>) -> impl Stream<Item = Result<Event<Guarded<K>>, watcher::Error>> + Send
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    // `any_semantic` lets the list come from the API server's cache: cheaper for it, and the watch catches up at once.
    watcher(api, watcher::Config::default().any_semantic()).default_backoff()
}

async fn forward<K>(
    events: impl Stream<Item = Result<Event<Guarded<K>>, watcher::Error>>,
    to_event: impl Fn(Event<Guarded<K>>) -> Option<ClusterEvent>,
    out: Sender<ClusterEvent>,
    failed: impl Fn(),
    cancel: CancellationToken,
) {
    let events = events.inspect_err(|error| {
        failed();
        tracing::warn!(%error, "watch interrupted, trying again");
    });
    let mut events = std::pin::pin!(events);
    loop {
        let event = tokio::select! {
            () = cancel.cancelled() => return,
            event = events.next() => event,
        };
        match event {
            Some(Ok(event)) => {
                if let Some(event) = to_event(event)
                    && out.send(event).await.is_err()
                {
                    return;
                }
            }
            Some(Err(_)) => {}
            None => return,
        }
    }
}
