//! What the process watches at the API server, each watch a task of its own.

use super::settings::Settings;
use super::tasks::{Tasks, endless};
use crate::cluster::{ClusterWatch, DeviceKind, ExporterWatch};
use crate::power::Found;
use crate::telemetry::Metrics;
use crate::world::Senders;
use kube::Client;
use std::collections::HashMap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Follows the nodes and the pods of the cluster, and what pods are given by claim.
pub(super) fn follow(
    tasks: &mut Tasks,
    client: &Client,
    settings: &Settings,
    senders: &Senders,
    metrics: &Metrics,
    stop: &CancellationToken,
) {
    let classes = settings.cluster.gpu_classes.clone();
    let cluster = ClusterWatch::new(client.clone(), settings.labels()).gpu_classes(classes);
    let (events, failed) = (senders.cluster.clone(), metrics.clone());
    let nodes = cluster
        .clone()
        .run_nodes(events, move || failed.watch_error("nodes"), stop.clone());
    endless(tasks, "nodes", nodes);
    for kind in DeviceKind::ALL {
        let (events, failed) = (senders.cluster.clone(), metrics.clone());
        let watched =
            cluster
                .clone()
                .run_devices(kind, events, move || failed.watch_error(kind.name()), stop.clone());
        endless(tasks, kind.name(), watched);
    }
    let (events, failed) = (senders.cluster.clone(), metrics.clone());
    let claims = cluster.clone().run_volume_claims(
        events,
        move || failed.watch_error("persistentvolumeclaims"),
        stop.clone(),
    );
    endless(tasks, "volume claims", claims);
    let (events, failed) = (senders.cluster.clone(), metrics.clone());
    let classes =
        cluster
            .clone()
            .run_storage_classes(events, move || failed.watch_error("storageclasses"), stop.clone());
    endless(tasks, "storage classes", classes);
    let (events, failed) = (senders.cluster.clone(), metrics.clone());
    let pods = cluster.run_pods(events, move || failed.watch_error("pods"), stop.clone());
    endless(tasks, "pods", pods);
}

/// Follows the pods that power sources look for, by the name of the source.
pub(super) fn exporters(
    tasks: &mut Tasks,
    client: &Client,
    settings: &Settings,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> HashMap<String, Found> {
    let mut found = HashMap::new();
    for source in &settings.power.sources {
        let Some(pods) = source.origin.pods() else { continue };
        let watch = ExporterWatch::new(client.clone(), &pods.namespace, &pods.selector);
        let (to_power, from_watch) = watch::channel(Vec::new());
        let failed = metrics.clone();
        let run = watch.run(to_power, move || failed.watch_error("exporters"), stop.clone());
        endless(tasks, "exporters", run);
        found.insert(source.name.clone(), from_watch);
    }
    found
}
