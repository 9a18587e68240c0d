use heliotrope_core::placement::NodeCost;
use heliotrope_core::quantity::Rung;
use heliotrope_core::snapshot::NodeIx;
use jiff::Timestamp;
use moka::sync::Cache;
use std::sync::Arc;

/// Costs remembered over all pods: about 20 MB.
const MAX_COSTS: u64 = 200_000;

/// Everything that node costs depend on, but the candidates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) uid: Arc<str>,
    pub(super) resource_version: Arc<str>,
    pub(super) snapshot: u64,
    pub(super) placement: u64,
    /// What others were promised, as far as it moves costs.
    pub(super) bookings: u64,
    pub(super) rung: Option<Rung>,
}

/// The costs of one pod's candidates.
#[derive(Debug)]
pub(super) struct Costs {
    /// Place in `each` by node; `u32::MAX` for nodes that were no candidates.
    places: Vec<u32>,
    each: Arc<Vec<Option<NodeCost>>>,
    /// The instant that they were computed for.
    at: Timestamp,
}

impl Costs {
    pub(super) fn new(
        nodes: usize,
        candidates: &[Option<NodeIx>],
        costs: Arc<Vec<Option<NodeCost>>>,
        at: Timestamp,
    ) -> Self {
        let mut places = vec![u32::MAX; nodes];
        for (ix, place) in candidates.iter().zip(0_u32..) {
            let slot = ix.and_then(|ix| places.get_mut(usize::try_from(ix.0).ok()?));
            if let Some(slot) = slot {
                *slot = place;
            }
        }
        Self {
            places,
            each: costs,
            at,
        }
    }

    /// The costs of these candidates, if all of them are remembered. The same candidates in the same order share.
    pub(super) fn of(&self, candidates: &[Option<NodeIx>]) -> Option<Arc<Vec<Option<NodeCost>>>> {
        let place = |ix: &Option<NodeIx>| -> Option<usize> {
            let place = *self.places.get(usize::try_from((*ix)?.0).ok()?)?;
            usize::try_from(place).ok().filter(|place| *place < self.each.len())
        };
        let same_order = candidates.iter().enumerate().all(|(i, ix)| place(ix) == Some(i));
        if same_order && candidates.len() == self.each.len() {
            return Some(Arc::clone(&self.each));
        }
        let costs = candidates.iter().map(|ix| Some(*self.each.get(place(ix)?)?));
        costs.collect::<Option<Vec<_>>>().map(Arc::new)
    }
}

/// Node costs of the last pods: the scheduler asks twice about each, often with the same bytes. Scores are not kept, for
/// they depend on the candidates.
#[derive(Debug, Clone)]
pub(super) struct Memo(Cache<Key, Arc<Costs>>);

impl Memo {
    pub(super) fn new() -> Self {
        let weigh = |_: &Key, costs: &Arc<Costs>| u32::try_from(costs.places.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MAX_COSTS).weigher(weigh).build())
    }

    /// The costs and the instant that they were computed for.
    pub(super) fn get(
        &self,
        key: &Key,
        candidates: &[Option<NodeIx>],
    ) -> Option<(Arc<Vec<Option<NodeCost>>>, Timestamp)> {
        let held = self.0.get(key)?;
        Some((held.of(candidates)?, held.at))
    }

    pub(super) fn put(&self, key: Key, costs: Costs) {
        self.0.insert(key, Arc::new(costs));
    }
}
