use super::{Cluster, REGIONS, Work};
use k8s_openapi::api::core::v1::Pod;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A pod that has a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placed {
    pub(crate) pod: String,
    pub(crate) node: String,
}

impl Placed {
    /// The region in the node's name.
    pub(crate) fn region(&self) -> &'static str {
        let found = REGIONS.into_iter().find(|region| self.node.contains(region));
        found.unwrap_or_else(|| panic!("{} names no region", self.node))
    }
}

/// How many pods each region got; every region is there.
pub(crate) fn by_region(placed: &[Placed]) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<_, _> = REGIONS.into_iter().map(|region| (region, 0)).collect();
    for pod in placed {
        *counts.entry(pod.region()).or_default() += 1;
    }
    counts
}

/// The share of the pods that one region got.
pub(crate) fn share_of(region: &str, placed: &[Placed]) -> f64 {
    let here = placed.iter().filter(|pod| pod.region() == region).count();
    here as f64 / placed.len() as f64
}

impl Cluster {
    /// The pods of some work that have a node, finished ones included, by name.
    pub(crate) async fn placed(&self, work: &Work) -> Vec<Placed> {
        let pods = self.api::<Pod>().list(&work.selector()).await.unwrap();
        let placed = |pod: Pod| {
            Some(Placed {
                node: pod.spec?.node_name?,
                pod: pod.metadata.name?,
            })
        };
        let mut placed: Vec<_> = pods.items.into_iter().filter_map(placed).collect();
        placed.sort();
        placed
    }

    /// Waits until `count` pods of some work have a node.
    pub(crate) async fn wait_placed(&self, work: &Work, count: usize, patience: Duration) -> Vec<Placed> {
        let until = Instant::now() + patience;
        loop {
            let placed = self.placed(work).await;
            if placed.len() >= count {
                return placed;
            }
            if Instant::now() > until {
                let reasons = self.pending_messages(work).await;
                panic!(
                    "{} of {count} pods of {} have a node after {patience:?}; the others: {reasons:?}",
                    placed.len(),
                    work.name
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What kube-scheduler wrote on the pods of some work that wait, each text once.
    pub(crate) async fn pending_messages(&self, work: &Work) -> Vec<String> {
        let pods = self.api::<Pod>().list(&work.selector()).await.unwrap();
        let mut messages: Vec<_> = pods.items.iter().filter_map(scheduled_message).collect();
        messages.sort();
        messages.dedup();
        messages
    }

    /// Waits until kube-scheduler has tried a pod and given up for now; its words.
    pub(crate) async fn wait_refused(&self, name: &str, patience: Duration) -> String {
        let until = Instant::now() + patience;
        loop {
            if let Some(message) = scheduled_message(&self.pod(name).await) {
                return message;
            }
            assert!(Instant::now() < until, "{name} was not tried within {patience:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn scheduled_message(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions
        .iter()
        .find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
    condition.message.clone()
}
