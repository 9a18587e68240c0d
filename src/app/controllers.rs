//! The controllers role: who acts is elected, and looks after Rightsizers while it is.

use super::settings::Settings;
use super::tasks::{Tasks, endless};
use crate::controllers::lease::Election;
use crate::controllers::rightsizer::{Away, Rightsizers};
use crate::load::Reader;
use crate::outbound::HttpClient;
use crate::telemetry::{Clock, Metrics};
use crate::world::World;
use kube::Client;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Spawns the controllers that the settings want; what they lack comes out of the channel.
pub(super) fn spawn(
    tasks: &mut Tasks,
    (client, http): (Client, &HttpClient),
    settings: &Settings,
    (world, (clock, metrics)): (Arc<World>, (Clock, Metrics)),
    stop: &CancellationToken,
) -> Option<watch::Receiver<Away>> {
    let wanted = settings.rightsizer.clone();
    if !wanted.enabled {
        return None;
    }
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let namespace = wanted.lease.namespace.clone();
    let namespace = namespace.unwrap_or_else(|| client.default_namespace().to_owned());
    let lease = (namespace.as_str(), wanted.lease.name.as_str());
    let clocked = (clock, metrics.clone());
    let election = Election::new(client.clone(), lease, &host, wanted.lease.times, clocked.clone());
    let reader = Reader::new(&settings.load, http, client.clone(), metrics);
    let (away, lacks) = watch::channel(Some("Rightsizers were not listed yet"));
    let rightsizers = Rightsizers::new(client, wanted, (reader, world), clocked, &host, away);
    let stop = stop.clone();
    endless(tasks, "rightsizer", async move {
        if rightsizers.ready(&stop).await {
            election.run(|term| rightsizers.run(term), stop).await;
        }
    });
    Some(lacks)
}
