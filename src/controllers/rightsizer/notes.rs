use super::apply::{Wrote, within};
use crate::cluster::Pace;
use crate::controllers::event::{self, Told};
use crate::crds::Rightsizer;
use crate::telemetry::Metrics;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt};
use std::time::Duration;
use tokio::time::Instant;

/// Events at once; afterwards one each [`EARNED`].
const BURST: u32 = 40;
/// Sixty a minute: what a round says beyond that stands in the statuses.
const EARNED: Duration = Duration::from_secs(1);
const CONTROLLER: &str = "heliotrope.dev/rightsizer";

/// Writes Events on Rightsizers: best effort, within a pace.
#[derive(Clone)]
pub(super) struct Notes {
    client: Client,
    metrics: Metrics,
    instance: String,
    pace: std::sync::Arc<Pace>,
}

impl Notes {
    pub(super) fn new(client: Client, metrics: Metrics, instance: &str) -> Self {
        Self {
            client,
            metrics,
            instance: event::instance(instance),
            pace: std::sync::Arc::new(Pace::new(BURST, EARNED)),
        }
    }

    pub(super) async fn tell(&self, about: &Rightsizer, (warns, reason): (bool, &str), note: &str, now: Timestamp) {
        let outcome = if self.pace.take(Instant::now()).is_err() {
            "event-limited"
        } else {
            let event = self.event(about, (warns, reason), note, now);
            let namespace = about.namespace().unwrap_or_default();
            let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
            match within(api.create(&PostParams::default(), &event)).await {
                Wrote::Done | Wrote::Raced => "event-done",
                _ => "event-failed",
            }
        };
        self.metrics.rightsizer_wrote(outcome);
    }

    fn event(&self, about: &Rightsizer, (warns, reason): (bool, &str), note: &str, now: Timestamp) -> Event {
        let name: String = about.name_any().chars().take(200).collect();
        let told = Told {
            name: format!("{name}.{:x}", now.as_nanosecond()),
            about: ObjectReference {
                api_version: Some(Rightsizer::api_version(&()).into_owned()),
                kind: Some(Rightsizer::kind(&()).into_owned()),
                namespace: about.namespace(),
                name: Some(about.name_any()),
                uid: about.uid(),
                ..ObjectReference::default()
            },
            action: "Rightsizing",
            reason,
            note,
            warns,
            at: now,
        };
        event::event((CONTROLLER, &self.instance), told)
    }
}
