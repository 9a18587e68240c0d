use super::boards::{self, Board};
use super::events::{Change, Keyed};
use super::pool::Pool;
use super::{NodeDevices, SliceFacts};
use crate::gpu::GpuVendor;
use crate::workload::{ClaimFacts, ClassFacts};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What claims ask and were given, what classes are, and what pools hold. Copied with a snapshot: the maps are shared until
/// the next change.
#[derive(Debug, Clone, Default)]
pub struct DeviceIndex {
    pub(in crate::snapshot) claims: Arc<HashMap<Arc<str>, Arc<ClaimFacts>>>,
    pub(super) templates: Arc<HashMap<Arc<str>, Arc<ClaimFacts>>>,
    pub(super) classes: Arc<BTreeMap<Arc<str>, Arc<ClassFacts>>>,
    pub(super) pools: Arc<Pools>,
    /// Boards of most nodes that have devices, by vendor: what a claim for all devices of a node amounts to.
    pub(super) usual: BTreeMap<GpuVendor, u32>,
}

/// Pools by `driver/pool`.
pub(super) type Pools = HashMap<Arc<str>, Arc<Pool>>;

/// The devices of each node by the pools that they are in.
#[derive(Debug, Clone, Default)]
pub(super) struct OnNodes(HashMap<Arc<str>, BTreeSet<Arc<str>>>);

impl OnNodes {
    /// Notes that a pool's boards moved from some nodes to others.
    pub(super) fn moved(&mut self, pool: &Arc<str>, before: &BTreeSet<Arc<str>>, after: &BTreeSet<Arc<str>>) {
        for node in before.difference(after) {
            if let Some(pools) = self.0.get_mut(node) {
                pools.remove(pool);
                if pools.is_empty() {
                    self.0.remove(node);
                }
            }
        }
        for node in after.difference(before) {
            self.0.entry(Arc::clone(node)).or_default().insert(Arc::clone(pool));
        }
    }

    fn boards(&self, node: &str, pools: &Pools) -> Vec<Board> {
        let named = self.0.get(node).into_iter().flatten();
        let here = named
            .filter_map(|pool| pools.get(pool))
            .flat_map(|pool| pool.boards())
            .filter(|board| board.node.as_deref() == Some(node));
        boards::merge(here)
    }

    /// What slices tell of a node.
    pub(super) fn devices(&self, node: &str, pools: &Pools) -> Option<NodeDevices> {
        let found = self.boards(node, pools);
        (!found.is_empty()).then(|| NodeDevices {
            boards: u32::try_from(found.len()).unwrap_or(u32::MAX),
            product: boards::product(&found),
        })
    }

    /// The number of boards that most nodes have of each vendor; of equals the smaller.
    pub(super) fn usual(&self, pools: &Pools, vendors: &HashMap<Arc<str>, GpuVendor>) -> BTreeMap<GpuVendor, u32> {
        let mut counts: BTreeMap<GpuVendor, BTreeMap<u32, usize>> = BTreeMap::new();
        for (node, named) in &self.0 {
            let Some(vendor) = named.iter().find_map(|pool| vendors.get(pool)) else {
                continue;
            };
            let boards = u32::try_from(self.boards(node, pools).len()).unwrap_or(u32::MAX);
            *counts.entry(*vendor).or_default().entry(boards).or_default() += 1;
        }
        let most = |sizes: BTreeMap<u32, usize>| {
            let found = sizes.into_iter().rev().max_by_key(|(_, nodes)| *nodes);
            found.map_or(1, |(boards, _)| boards)
        };
        counts
            .into_iter()
            .map(|(vendor, sizes)| (vendor, most(sizes)))
            .collect()
    }
}

/// A set of objects as a watch tells it, when it starts anew as well.
#[derive(Debug, Clone, Default)]
pub(super) struct Relisted(Option<HashSet<Arc<str>>>);

/// What a change comes to.
pub(super) enum Step<T> {
    Put(T),
    Drop(Vec<Arc<str>>),
}

impl Relisted {
    /// Follows a change; `held` names every object that is held.
    pub(super) fn follow<T: Keyed>(&mut self, change: Change<T>, held: impl FnOnce() -> Vec<Arc<str>>) -> Step<T> {
        match change {
            Change::Put(object) => {
                if let Some(seen) = &mut self.0 {
                    seen.insert(Arc::clone(object.key()));
                }
                Step::Put(object)
            }
            Change::Gone(key) => Step::Drop(vec![key]),
            Change::Relisting => {
                self.0 = Some(HashSet::new());
                Step::Drop(Vec::new())
            }
            Change::Listed => {
                let seen = self.0.take();
                let gone = seen.map(|seen| held().into_iter().filter(|key| !seen.contains(key)).collect());
                Step::Drop(gone.unwrap_or_default())
            }
        }
    }
}

/// The pools that slices belong to, so that a slice is found again when it goes.
#[derive(Debug, Clone, Default)]
pub(super) struct PoolOf(pub(super) HashMap<Arc<str>, Arc<str>>);

impl PoolOf {
    /// Notes a slice; the pool that it was in before, if that was another.
    pub(super) fn put(&mut self, slice: &SliceFacts) -> Option<Arc<str>> {
        let before = self.0.insert(Arc::clone(&slice.name), Arc::clone(&slice.pool));
        before.filter(|pool| *pool != slice.pool)
    }
}
