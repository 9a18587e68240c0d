//! What telemetry has shown of each node.

use super::cluster::ClusterState;
use super::host::ShortNames;
use super::learned::{Learned, PLAUSIBLE};
use super::power_view::{NodePowerView, PowerBounds, PowerRung};
use super::readings::{BoardPower, HostReading, NodePower, PowerReport};
use super::surroundings::Surroundings;
use crate::gpu::{GpuCatalogue, GpuProfile};
use crate::quantity::{Source, Watts};
use crate::workload::{OwnerKey, OwnerKind, PodFacts};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Debug, Clone)]
struct Sample {
    watts: Watts,
    boards: Vec<(Arc<str>, Timestamp)>,
    observed_at: Timestamp,
    source: Source,
}

/// The last samples by node.
#[derive(Debug, Clone, Default)]
pub(super) struct PowerState {
    samples: HashMap<Arc<str>, Sample>,
    hosts: HashMap<Arc<str>, HostReading>,
}

/// No board of a model that is not known draws more: the largest rating today is 1,400 W.
const ABSURD: f64 = 3000.0;
/// After the last pod left, boards need a while to fall back to idle.
const SETTLE: SignedDuration = SignedDuration::from_secs(60);

impl PowerState {
    /// Takes a report in, tells what can be learned from it, and returns how many boards it refused: those that would draw
    /// more than their model can.
    ///
    /// A host that is no node by its own name can be one with or without a domain. Names that are not nodes are forgotten
    /// with the next report: an exporter's label may be anything, and the report may come before the node does.
    pub(super) fn apply(
        &mut self,
        report: PowerReport,
        cluster: &ClusterState,
        around: &Surroundings,
        learned: &mut Learned,
    ) -> u64 {
        let catalogue: &GpuCatalogue = &around.catalogue;
        self.samples.retain(|name, _| cluster.nodes.contains_key(name));
        self.hosts.retain(|name, _| cluster.nodes.contains_key(name));
        let mut refused = 0;
        let mut short_names = None;
        for NodePower {
            node: name,
            mut boards,
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
            let profile = profile_of(&node, cluster, catalogue);
            let told = boards.len();
            boards.retain(|board| is_plausible(board, profile, catalogue));
            refused += (told - boards.len()) as u64;
            // The age of a node is that of its oldest board.
            let Some(observed_at) = boards.iter().map(|board| board.observed_at).min() else {
                continue;
            };
            let last = self.samples.get(&node);
            let of_node = Telling {
                node: &node,
                model: profile.map(|profile| &profile.model),
                cluster,
                ramp: around.bookings.ramp,
            };
            if last.is_none_or(|last| last.observed_at < observed_at) {
                of_node.empty(&boards, observed_at, learned);
            }
            of_node.held(&boards, last.map_or(&[], |last| &last.boards), learned);
            let sample = Sample {
                watts: boards.iter().map(|board| board.watts).sum(),
                boards: boards
                    .into_iter()
                    .map(|board| (board.uuid, board.observed_at))
                    .collect(),
                observed_at,
                source: report.source.clone(),
            };
            self.samples.insert(node, sample);
        }
        refused
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
            boards: sample.boards.len(),
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

    /// How many samples are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.samples.len() + self.hosts.len()
    }

    /// Forgets a node that is gone.
    pub(super) fn forget(&mut self, node: &str) {
        self.samples.remove(node);
        self.hosts.remove(node);
    }
}

fn profile_of<'c>(node: &str, cluster: &ClusterState, catalogue: &'c GpuCatalogue) -> Option<&'c GpuProfile> {
    let product = cluster.nodes.get(node)?.gpu_product.as_deref()?;
    catalogue.profile(catalogue.find(product)?)
}

/// Whether a board can draw this: at most [`PLAUSIBLE`] times the maximum of its model, as the exporter names it or else
/// as its node is labelled.
fn is_plausible(board: &BoardPower, of_node: Option<&GpuProfile>, catalogue: &GpuCatalogue) -> bool {
    let named = board
        .model
        .as_deref()
        .and_then(|name| catalogue.profile(catalogue.find(name)?));
    let limit = named
        .or(of_node)
        .map_or(ABSURD, |profile| profile.max.get() * PLAUSIBLE);
    board.watts.get() <= limit
}

/// What the boards of one node tell.
struct Telling<'a> {
    node: &'a Arc<str>,
    /// Canonical name.
    model: Option<&'a Arc<str>>,
    cluster: &'a ClusterState,
    /// From the start of a pod until it draws what it will.
    ramp: SignedDuration,
}

impl Telling<'_> {
    /// The floor: the mean over the boards of a node that is empty and has settled. A board that is on draws something:
    /// zero watts are a reading that failed.
    fn empty(&self, boards: &[BoardPower], observed_at: Timestamp, learned: &mut Learned) {
        let settled = |since: &Timestamp| since.saturating_add(SETTLE).is_ok_and(|at| at <= observed_at);
        let Some(since) = self.cluster.empty_since(self.node).filter(settled) else {
            return;
        };
        let on: Vec<Watts> = boards
            .iter()
            .map(|board| board.watts)
            .filter(|watts| *watts > Watts::ZERO)
            .collect();
        if !on.is_empty() {
            let mean = on.iter().copied().sum::<Watts>() * (1.0 / on.len() as f64);
            learned.observe_empty(self.node, self.model, since, mean);
        }
    }

    /// What boards draw that a pod holds, and whose watts they are where one pod has the board to itself. A sample counts
    /// once, however often it is told.
    fn held(&self, boards: &[BoardPower], before: &[(Arc<str>, Timestamp)], learned: &mut Learned) {
        let is_new = |board: &&BoardPower| {
            let last = before.iter().find(|(uuid, _)| *uuid == board.uuid);
            last.is_none_or(|(_, at)| *at < board.observed_at)
        };
        let powered = boards.iter().filter(|board| board.watts > Watts::ZERO);
        for board in powered.filter(is_new) {
            // Where no work is on a board, a scraped series bears the name of the exporter's own pod, which is none.
            let named = board
                .pods
                .iter()
                .filter_map(|name| self.cluster.pod_on(self.node, name));
            let work = |pod: &&PodFacts| {
                pod.gpus.is_some() && !matches!(pod.owner.kind, OwnerKind::DaemonSet | OwnerKind::Node)
            };
            let mut holders = named.filter(work);
            let Some(holder) = holders.next() else {
                continue;
            };
            if let Some(utilisation) = board.utilisation {
                learned.observe_held(self.node, self.model, utilisation, board.watts);
            }
            if board.pods.len() == 1
                && let Some(model) = self.model
                && self.is_steady(holder, board.observed_at)
                && self.has_whole_boards(holder)
                && let Some(owner) = OwnerKey::of(holder)
            {
                learned.observe_owner(&owner, model, board.watts, board.observed_at);
            }
        }
    }

    /// Whether a pod has started so long ago that it draws what it will: a model that is being loaded says little of the work.
    fn is_steady(&self, pod: &PodFacts, at: Timestamp) -> bool {
        let from = pod.started_at.and_then(|start| start.saturating_add(self.ramp).ok());
        from.is_some_and(|from| from <= at)
    }

    /// Whether what a pod asks for are boards that nobody else can be on, as the node hands them out. Of a shared board an
    /// exporter may name one pod alone, and what is drawn is never that one's.
    fn has_whole_boards(&self, pod: &PodFacts) -> bool {
        let Some((ask, facts)) = pod.gpus.zip(self.cluster.nodes.get(self.node)) else {
            return false;
        };
        facts.gpu_sharing.share(ask.resource) >= 1.0
    }
}
