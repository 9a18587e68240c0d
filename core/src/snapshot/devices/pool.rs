use super::boards::Board;
use super::slice::SliceFacts;
use crate::gpu::GpuUnit;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The slices of one pool.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    slices: BTreeMap<Arc<str>, Arc<SliceFacts>>,
    /// Those that count: the newest generation of which all slices were seen. While a driver replaces them one by one none
    /// is whole; then what counted before still does, so that a node's boards do not go and come.
    counted: Vec<Arc<SliceFacts>>,
}

impl Pool {
    pub(super) fn put(&mut self, slice: Arc<SliceFacts>) {
        self.slices.insert(Arc::clone(&slice.name), slice);
        self.settle();
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.slices.remove(name);
        self.settle();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    fn settle(&mut self) {
        let generations: BTreeSet<i64> = self.slices.values().map(|slice| slice.generation).collect();
        let of = |generation: i64| {
            let slices = self.slices.values().filter(move |slice| slice.generation == generation);
            slices.cloned().collect::<Vec<_>>()
        };
        let whole = |slices: &Vec<Arc<SliceFacts>>| slices.iter().all(|slice| slice.slices <= slices.len());
        // What an older generation left behind does not come back while slices of the one that counts are replaced.
        let counts = self.counted.first().map(|slice| slice.generation);
        let from = counts.filter(|from| generations.last().is_some_and(|newest| newest >= from));
        let mut candidates = generations.range(from.unwrap_or(i64::MIN)..).rev();
        if let Some(newest) = candidates.find_map(|generation| Some(of(*generation)).filter(whole)) {
            self.counted = newest;
        }
    }

    /// Its boards.
    pub(super) fn boards(&self) -> impl Iterator<Item = &Board> {
        self.counted.iter().flat_map(|slice| slice.boards.iter())
    }

    /// The nodes that its boards are on.
    pub(super) fn nodes(&self) -> BTreeSet<Arc<str>> {
        self.boards().filter_map(|board| board.node.clone()).collect()
    }

    /// What of a board a device is; `None` for a whole one.
    pub(super) fn part(&self, device: &str) -> Option<GpuUnit> {
        self.counted.iter().find_map(|slice| slice.part(device))
    }
}
