use super::ledger::Bookings;
use super::promise::{Promise, Reach};
use crate::snapshot::Snapshot;
use crate::workload::PodFacts;
use jiff::Timestamp;
use std::sync::Arc;

impl Bookings {
    /// Lets go of what a new snapshot counts itself, of what will not come, and of what is overdue. `pods` tells what the
    /// watch had shown of a pod when the snapshot was built; whoever reads the two must read them together.
    pub fn settle<'p>(&mut self, snapshot: &Snapshot, now: Timestamp, pods: impl Fn(&str) -> Option<&'p PodFacts>) {
        let mut over: Vec<Arc<str>> = Vec::new();
        for promise in self.promises.values_mut() {
            let pod = pods(&promise.uid);
            if now >= promise.until || is_over(promise, pod, snapshot) {
                over.push(Arc::clone(&promise.uid));
            }
            promise.seen |= pod.is_some();
        }
        for uid in over {
            self.release(&uid);
        }
    }
}

fn is_over(promise: &Promise, pod: Option<&PodFacts>, snapshot: &Snapshot) -> bool {
    let Some(pod) = pod else {
        // The request may have come before the watch told of the pod.
        return promise.seen;
    };
    if pod.node.is_some() {
        return true;
    }
    match &pod.nominated {
        Some(node) => is_nominated(promise, node, snapshot),
        None => pod.unschedulable && !promise.was_unschedulable,
    }
}

/// Whether the snapshot counts the pod on its nominated node, in every domain that it was promised.
fn is_nominated(promise: &Promise, node: &str, snapshot: &Snapshot) -> bool {
    let Some(node) = snapshot.find(node).and_then(|ix| snapshot.node(ix)) else {
        return false;
    };
    match &promise.reach {
        Reach::Everywhere(_) => false,
        Reach::Domains(domains) => domains.iter().all(|(key, _)| {
            node.domains
                .iter()
                .any(|ix| snapshot.domain(*ix).is_some_and(|d| d.key == *key))
        }),
    }
}
