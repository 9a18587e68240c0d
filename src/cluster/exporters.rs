//! Pods that are exporters: where each listens, and which node it is about.

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch::Sender;
use tokio_util::sync::CancellationToken;

/// Exporters of one kind; a cluster has one on each node.
const MAX_PODS: usize = 20_000;

/// Address and node of a pod.
type Place = (IpAddr, Arc<str>);

/// Watches the pods of a namespace that have some labels.
#[derive(Clone)]
pub struct ExporterWatch {
    pods: Api<Pod>,
    selector: String,
}

impl std::fmt::Debug for ExporterWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExporterWatch")
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

impl ExporterWatch {
    /// A watch over one namespace. The selector is written as for `kubectl -l`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, selector: &str) -> Self {
        Self {
            pods: Api::namespaced(client, namespace),
            selector: selector.to_owned(),
        }
    }

    /// Tells where the running ones are, whenever that changes, until cancelled. While the API server is away the last
    /// places stand: an exporter that has moved just does not answer.
    pub async fn run(self, out: Sender<Vec<Place>>, failed: impl Fn(), cancel: CancellationToken) {
        let config = watcher::Config::default().any_semantic().labels(&self.selector);
        let events = watcher(self.pods, config).default_backoff().inspect_err(|error| {
            failed();
            tracing::warn!(%error, "watch of exporters interrupted, trying again");
        });
        let mut events = std::pin::pin!(events);
        let mut known = Known::default();
        loop {
            let event = tokio::select! {
                () = cancel.cancelled() => return,
                event = events.try_next() => event,
            };
            match event {
                Ok(Some(event)) => known.take(event, &out),
                Ok(None) => return cancel.cancelled().await,
                Err(_) => {}
            }
        }
    }
}

#[derive(Default)]
struct Known {
    places: BTreeMap<String, Place>,
    /// What a list that is still coming has told.
    relisted: Option<BTreeMap<String, Place>>,
}

impl Known {
    fn take(&mut self, event: Event<Pod>, out: &Sender<Vec<Place>>) {
        match event {
            Event::Init => self.relisted = Some(BTreeMap::new()),
            Event::InitApply(pod) => put(self.relisted.get_or_insert_default(), &pod),
            Event::InitDone => self.places = self.relisted.take().unwrap_or_default(),
            Event::Apply(pod) => put(&mut self.places, &pod),
            Event::Delete(pod) => drop(pod.metadata.uid.and_then(|uid| self.places.remove(&uid))),
        }
        if self.relisted.is_none() {
            let places: Vec<Place> = self.places.values().cloned().collect();
            out.send_if_modified(|told| {
                let changed = *told != places;
                *told = places;
                changed
            });
        }
    }
}

fn put(places: &mut BTreeMap<String, Place>, pod: &Pod) {
    let Some(uid) = pod.metadata.uid.clone() else { return };
    match place(pod).filter(|_| places.len() < MAX_PODS) {
        Some(place) => drop(places.insert(uid, place)),
        None => drop(places.remove(&uid)),
    }
}

/// Where a pod listens; `None` for one that does not run, or is about to stop.
fn place(pod: &Pod) -> Option<Place> {
    let status = pod
        .status
        .as_ref()
        .filter(|status| status.phase.as_deref() == Some("Running"))?;
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let node = pod.spec.as_ref()?.node_name.as_deref()?;
    Some((status.pod_ip.as_deref()?.parse().ok()?, Arc::from(node)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::sync::watch;

    fn pod(uid: &str, ip: &str, phase: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": uid, "uid": uid },
            "spec": { "nodeName": format!("node-of-{uid}"), "containers": [] },
            "status": { "phase": phase, "podIP": ip },
        }))
        .unwrap()
    }

    fn told(out: &Sender<Vec<Place>>) -> Vec<String> {
        out.borrow().iter().map(|(ip, node)| format!("{ip} {node}")).collect()
    }

    #[test]
    fn places_follow_the_pods_and_a_list_replaces_them_at_its_end() {
        let (out, _keep) = watch::channel(Vec::new());
        let mut known = Known::default();
        known.take(Event::Init, &out);
        known.take(Event::InitApply(pod("a", "10.0.0.1", "Running")), &out);
        assert!(told(&out).is_empty(), "the list is not complete");
        known.take(Event::InitDone, &out);
        assert_eq!(told(&out), ["10.0.0.1 node-of-a"]);
        known.take(Event::Apply(pod("b", "fd00::2", "Running")), &out);
        known.take(Event::Apply(pod("c", "10.0.0.3", "Pending")), &out);
        assert_eq!(told(&out), ["10.0.0.1 node-of-a", "fd00::2 node-of-b"]);
        known.take(Event::Init, &out);
        assert_eq!(told(&out).len(), 2, "the old places stand while a list is made anew");
        known.take(Event::InitApply(pod("b", "fd00::2", "Running")), &out);
        known.take(Event::InitDone, &out);
        assert_eq!(told(&out), ["fd00::2 node-of-b"]);
        known.take(Event::Apply(pod("b", "", "Succeeded")), &out);
        assert!(told(&out).is_empty());
    }

    #[test]
    fn a_pod_that_stops_is_none() {
        let mut stopping = pod("a", "10.0.0.1", "Running");
        stopping.metadata.deletion_timestamp = serde_json::from_value(json!("2026-03-01T12:00:00Z")).unwrap();
        assert_eq!(place(&stopping), None);
        let hostname: Pod = pod("a", "exporter.example.com", "Running");
        assert_eq!(place(&hostname), None, "an address and nothing else");
    }
}
