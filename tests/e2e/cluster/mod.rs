//! A cluster of KWOK nodes and the work on it.
//!
//! Owns what scenarios do to the API server: nodes over three regions, pods, Deployments, Jobs, and the questions asked of them
//! (where did it land, when was it bound, what does its condition say). Must never start a process.

mod bindings;
mod devices;
mod nodes;
mod pods;
mod work;

pub(crate) use bindings::Bindings;
pub(crate) use nodes::{Images, Model, NodeSpec, RACK, REGIONS, fleet};
pub(crate) use pods::{Placed, by_region, share_of};
pub(crate) use work::Work;

use crate::guest;
use futures::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Requests in flight while many objects are made: enough to keep the API server busy, few enough for two cores.
const AT_ONCE: usize = 16;

/// The cluster behind an API server.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: kube::Client,
}

impl Cluster {
    /// Speaks to a cluster.
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { client }
    }

    /// The API of a kind in the namespace of all work.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), guest::namespace())
    }

    fn nodes(&self) -> Api<Node> {
        Api::all(self.client.clone())
    }

    /// Creates nodes and waits until KWOK has made all of them Ready and the control plane has taken its taints off them.
    pub(crate) async fn create_nodes(&self, specs: &[NodeSpec]) {
        let from = Instant::now();
        self.create_more_nodes(specs).await;
        let api = self.nodes();
        let mut ours = ListParams::default();
        if guest::is_guest() {
            ours = ours.labels(&guest::selector());
        }
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let ready = api
                .list(&ours)
                .await
                .unwrap()
                .items
                .iter()
                .filter(|node| is_ready(node))
                .count();
            if ready == specs.len() {
                break;
            }
            assert!(
                Instant::now() < until,
                "only {ready} of {} nodes are Ready",
                specs.len()
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        println!("{} nodes Ready in {:.1} s", specs.len(), from.elapsed().as_secs_f64());
    }

    /// Creates nodes.
    pub(crate) async fn create_more_nodes(&self, specs: &[NodeSpec]) {
        let api = self.nodes();
        let made = futures::stream::iter(specs).map(|spec| {
            let api = api.clone();
            async move { api.create(&PostParams::default(), &spec.to_node()).await }
        });
        let made: Vec<_> = made.buffer_unordered(AT_ONCE).collect().await;
        for node in made {
            node.unwrap();
        }
    }

    /// Creates a PriorityClass.
    pub(crate) async fn create_priority(&self, name: &str, value: i32) {
        let mut class = json!({ "metadata": { "name": guest::cluster_wide(name) }, "value": value });
        guest::mark(&mut class);
        Api::all(self.client.clone())
            .create(&PostParams::default(), &object::<PriorityClass>(class))
            .await
            .unwrap();
    }

    /// Creates a class whose volumes are made where their first consumer is put; nobody makes them.
    pub(crate) async fn create_storage_class(&self, name: &str) {
        let class = json!({
            "metadata": { "name": name },
            "provisioner": "heliotrope.dev/nobody",
            "volumeBindingMode": "WaitForFirstConsumer",
        });
        Api::all(self.client.clone())
            .create(&PostParams::default(), &object::<StorageClass>(class))
            .await
            .unwrap();
    }

    /// Creates a StatefulSet of one pod, which mounts a claim of this class.
    pub(crate) async fn create_stateful_set(&self, work: &Work, class: &str) {
        self.api()
            .create(&PostParams::default(), &work.to_stateful_set(class))
            .await
            .unwrap();
    }

    /// The API of a kind that is known by name alone, in the namespace of all work.
    pub(crate) fn dynamic(&self, kind: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), guest::namespace(), kind)
    }

    /// Creates `count` pods named after the work.
    pub(crate) async fn create_pods(&self, work: &Work, count: usize) {
        self.create_named_pods(work, 0..count).await;
    }

    /// Creates the pods of these numbers, named after the work.
    pub(crate) async fn create_named_pods(&self, work: &Work, numbers: std::ops::Range<usize>) {
        let api: Api<Pod> = self.api();
        let made = futures::stream::iter(numbers).map(|i| {
            let api = api.clone();
            async move {
                api.create(&PostParams::default(), &work.to_pod(&format!("{}-{i:05}", work.name)))
                    .await
            }
        });
        let made: Vec<_> = made.buffer_unordered(AT_ONCE).collect().await;
        for pod in made {
            pod.unwrap();
        }
    }

    /// Creates one pod with the work's own name.
    pub(crate) async fn create_pod(&self, work: &Work) {
        self.create_named(work, &work.name).await;
    }

    /// Creates one pod with a name of its own.
    pub(crate) async fn create_named(&self, work: &Work, name: &str) {
        self.api()
            .create(&PostParams::default(), &work.to_pod(name))
            .await
            .unwrap();
    }

    /// Creates a Deployment.
    pub(crate) async fn create_deployment(&self, work: &Work, replicas: usize) {
        self.api()
            .create(&PostParams::default(), &work.to_deployment(replicas))
            .await
            .unwrap();
    }

    /// Creates a Job whose pods all run at once.
    pub(crate) async fn create_job(&self, work: &Work, pods: usize) {
        self.api()
            .create(&PostParams::default(), &work.to_job(pods))
            .await
            .unwrap();
    }

    /// Deletes the Deployment or Job of some work and all its pods, and waits until they are gone.
    pub(crate) async fn delete_work(&self, work: &Work) {
        use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job};
        let now = DeleteParams::background().grace_period(0);
        drop(self.api::<Deployment>().delete(&work.name, &now).await);
        drop(self.api::<Job>().delete(&work.name, &now).await);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            self.api::<Pod>()
                .delete_collection(&now, &work.selector())
                .await
                .unwrap();
            let left = self
                .api::<Pod>()
                .list_metadata(&work.selector())
                .await
                .unwrap()
                .items
                .len();
            if left == 0 {
                return;
            }
            assert!(Instant::now() < until, "{left} pods of {} do not go", work.name);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Deletes one pod at once.
    pub(crate) async fn delete_pod(&self, name: &str) {
        self.api::<Pod>()
            .delete(name, &DeleteParams::default().grace_period(0))
            .await
            .unwrap();
    }

    /// Reads one pod.
    pub(crate) async fn pod(&self, name: &str) -> Pod {
        self.api().get(name).await.unwrap()
    }
}

/// Whether a scheduler that starts now would place pods on the node. The condition alone is not enough: the node lifecycle
/// controller removes its `not-ready` taint some time after it has seen the condition.
fn is_ready(node: &Node) -> bool {
    let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    if taints.any(|taint| taint.key.starts_with("node.kubernetes.io/")) {
        return false;
    }
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Builds a typed object from the JSON that a manifest would hold.
fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}
