//! What telemetry and finished pods have taught: coefficients of nodes, watts of owners, run times of Jobs.
//!
//! Owns [`Learned`]: bounded sums that samples stream into and figures are read from, never the samples themselves.
//! Samples come in with power reports and pod events through the [`super::SnapshotBuilder`]; figures leave with each
//! snapshot. Must never give a figure of fewer samples than it names, outside what a board can draw, or of a reading that
//! failed; must never grow with anything but the nodes of the cluster and a fixed number of owners.

mod board;
mod nodes;
mod owners;
mod recent;
mod record;
mod runs;
mod spread;

pub use owners::P95;
pub use record::LearnedRecord;
pub use runs::Run;

pub(super) use board::PLAUSIBLE;

use super::coefficient::Figures;
use crate::gpu::{GpuCatalogue, ModelIx};
use crate::quantity::{Ratio, Watts};
use crate::workload::OwnerKey;
use jiff::{SignedDuration, Timestamp};
use nodes::NodeSums;
use owners::OwnerWatts;
use runs::RunTimes;
use std::sync::Arc;

/// Everything learned so far. Cheap to clone: a snapshot shares it with the builder until the next sample.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    nodes: Arc<NodeSums>,
    owners: Arc<OwnerWatts>,
    runs: Arc<RunTimes>,
}

impl Learned {
    /// What the pods of an owner were seen to draw on a board of a model, by the model's canonical name. Nothing until
    /// there are samples enough.
    #[must_use]
    pub fn p95(&self, owner: &OwnerKey, model: &str) -> Option<P95> {
        self.owners.p95(owner, model)
    }

    /// The median of the last runs of an owner's pods that ended well, as long as they would have taken on the reference
    /// model, and of how many. `slowness` gives the run time on a model over that on the reference model; runs on models
    /// for which it knows none say nothing. Nothing until there are three.
    #[must_use]
    pub fn run_time(
        &self,
        owner: &OwnerKey,
        slowness: impl Fn(&str) -> Option<f64>,
    ) -> Option<(SignedDuration, u32)> {
        self.runs.median(owner, slowness)
    }

    /// A pod of the owner ended well after running for so long on this model.
    pub(super) fn observe_run(&mut self, owner: &OwnerKey, run: Run) {
        if self.runs.is_new(owner, &run) {
            Arc::make_mut(&mut self.runs).observe(owner, run);
        }
    }

    /// Figures by model, in the order of the catalogue: what the nodes of a model have shown over what its profile says.
    #[must_use]
    pub fn by_model(&self, catalogue: &GpuCatalogue) -> Vec<Figures> {
        self.nodes.by_model(catalogue)
    }

    /// What one board of a node draws: what it has shown over what counts for its model.
    pub(super) fn of_node(&self, node: &str, model: ModelIx, of_model: Figures, catalogue: &GpuCatalogue) -> Figures {
        self.nodes.of_node(node, model, of_model, catalogue)
    }

    /// What one board of a node was seen to draw while it was empty, and of how many samples; whatever its model.
    pub(super) fn floor(&self, node: &str) -> Option<(Watts, u32)> {
        self.nodes.floor(node)
    }

    /// The boards of a node of this model drew this in the mean, and nothing has run there since then.
    pub(super) fn observe_empty(
        &mut self,
        node: &Arc<str>,
        model: Option<&Arc<str>>,
        since: Timestamp,
        watts: Watts,
    ) {
        Arc::make_mut(&mut self.nodes)
            .of(node, model)
            .observe_empty(since, watts);
    }

    /// A board of a node of this model drew this while a pod held it.
    pub(super) fn observe_held(
        &mut self,
        node: &Arc<str>,
        model: Option<&Arc<str>>,
        utilisation: Ratio,
        watts: Watts,
    ) {
        Arc::make_mut(&mut self.nodes)
            .of(node, model)
            .observe_held(utilisation, watts);
    }

    /// A board that one pod of the owner has to itself drew this.
    pub(super) fn observe_owner(&mut self, owner: &OwnerKey, model: &Arc<str>, watts: Watts, now: Timestamp) {
        Arc::make_mut(&mut self.owners).observe(owner, model, watts, now);
    }

    /// Forgets nodes that are gone.
    pub(super) fn retain_nodes(&mut self, stays: impl Fn(&str) -> bool) {
        if self.nodes.any_gone(&stays) {
            Arc::make_mut(&mut self.nodes).retain(stays);
        }
    }

    /// Of how many owners watts are held.
    #[must_use]
    pub fn owners(&self) -> usize {
        self.owners.0.len()
    }

    /// Of how many owners run times are held.
    #[must_use]
    pub fn runners(&self) -> usize {
        self.runs.0.len()
    }

    /// How many nodes something was learned of.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }
}
