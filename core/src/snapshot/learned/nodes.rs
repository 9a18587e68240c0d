use super::board::{BoardSums, ModelSums};
use crate::gpu::{GpuCatalogue, ModelIx};
use crate::quantity::Watts;
use crate::snapshot::coefficient::{CoefficientSource, Figures};
use std::collections::HashMap;
use std::sync::Arc;

/// What was seen of the boards of each node.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeSums(HashMap<Arc<str>, BoardSums>);

impl NodeSums {
    /// The sums of a node; anew if its boards are others than before.
    pub(super) fn of(&mut self, node: &Arc<str>, model: Option<&Arc<str>>) -> &mut BoardSums {
        let sums = self.0.entry(Arc::clone(node)).or_default();
        if sums.model.as_ref() != model {
            *sums = BoardSums::anew(model.cloned());
        }
        sums
    }

    /// An operator's own figure comes before what other nodes have shown.
    pub(super) fn by_model(&self, catalogue: &GpuCatalogue) -> Vec<Figures> {
        let mut sums = vec![ModelSums::default(); catalogue.profiles().len()];
        for node in self.0.values().filter(|node| !node.is_empty()) {
            let model = node.model.as_ref().and_then(|model| catalogue.find(model));
            if let Some(of_model) = model.and_then(|ix| sums.get_mut(usize::from(ix.0))) {
                of_model.add(node);
            }
        }
        let rows = catalogue.profiles().iter().zip((0..).map(ModelIx)).zip(sums);
        let figures = rows.map(|((profile, ix), sums)| {
            let base = Figures::of(profile, catalogue.origins(ix));
            let source = CoefficientSource::ObservedModel;
            sums.mean()
                .over(base, profile.max, source, |held| held == CoefficientSource::Override)
        });
        figures.collect()
    }

    pub(super) fn of_node(&self, node: &str, model: ModelIx, of_model: Figures, catalogue: &GpuCatalogue) -> Figures {
        let (Some(sums), Some(profile)) = (self.0.get(node), catalogue.profile(model)) else {
            return of_model;
        };
        if sums.model.as_deref() != Some(&profile.model) {
            return of_model;
        }
        sums.over(of_model, profile.max, CoefficientSource::Observed, |_| false)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&Arc<str>, &BoardSums)> {
        self.0.iter()
    }

    pub(super) fn of_rows(rows: impl Iterator<Item = (Arc<str>, BoardSums)>) -> Self {
        Self(rows.collect())
    }

    pub(super) fn floor(&self, node: &str) -> Option<(Watts, u32)> {
        self.0.get(node)?.floor()
    }

    pub(super) fn any_gone(&self, stays: impl Fn(&str) -> bool) -> bool {
        self.0.keys().any(|node| !stays(node))
    }

    pub(super) fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        self.0.retain(|node, _| stays(node));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
