use super::Cluster;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, WatchEvent, WatchParams};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Watches pods being bound, cheaply: the watch selects pods without a node, so that each binding is one small event, and
/// KWOK's many status updates are none. On two cores whatever measures takes from what is measured.
pub(crate) struct Bindings {
    seen: Arc<Mutex<Vec<Instant>>>,
    task: JoinHandle<()>,
}

impl Bindings {
    /// Starts watching. The scenario must not delete waiting pods meanwhile: that looks the same.
    pub(crate) async fn watch(cluster: &Cluster) -> Self {
        const WAITING: &str = "spec.nodeName=";
        let api = cluster.api::<Pod>();
        let from = api.list_metadata(&ListParams::default().fields(WAITING)).await.unwrap();
        let version = from.metadata.resource_version.unwrap();
        let params = WatchParams::default().fields(WAITING).timeout(290);
        let mut events = api.watch_metadata(&params, &version).await.unwrap().boxed();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                while let Some(event) = events.next().await {
                    if matches!(event, Ok(WatchEvent::Deleted(_))) {
                        seen.lock().unwrap().push(Instant::now());
                    }
                }
            }
        });
        Self { seen, task }
    }

    /// Pods bound so far.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Waits until this many pods were bound; whether it came to that.
    pub(crate) async fn wait(&self, count: usize, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.count() < count {
            if Instant::now() > until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Pods bound per second between the first and the last of them.
    pub(crate) fn per_second(&self) -> f64 {
        let seen = self.seen.lock().unwrap();
        match (seen.first(), seen.last()) {
            (Some(first), Some(last)) if last > first => (seen.len() - 1) as f64 / (*last - *first).as_secs_f64(),
            _ => 0.0,
        }
    }
}

impl Drop for Bindings {
    fn drop(&mut self) {
        self.task.abort();
    }
}
