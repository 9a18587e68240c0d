use super::nodes::SimulatedNode;
use super::pods::SimulatedPod;
use std::collections::BTreeMap;

/// What is free on one node, and who is on it.
#[derive(Debug, Clone)]
pub(super) struct Room<'w> {
    pub(super) node: &'w SimulatedNode,
    pub(super) gpus: u32,
    pub(super) cpu_milli: u64,
    pub(super) memory_bytes: u64,
    pub(super) pods: Vec<&'w SimulatedPod>,
}

/// What the scheduler's own cache knows: what is allocatable, requested and free on each node.
#[derive(Debug, Clone)]
pub struct Capacity<'w> {
    rooms: BTreeMap<&'w str, Room<'w>>,
}

impl<'w> Capacity<'w> {
    /// Empty nodes.
    #[must_use]
    pub fn new(nodes: &'w [SimulatedNode]) -> Self {
        let room = |node: &'w SimulatedNode| Room {
            node,
            gpus: node.boards,
            cpu_milli: node.facts.cpu_milli,
            memory_bytes: node.facts.memory_bytes,
            pods: Vec::new(),
        };
        Self {
            rooms: nodes
                .iter()
                .map(|node| (node.facts.name.as_ref(), room(node)))
                .collect(),
        }
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = &Room<'w>> {
        self.rooms.values()
    }

    pub(super) fn room(&self, node: &SimulatedNode) -> Option<&Room<'w>> {
        self.rooms.get(node.facts.name.as_ref())
    }

    /// A node by its name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&'w SimulatedNode> {
        self.rooms.get(name).map(|room| room.node)
    }

    /// The nodes that pass the in-tree filters: `nodeSelector` and resources that fit.
    #[must_use]
    pub fn feasible(&self, pod: &SimulatedPod) -> Vec<&'w SimulatedNode> {
        let facts = &pod.facts;
        let fits = |room: &&Room<'w>| {
            pod.selector.admits(room.node)
                && pod.gpus() <= room.gpus
                && facts.cpu_milli <= room.cpu_milli
                && facts.memory_bytes <= room.memory_bytes
        };
        self.rooms.values().filter(fits).map(|room| room.node).collect()
    }

    /// Gives a pod its resources.
    pub(super) fn take(&mut self, pod: &'w SimulatedPod, node: &SimulatedNode) {
        if let Some(room) = self.rooms.get_mut(node.facts.name.as_ref()) {
            room.gpus = room.gpus.saturating_sub(pod.gpus());
            room.cpu_milli = room.cpu_milli.saturating_sub(pod.facts.cpu_milli);
            room.memory_bytes = room.memory_bytes.saturating_sub(pod.facts.memory_bytes);
            room.pods.push(pod);
        }
    }

    /// Takes them back.
    pub(super) fn give_back(&mut self, pod: &SimulatedPod, node: &SimulatedNode) {
        if let Some(room) = self.rooms.get_mut(node.facts.name.as_ref()) {
            let before = room.pods.len();
            room.pods.retain(|held| held.facts.uid != pod.facts.uid);
            if room.pods.len() < before {
                room.gpus += pod.gpus();
                room.cpu_milli += pod.facts.cpu_milli;
                room.memory_bytes += pod.facts.memory_bytes;
            }
        }
    }
}
