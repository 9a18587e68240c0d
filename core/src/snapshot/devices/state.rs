use super::NodeDevices;
use super::events::{Change, DeviceEvent};
use super::index::{DeviceIndex, OnNodes, PoolOf, Relisted, Step};
use super::pool::Pool;
use super::slice::SliceFacts;
use crate::gpu::GpuVendor;
use crate::workload::{ClaimFacts, ClassFacts};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Slices, claims, templates and classes as the watches tell them.
#[derive(Debug, Clone, Default)]
pub(in crate::snapshot) struct DeviceState {
    index: DeviceIndex,
    on_nodes: OnNodes,
    pool_of: PoolOf,
    vendors: HashMap<Arc<str>, GpuVendor>,
    relisted: [Relisted; 4],
    /// Pools changed since the usual number of boards was counted.
    uncounted: bool,
}

impl DeviceState {
    /// Takes an event in; the nodes whose devices may be others now.
    pub(in crate::snapshot) fn apply(&mut self, event: DeviceEvent) -> BTreeSet<Arc<str>> {
        match event {
            DeviceEvent::Slice(change) => return self.slice(change),
            DeviceEvent::Claim(change) => self.claim(change),
            DeviceEvent::Template(change) => self.template(change),
            DeviceEvent::Class(change) => self.class(change),
        }
        BTreeSet::new()
    }

    /// What slices tell of a node.
    pub(in crate::snapshot) fn devices(&self, node: &str) -> Option<NodeDevices> {
        self.on_nodes.devices(node, &self.index.pools)
    }

    /// The index to look claims up in.
    pub(in crate::snapshot) fn index(&mut self) -> &DeviceIndex {
        if std::mem::take(&mut self.uncounted) {
            self.index.usual = self.on_nodes.usual(&self.index.pools, &self.vendors);
        }
        &self.index
    }

    fn slice(&mut self, change: Change<SliceFacts>) -> BTreeSet<Arc<str>> {
        let [relisted, ..] = &mut self.relisted;
        let step = relisted.follow(change, || self.pool_of.0.keys().cloned().collect());
        let mut touched = BTreeSet::new();
        match step {
            Step::Put(slice) => {
                if let Some(before) = self.pool_of.put(&slice) {
                    touched.extend(self.pool(&before, |pool| pool.remove(&slice.name)));
                }
                let key = Arc::clone(&slice.pool);
                self.vendors.insert(Arc::clone(&key), slice.vendor);
                touched.extend(self.pool(&key, |pool| pool.put(Arc::new(slice))));
            }
            Step::Drop(names) => {
                for name in names {
                    if let Some(key) = self.pool_of.0.remove(&name) {
                        touched.extend(self.pool(&key, |pool| pool.remove(&name)));
                    }
                }
            }
        }
        touched
    }

    /// Changes a pool; the nodes that its boards are on, before or after.
    fn pool(&mut self, key: &Arc<str>, change: impl FnOnce(&mut Pool)) -> BTreeSet<Arc<str>> {
        let pools = Arc::make_mut(&mut self.index.pools);
        let pool = Arc::make_mut(pools.entry(Arc::clone(key)).or_default());
        let before = pool.nodes();
        change(pool);
        let mut after = pool.nodes();
        if pool.is_empty() {
            pools.remove(key);
            self.vendors.remove(key);
            after.clear();
        }
        self.on_nodes.moved(key, &before, &after);
        self.uncounted = true;
        before.union(&after).cloned().collect()
    }

    fn claim(&mut self, change: Change<ClaimFacts>) {
        let [_, relisted, ..] = &mut self.relisted;
        let held = &mut self.index.claims;
        let step = relisted.follow(change, || held.keys().cloned().collect());
        take(Arc::make_mut(held), step);
    }

    fn template(&mut self, change: Change<ClaimFacts>) {
        let [_, _, relisted, _] = &mut self.relisted;
        let held = &mut self.index.templates;
        let step = relisted.follow(change, || held.keys().cloned().collect());
        take(Arc::make_mut(held), step);
    }

    fn class(&mut self, change: Change<ClassFacts>) {
        let [.., relisted] = &mut self.relisted;
        let held = &mut self.index.classes;
        let step = relisted.follow(change, || held.keys().cloned().collect());
        let held = Arc::make_mut(held);
        match step {
            Step::Put(class) => drop(held.insert(Arc::clone(&class.name), Arc::new(class))),
            Step::Drop(names) => names.iter().for_each(|name| drop(held.remove(name))),
        }
    }

    /// How many slices, claims, templates, classes and pools are held.
    #[cfg(test)]
    pub(in crate::snapshot) fn held(&self) -> [usize; 5] {
        let index = &self.index;
        [
            self.pool_of.0.len(),
            index.claims.len(),
            index.templates.len(),
            index.classes.len(),
            index.pools.len(),
        ]
    }
}

fn take(held: &mut HashMap<Arc<str>, Arc<ClaimFacts>>, step: Step<ClaimFacts>) {
    match step {
        Step::Put(claim) => drop(held.insert(Arc::clone(&claim.key), Arc::new(claim))),
        Step::Drop(names) => names.iter().for_each(|name| drop(held.remove(name))),
    }
}
