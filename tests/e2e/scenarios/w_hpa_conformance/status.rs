use crate::loopback::now;
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// What an autoscaler's status says, as far as it follows from the arithmetic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) current: i64,
    pub(super) desired: i64,
    /// By type: status and reason.
    pub(super) conditions: BTreeMap<String, (String, String)>,
}

/// A status as it was seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) at: Timestamp,
    pub(super) status: Status,
    /// The message of ScalingActive, which names the metric.
    pub(super) active: String,
}

/// Watches every autoscaler and keeps each status that it had.
pub(super) struct StatusWatch {
    seen: Arc<Mutex<HashMap<String, Vec<Seen>>>>,
    task: JoinHandle<()>,
}

impl StatusWatch {
    /// Begins to watch.
    pub(super) fn start(api: Api<HorizontalPodAutoscaler>) -> Self {
        let seen: Arc<Mutex<HashMap<String, Vec<Seen>>>> = Arc::default();
        let book = seen.clone();
        let task = tokio::spawn(async move {
            let written = watcher(api, watcher::Config::default())
                .default_backoff()
                .applied_objects();
            let mut written = std::pin::pin!(written);
            while let Some(next) = written.next().await {
                let Ok(autoscaler) = next else { continue };
                let name = autoscaler.metadata.name.clone().unwrap_or_default();
                let seen = read(&serde_json::to_value(&autoscaler.status).unwrap());
                book.lock().unwrap().entry(name).or_default().push(seen);
            }
        });
        Self { seen, task }
    }

    /// What was seen, and nothing after it.
    pub(super) fn stop(self) -> HashMap<String, Vec<Seen>> {
        self.task.abort();
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn read(status: &Value) -> Seen {
    let mut active = String::new();
    let of = |condition: &Value| {
        let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        if condition["type"] == "ScalingActive" {
            active = text("message");
        }
        (text("type"), (text("status"), text("reason")))
    };
    let conditions = status["conditions"].as_array().into_iter().flatten().map(of).collect();
    let status = Status {
        current: status["currentReplicas"].as_i64().unwrap_or_default(),
        desired: status["desiredReplicas"].as_i64().unwrap_or_default(),
        conditions,
    };
    Seen {
        at: now(),
        status,
        active,
    }
}
