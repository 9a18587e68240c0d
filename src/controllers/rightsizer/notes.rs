use super::apply::{Wrote, within};
use crate::cluster::Pace;
use crate::crds::Rightsizer;
use crate::telemetry::Metrics;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt};
use std::time::Duration;
use tokio::time::Instant;

/// Events at once; afterwards one each [`EARNED`].
const BURST: u32 = 40;
/// Sixty a minute: what a round says beyond that stands in the statuses.
const EARNED: Duration = Duration::from_secs(1);
/// The longest note that the API server takes.
const MAX_NOTE: usize = 1024;
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
        let name: String = instance.chars().filter(char::is_ascii_graphic).take(128).collect();
        Self {
            client,
            metrics,
            instance: if name.is_empty() { "heliotrope".to_owned() } else { name },
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
        let text = |text: &str| Some(text.to_owned());
        let end = (0..=MAX_NOTE.min(note.len()))
            .rev()
            .find(|end| note.is_char_boundary(*end));
        let name: String = about.name_any().chars().take(200).collect();
        Event {
            metadata: ObjectMeta {
                name: Some(format!("{name}.{:x}", now.as_nanosecond())),
                namespace: about.namespace(),
                ..ObjectMeta::default()
            },
            action: text("Rightsizing"),
            event_time: Some(MicroTime(now)),
            note: note.get(..end.unwrap_or(0)).map(str::to_owned),
            reason: text(reason),
            regarding: Some(ObjectReference {
                api_version: Some(Rightsizer::api_version(&()).into_owned()),
                kind: Some(Rightsizer::kind(&()).into_owned()),
                namespace: about.namespace(),
                name: Some(about.name_any()),
                uid: about.uid(),
                ..ObjectReference::default()
            }),
            reporting_controller: text(CONTROLLER),
            reporting_instance: Some(self.instance.clone()),
            type_: text(if warns { "Warning" } else { "Normal" }),
            ..Event::default()
        }
    }
}
