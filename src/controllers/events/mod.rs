//! An Event on a pod that was bound elsewhere than Heliotrope preferred.
//!
//! Owns the task that writes them ([`Events`]). A [`Strayed`] comes in over a bounded channel, one `events.k8s.io/v1` Event on
//! the pod leaves: best effort, within a pace, never tried again. Its name follows from the pod's UID, so that the API server has one a
//! pod, however many processes know of the binding. Must never hold up who tells it, and never say more than the two nodes and
//! their grams.

mod note;
pub mod settings;

use super::event;
use crate::cluster::Pace;
use crate::telemetry::Metrics;
use crate::world::Strayed;
use k8s_openapi::api::events::v1::Event;
use kube::api::PostParams;
use kube::{Api, Client};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Events at once; afterwards one each [`EARNED`].
const BURST: u32 = 20;
/// Thirty a minute: a cluster where more pods than that stray has a metric to look at.
const EARNED: Duration = Duration::from_secs(2);
/// An Event that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who may not write tries again after this.
const FORBIDDEN_FOR: Duration = Duration::from_secs(600);

/// Writes Events.
pub struct Events {
    client: Client,
    metrics: Metrics,
    /// Which process says so: the name of its pod or host.
    instance: String,
    pace: Pace,
    /// Until when nothing is tried, after a refusal.
    paused: Option<Instant>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    /// Writes through a client that may create Events in all namespaces.
    #[must_use]
    pub fn new(client: Client, metrics: Metrics, instance: &str) -> Self {
        Self {
            client,
            metrics,
            instance: event::instance(instance),
            pace: Pace::new(BURST, EARNED),
            paused: None,
        }
    }

    /// Writes what is told until cancelled.
    pub async fn run(mut self, mut inbox: Receiver<Strayed>, cancel: CancellationToken) {
        loop {
            let strayed = tokio::select! {
                () = cancel.cancelled() => return,
                strayed = inbox.recv() => strayed,
            };
            let Some(strayed) = strayed else {
                // Nobody is left to tell anything; the process ends when it is told to.
                cancel.cancelled().await;
                return;
            };
            let outcome = self.write(&strayed).await;
            self.metrics.event(outcome);
        }
    }

    async fn write(&mut self, strayed: &Strayed) -> &'static str {
        let now = Instant::now();
        if self.paused.is_some_and(|until| now < until) {
            return "paused";
        }
        if self.pace.take(now).is_err() {
            return "limited";
        }
        let events: Api<Event> = Api::namespaced(self.client.clone(), &strayed.namespace);
        let (event, how) = (note::event(strayed, &self.instance), PostParams::default());
        match timeout(PATIENCE, events.create(&how, &event)).await {
            Ok(Ok(_)) => "created",
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => "exists",
            Ok(Err(kube::Error::Api(status))) if status.code == 403 && !is_ending(&status.message) => {
                self.paused = Some(now + FORBIDDEN_FOR);
                tracing::error!(
                    minutes = FORBIDDEN_FOR.as_secs() / 60,
                    "events may not be created, so none are for now: apply deploy/kustomize/events or set events.enabled to false"
                );
                "forbidden"
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "event not created");
                "failed"
            }
            Err(_) => "failed",
        }
    }
}

/// A namespace that is being deleted takes nothing new, whatever the rights.
fn is_ending(message: &str) -> bool {
    message.contains("because it is being terminated")
}
