use super::{namespace, selector};
use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Namespace, Node, ServiceAccount};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::{Client, Error};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long the cluster may take to let go of what was deleted.
const PATIENCE: Duration = Duration::from_secs(120);

/// The node lifecycle controller looks every five seconds and writes an event about each node that is gone.
const LATE_EVENTS: Duration = Duration::from_secs(7);

/// Removes what an interrupted run left, and makes the namespace of all work, ready for pods.
pub(crate) async fn prepare(client: &Client) -> Result<(), String> {
    remove_everything(client).await?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let mut object = json!({ "metadata": { "name": namespace() } });
    super::mark(&mut object);
    let object = serde_json::from_value(object).map_err(|e| e.to_string())?;
    namespaces
        .create(&PostParams::default(), &object)
        .await
        .map_err(|e| format!("namespace {} is not the suite's to make: {e}", namespace()))?;
    // Until it is there, pods are not admitted.
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace());
    wait("the namespace has no service account", async || {
        Ok(accounts.get_opt("default").await?.is_some())
    })
    .await
}

/// Removes everything that carries the mark, and what the control plane wrote about it; returns when it is gone. What one kind
/// holds up does not keep the others.
pub(crate) async fn remove_everything(client: &Client) -> Result<(), String> {
    let namespace = remove_namespace(client).await;
    let classes: Api<PriorityClass> = Api::all(client.clone());
    let classes = classes.delete_collection(&at_once(), &marked()).await;
    let nodes = remove_nodes(client).await;
    namespace.and(classes.map(drop).map_err(text)).and(nodes)
}

fn marked() -> ListParams {
    ListParams::default().labels(&selector())
}

fn at_once() -> DeleteParams {
    DeleteParams::background().grace_period(0)
}

/// With the namespace go pods, Deployments, Jobs and events.
async fn remove_namespace(client: &Client) -> Result<(), String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for found in namespaces.list_metadata(&marked()).await.map_err(text)?.items {
        let name = found.metadata.name.unwrap_or_default();
        gone(namespaces.delete(&name, &at_once()).await)?;
    }
    wait("the namespace does not go", async || {
        Ok(namespaces.list_metadata(&marked()).await?.items.is_empty())
    })
    .await
}

/// With the nodes go their leases and the events about them.
async fn remove_nodes(client: &Client) -> Result<(), String> {
    let nodes: Api<Node> = Api::all(client.clone());
    let found = nodes.list_metadata(&marked()).await.map_err(text)?.items;
    let names: Vec<String> = found.into_iter().filter_map(|node| node.metadata.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    nodes.delete_collection(&at_once(), &marked()).await.map_err(text)?;
    wait("the nodes do not go", async || {
        Ok(nodes.list_metadata(&marked()).await?.items.is_empty())
    })
    .await?;
    let left = Instant::now();
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    delete(&leases, &names).await?;
    while left.elapsed() < LATE_EVENTS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        remove_events(client, &names).await?;
    }
    Ok(())
}

/// Events about nodes stand in `default` and carry no mark; the node's name tells.
async fn remove_events(client: &Client, nodes: &[String]) -> Result<(), String> {
    let events: Api<Event> = Api::namespaced(client.clone(), "default");
    let about_nodes = ListParams::default().fields("involvedObject.kind=Node");
    let found = events.list(&about_nodes).await.map_err(text)?.items;
    let ours = found.into_iter().filter(|event| {
        let name = event.involved_object.name.as_ref();
        name.is_some_and(|name| nodes.contains(name))
    });
    let ours: Vec<String> = ours.filter_map(|event| event.metadata.name).collect();
    delete(&events, &ours).await
}

/// Deletes many, a few at a time.
async fn delete<K>(api: &Api<K>, names: &[String]) -> Result<(), String>
where
    K: Clone + DeserializeOwned + Debug,
{
    let now = at_once();
    let deletions = futures::stream::iter(names).map(|name| api.delete(name, &now));
    let answers: Vec<_> = deletions.buffer_unordered(16).collect().await;
    answers.into_iter().try_for_each(gone)
}

/// What is gone already needs no deletion.
fn gone<T>(answer: Result<T, Error>) -> Result<(), String> {
    match answer {
        Err(Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(drop).map_err(text),
    }
}

async fn wait(what: &str, done: impl AsyncFn() -> Result<bool, Error>) -> Result<(), String> {
    let until = Instant::now() + PATIENCE;
    while !done().await.map_err(text)? {
        if Instant::now() > until {
            return Err(format!("{what} within {PATIENCE:?}"));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

fn text(error: impl Debug) -> String {
    format!("{error:?}")
}
