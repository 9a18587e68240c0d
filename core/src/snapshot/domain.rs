use super::readings::NodeFacts;
use crate::quantity::{Ratio, Watts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A power domain's place in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DomainIx(pub u32);

/// Which power domain: one rack of the racks, one node of the nodes. The same in every snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DomainKey {
    /// Name of the rule: `rack`.
    pub domain: Arc<str>,
    /// The label's value, or the node's name: `r17`.
    pub value: Arc<str>,
}

/// What the operator says of one kind of domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainRule {
    /// Its name.
    pub name: Arc<str>,
    /// The node label whose values are the domains; without one, each node is a domain.
    pub label: Option<Arc<str>>,
    /// What the GPUs of each domain may draw together.
    pub gpu_watts: Option<Watts>,
    /// The same for single values; these win.
    pub values: BTreeMap<Arc<str>, Watts>,
    /// What pods of low priority must leave free.
    pub shares: Vec<PriorityShare>,
}

/// Pods of a lower priority may fill this share of a cap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PriorityShare {
    /// The rule is about pods of a priority below this.
    pub below_priority: i32,
    /// What they may fill.
    pub share: Ratio,
}

impl DomainRule {
    /// Which of the domains a node stands in.
    #[must_use]
    pub fn value_of<'n>(&self, node: &'n NodeFacts) -> Option<&'n Arc<str>> {
        match &self.label {
            None => Some(&node.name),
            Some(label) => {
                let found = node.domain_labels.iter().find(|(key, _)| key == label);
                found.map(|(_, value)| value)
            }
        }
    }

    /// The cap of a value, where it has one.
    #[must_use]
    pub fn cap(&self, value: &str) -> Option<Watts> {
        self.values.get(value).copied().or(self.gpu_watts)
    }

    /// The share of a cap that pods of a priority may fill.
    #[must_use]
    pub fn share(&self, priority: i32) -> Ratio {
        let fitting = self.shares.iter().filter(|rule| priority < rule.below_priority);
        fitting.fold(
            Ratio::ONE,
            |least, rule| if rule.share < least { rule.share } else { least },
        )
    }
}

/// A power domain without its sums: those follow from the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainCap {
    /// Which.
    pub key: Arc<DomainKey>,
    /// Place of its rule among [`super::Surroundings::domains`].
    pub rule: usize,
    /// What its GPUs may draw together.
    pub cap: Watts,
}

/// A power domain in a snapshot. All watts are those of GPUs: hosts are not in them.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainState {
    /// Which.
    pub key: Arc<DomainKey>,
    /// Place of its rule among [`super::Surroundings::domains`].
    pub rule: usize,
    /// What its GPUs may draw together.
    pub cap: Watts,
    /// What they draw or may come to draw by what has been bound to its nodes.
    pub committed: Watts,
    /// The part of `committed` that telemetry cannot show yet.
    pub unseen: Watts,
    /// Nodes in it.
    pub nodes: u32,
    /// Those of them whose GPU model has no profile: they add what is measured, and nothing else is known of them.
    pub unrated: u32,
}
