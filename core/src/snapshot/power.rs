//! What telemetry has shown of each node.

use super::cluster::ClusterState;
use super::host::ShortNames;
use super::power_view::{NodePowerView, PowerBounds, PowerRung};
use super::readings::{HostReading, NodePower, PowerReport};
use crate::quantity::{Source, Watts};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Debug, Clone)]
struct Sample {
    watts: Watts,
    boards: usize,
    observed_at: Timestamp,
    source: Source,
}

/// What one board of a node draws when nothing runs: the least seen since the node has been empty.
#[derive(Debug, Clone, Copy)]
struct Floor {
    empty_since: Timestamp,
    watts: Watts,
}

/// Samples and floors by node.
#[derive(Debug, Clone, Default)]
pub(super) struct PowerState {
    samples: HashMap<Arc<str>, Sample>,
    floors: HashMap<Arc<str>, Floor>,
    hosts: HashMap<Arc<str>, HostReading>,
}

/// After the last pod left, boards need a while to fall back to idle.
const SETTLE: SignedDuration = SignedDuration::from_secs(60);

impl PowerState {
    /// Takes a report in. A host that is no node by its own name can be one with or without a domain. Names that are not
    /// nodes are forgotten with the next report: an exporter's label may be anything, and the report may come before the
    /// node does.
    pub(super) fn apply(&mut self, report: PowerReport, cluster: &ClusterState) {
        self.samples.retain(|name, _| cluster.nodes.contains_key(name));
        self.floors.retain(|name, _| cluster.nodes.contains_key(name));
        self.hosts.retain(|name, _| cluster.nodes.contains_key(name));
        let mut short_names = None;
        for NodePower {
            node: name,
            boards,
            host,
        } in report.nodes
        {
            let node = if cluster.nodes.contains_key(&name) {
                name
            } else {
                let names = short_names.get_or_insert_with(|| ShortNames::of(cluster.nodes.keys()));
                names.node(&name).map_or(name, Arc::clone)
            };
            if let Some(host) = host {
                self.hosts.insert(Arc::clone(&node), host);
            }
            // The age of a node is that of its oldest board.
            let Some(observed_at) = boards.iter().map(|board| board.observed_at).min() else {
                continue;
            };
            let watts: Watts = boards.iter().map(|board| board.watts).sum();
            let settled = |since: &Timestamp| since.saturating_add(SETTLE).is_ok_and(|at| at <= observed_at);
            if let Some(empty_since) = cluster.empty_since(&node).filter(settled) {
                let watts = watts * (1.0 / boards.len() as f64);
                self.observe_floor(&node, Floor { empty_since, watts });
            }
            let sample = Sample {
                watts,
                boards: boards.len(),
                observed_at,
                source: report.source.clone(),
            };
            self.samples.insert(node, sample);
        }
    }

    /// A board that is on draws something: zero watts are a reading that failed.
    fn observe_floor(&mut self, node: &Arc<str>, seen: Floor) {
        if seen.watts <= Watts::ZERO {
            return;
        }
        let floor = self.floors.entry(Arc::clone(node)).or_insert(seen);
        if floor.empty_since != seen.empty_since || seen.watts < floor.watts {
            *floor = seen;
        }
    }

    /// What telemetry says of a node now. A sample from the future is as doubtful as one that is as old.
    pub(super) fn view(&self, node: &str, bounds: &PowerBounds, now: Timestamp) -> NodePowerView {
        let Some(sample) = self.samples.get(node) else {
            return NodePowerView::modelled();
        };
        let age = now.duration_since(sample.observed_at).abs();
        let rung = match age {
            age if age <= bounds.fresh_for => PowerRung::Fresh,
            age if age <= bounds.stale_for => PowerRung::Stale,
            _ => return NodePowerView::modelled(),
        };
        let (watts, source) = (Some(sample.watts), Some(sample.source.clone()));
        NodePowerView {
            rung,
            watts,
            boards: sample.boards,
            observed_at: Some(sample.observed_at),
            source,
        }
    }

    /// What the host was measured to draw, as long as the sample counts.
    pub(super) fn host(&self, node: &str, bounds: &PowerBounds, now: Timestamp) -> Option<HostReading> {
        let host = self.hosts.get(node)?;
        let age = now.duration_since(host.reading.observed_at).abs();
        (age <= bounds.stale_for).then(|| host.clone())
    }

    /// What one empty board of a node was seen to draw.
    pub(super) fn floor(&self, node: &str) -> Option<Watts> {
        self.floors.get(node).map(|floor| floor.watts)
    }

    /// How many samples and floors are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> [usize; 2] {
        [self.samples.len() + self.hosts.len(), self.floors.len()]
    }

    /// Forgets a node that is gone.
    pub(super) fn forget(&mut self, node: &str) {
        self.samples.remove(node);
        self.floors.remove(node);
        self.hosts.remove(node);
    }
}
