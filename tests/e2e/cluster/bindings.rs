use super::Cluster;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use std::time::{Duration, Instant};

/// How often the API server is asked. On two cores whatever measures takes from what is measured, and a watch ends when its
/// reader falls behind; the pods that still wait are a short answer from the server's cache, and ever shorter.
const INTERVAL: Duration = Duration::from_millis(250);

/// Pods being bound, over time.
pub(crate) struct Bindings {
    cluster: Cluster,
    /// Pods that waited at the beginning.
    queued: usize,
    /// When asked, and how many were bound by then.
    seen: Vec<(Instant, usize)>,
}

impl Bindings {
    /// Begins with the pods that wait now. Meanwhile the scenario must neither make nor delete any.
    pub(crate) async fn of_waiting(cluster: &Cluster) -> Self {
        let cluster = cluster.clone();
        // Not from the cache, which may not know the last of them yet.
        let queued = waiting(&cluster, ListParams::default()).await;
        Self {
            cluster,
            queued,
            seen: Vec::new(),
        }
    }

    /// Pods bound by the last look.
    pub(crate) fn count(&self) -> usize {
        self.seen.last().map_or(0, |(_, bound)| *bound)
    }

    /// Looks until this many pods were bound; whether it came to that.
    pub(crate) async fn wait(&mut self, count: usize, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.count() < count && Instant::now() < until {
            tokio::time::sleep(INTERVAL).await;
            let bound = self.queued
                - waiting(&self.cluster, ListParams::default().match_any())
                    .await
                    .min(self.queued);
            self.seen.push((Instant::now(), bound));
        }
        self.count() >= count
    }

    /// Pods bound per second, from the first look that saw one bound to the first that saw the last.
    pub(crate) fn per_second(&self) -> f64 {
        let last = self.count();
        let begun = self.seen.iter().find(|(_, bound)| *bound > 0);
        let ended = self.seen.iter().find(|(_, bound)| *bound == last);
        match (begun, ended) {
            (Some((from, first)), Some((until, last))) if until > from => {
                (last - first) as f64 / (*until - *from).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

/// Pods without a node.
async fn waiting(cluster: &Cluster, params: ListParams) -> usize {
    let params = params.fields("spec.nodeName=");
    cluster.api::<Pod>().list_metadata(&params).await.unwrap().items.len()
}
