//! Which power domains there are, and what is committed in each.

use super::domain::{DomainCap, DomainIx, DomainKey, DomainRule, DomainState};
use super::node::NodeState;
use super::readings::NodeFacts;
use crate::quantity::Watts;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::Arc;

/// The domains that a node stands in.
pub(super) type Memberships = SmallVec<[DomainIx; 4]>;

/// Places of domains: they stay while nodes come and go, so that what was looked up for a node stays valid.
#[derive(Debug, Clone, Default)]
pub(super) struct DomainTable {
    domains: Vec<DomainCap>,
    by_key: Arc<HashMap<Arc<DomainKey>, DomainIx>>,
}

impl DomainTable {
    /// The domains of a node that have a cap. Labels are those that the rules name; a node without one is in none.
    pub(super) fn of(&mut self, facts: &NodeFacts, rules: &[DomainRule]) -> Memberships {
        let mut found = Memberships::new();
        for (place, rule) in rules.iter().enumerate() {
            let Some((value, cap)) = rule.value_of(facts).and_then(|value| Some((value, rule.cap(value)?))) else {
                continue;
            };
            let key = DomainKey {
                domain: Arc::clone(&rule.name),
                value: Arc::clone(value),
            };
            found.extend(self.place(key, place, cap));
        }
        found
    }

    fn place(&mut self, key: DomainKey, rule: usize, cap: Watts) -> Option<DomainIx> {
        if let Some(ix) = self.by_key.get(&key) {
            return Some(*ix);
        }
        let (key, ix) = (Arc::new(key), DomainIx(u32::try_from(self.domains.len()).ok()?));
        Arc::make_mut(&mut self.by_key).insert(Arc::clone(&key), ix);
        self.domains.push(DomainCap { key, rule, cap });
        Some(ix)
    }

    /// Whether most places belong to domains that no node is in any more.
    pub(super) fn is_littered(&self, nodes: usize, rules: usize) -> bool {
        self.domains.len() > 2 * nodes * rules + 64
    }

    /// Sums up what the nodes commit; nodes come in their order, so that sums do not depend on anything else.
    pub(super) fn sum(&self, nodes: &[NodeState]) -> Vec<DomainState> {
        let empty = |domain: &DomainCap| DomainState {
            key: Arc::clone(&domain.key),
            rule: domain.rule,
            cap: domain.cap,
            committed: Watts::ZERO,
            unseen: Watts::ZERO,
            nodes: 0,
            unrated: 0,
        };
        let mut sums: Vec<DomainState> = self.domains.iter().map(empty).collect();
        for node in nodes {
            for ix in &node.domains {
                let Some(domain) = usize::try_from(ix.0).ok().and_then(|ix| sums.get_mut(ix)) else {
                    continue;
                };
                domain.committed = domain.committed + node.commitment.watts;
                domain.unseen = domain.unseen + node.commitment.unseen;
                domain.nodes += 1;
                domain.unrated += u32::from(!node.commitment.rated);
            }
        }
        sums
    }

    /// Domains in their places.
    pub(super) fn of_caps(domains: Vec<DomainCap>) -> Self {
        let keys = domains.iter().map(|domain| Arc::clone(&domain.key));
        let by_key = Arc::new(keys.zip((0..).map(DomainIx)).collect());
        Self { domains, by_key }
    }

    /// Places by key.
    pub(super) fn by_key(&self) -> Arc<HashMap<Arc<DomainKey>, DomainIx>> {
        Arc::clone(&self.by_key)
    }
}
