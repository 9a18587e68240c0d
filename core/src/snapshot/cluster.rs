//! Nodes and the pods bound to them, as the watches tell it.

use super::devices::{Claimed, DeviceEvent, DeviceIndex, DeviceState};
use super::groups::GroupIndex;
use super::readings::{ClusterEvent, NodeFacts, PodName};
use super::slots::GpuSlots;
use crate::workload::{GpuAsk, OwnerKey, OwnerKind, PodFacts, PodPhase};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// What one pod takes of its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodLoad {
    /// The pod's UID.
    pub uid: Arc<str>,
    /// Who it works for, as far as that is remembered.
    pub owner: Option<Arc<OwnerKey>>,
    /// GPUs. Those of a claim that several pods share are one pod's.
    pub gpus: Option<GpuAsk>,
    /// Where they come from, for a pod with claims.
    pub claimed: Option<Arc<Claimed>>,
    /// CPU in thousandths of a core.
    pub cpu_milli: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Whether it keeps the node awake.
    pub wakes: bool,
    /// When its containers started.
    pub started_at: Option<Timestamp>,
}

impl PodLoad {
    fn of(pod: &PodFacts, claimed: Option<Arc<Claimed>>) -> Self {
        Self {
            uid: Arc::clone(&pod.uid),
            owner: OwnerKey::of(pod).map(Arc::new),
            gpus: pod.gpus,
            claimed,
            cpu_milli: pod.cpu_milli,
            memory_bytes: pod.memory_bytes,
            wakes: !matches!(pod.owner.kind, OwnerKind::DaemonSet | OwnerKind::Node),
            started_at: pod.started_at,
        }
    }
}

/// GPUs of a pod that ended, and when.
#[derive(Debug, Clone, Copy)]
struct Ended {
    at: Timestamp,
    gpus: GpuAsk,
}

/// Ends remembered of one node: those beyond are as if they had never been known, which counts more and never less.
const MAX_ENDED: usize = 64;

/// What is on one node, kept summed up so that a snapshot copies instead of counting.
#[derive(Debug, Clone)]
pub(super) struct NodeLoad {
    pub(super) loads: Arc<Vec<PodLoad>>,
    pub(super) cpu_milli: u64,
    pub(super) memory_bytes: u64,
    pub(super) awake: bool,
    /// Since when nothing keeps it awake.
    pub(super) empty_since: Option<Timestamp>,
    /// Pods that ended lately, oldest first.
    ended: VecDeque<Ended>,
}

impl NodeLoad {
    fn empty(now: Timestamp) -> Self {
        Self {
            loads: Arc::default(),
            cpu_milli: 0,
            memory_bytes: 0,
            awake: false,
            empty_since: Some(now),
            ended: VecDeque::new(),
        }
    }

    fn count(&mut self, now: Timestamp) {
        if self.loads.iter().any(|load| load.claimed.is_some()) {
            bear_claims(Arc::make_mut(&mut self.loads).as_mut_slice());
        }
        // A tenant may bind a pod that asks for anything: sums stop at the largest number.
        let sum = |of: fn(&PodLoad) -> u64| self.loads.iter().map(of).fold(0, u64::saturating_add);
        (self.cpu_milli, self.memory_bytes) = (sum(|load| load.cpu_milli), sum(|load| load.memory_bytes));
        self.awake = self.loads.iter().any(|load| load.wakes);
        self.empty_since = if self.awake {
            None
        } else {
            self.empty_since.or(Some(now))
        };
    }

    fn end(&mut self, uid: &str, now: Timestamp) {
        let loads = Arc::make_mut(&mut self.loads);
        let Some(place) = loads.iter().position(|load| load.uid.as_ref() == uid) else {
            return;
        };
        if let Some(gpus) = loads.remove(place).gpus {
            self.ended.push_back(Ended { at: now, gpus });
            if self.ended.len() > MAX_ENDED {
                self.ended.pop_front();
            }
        }
    }

    /// GPUs of the pods that ended since a time.
    pub(super) fn ended(&self, since: Timestamp) -> impl Iterator<Item = GpuAsk> {
        let late = self.ended.iter().filter(move |ended| ended.at >= since);
        late.map(|ended| ended.gpus)
    }

    /// Empty boards of a node, with its load on them.
    pub(super) fn fill(load: Option<&Self>, mut slots: GpuSlots) -> GpuSlots {
        let asks = load.iter().flat_map(|load| load.loads.iter());
        asks.filter_map(|load| load.gpus).for_each(|ask| slots.take(ask));
        slots
    }
}

/// Gives the devices of each claim to the first pod that has it: those that share it hold no more.
pub(super) fn bear_claims(loads: &mut [PodLoad]) {
    let mut borne: HashSet<Arc<str>> = HashSet::new();
    for load in loads {
        if let Some(claimed) = &load.claimed {
            load.gpus = claimed.ask_where(|devices| borne.insert(Arc::clone(&devices.claim)));
        }
    }
}

/// The cluster so far.
#[derive(Debug, Clone, Default)]
pub(super) struct ClusterState {
    /// By name, so that indices are stable while the set of nodes is.
    pub(super) nodes: BTreeMap<Arc<str>, Arc<NodeFacts>>,
    pods: HashMap<Arc<str>, PodFacts>,
    on_node: HashMap<Arc<str>, NodeLoad>,
    /// Waiting pods that preemption makes room for, and where.
    nominated: BTreeMap<Arc<str>, Arc<str>>,
    devices: DeviceState,
    /// Pods with claims, by UID, and what these amount to.
    claimed: HashMap<Arc<str>, Arc<Claimed>>,
    /// Whether what claims amount to may be another since it was looked up.
    stale_claims: bool,
    pub(super) groups: GroupIndex,
    relisted_nodes: Option<HashSet<Arc<str>>>,
    relisted_pods: Option<HashSet<Arc<str>>>,
    /// When all pods were known for the first time: before that, a node without pods is one we know nothing of.
    pods_known_since: Option<Timestamp>,
    /// Whether all nodes were listed once.
    pub(super) nodes_known: bool,
    /// Changes when a node appears or goes: the index of names is made anew then, and only then.
    pub(super) node_set: u64,
}

impl ClusterState {
    /// Takes an event in; returns the names of nodes that are gone.
    pub(super) fn apply(&mut self, event: ClusterEvent, now: Timestamp) -> Vec<Arc<str>> {
        match event {
            ClusterEvent::Node(mut facts) => {
                facts.devices = self.devices.devices(&facts.name);
                if let Some(seen) = &mut self.relisted_nodes {
                    seen.insert(Arc::clone(&facts.name));
                }
                // A heartbeat changes nothing that is looked at: what was looked up for the node stays valid.
                if self.nodes.get(&facts.name).is_some_and(|known| **known == facts) {
                    return Vec::new();
                }
                if self.nodes.insert(Arc::clone(&facts.name), Arc::new(facts)).is_none() {
                    self.node_set += 1;
                }
            }
            ClusterEvent::Volume(_) => {}
            ClusterEvent::Devices(event) => self.apply_devices(*event),
            ClusterEvent::NodeGone(name) => return self.drop_nodes(vec![name]),
            ClusterEvent::Pod(pod) => {
                if let Some(seen) = &mut self.relisted_pods {
                    seen.insert(Arc::clone(&pod.uid));
                }
                self.put_pod(*pod, now);
            }
            ClusterEvent::PodGone { uid } => self.drop_pod(&uid, now),
            ClusterEvent::NodesRelisting => self.relisted_nodes = Some(HashSet::new()),
            ClusterEvent::PodsRelisting => self.relisted_pods = Some(HashSet::new()),
            ClusterEvent::NodesListed => {
                self.nodes_known = true;
                let Some(seen) = self.relisted_nodes.take() else {
                    return Vec::new();
                };
                let gone = self
                    .nodes
                    .keys()
                    .filter(|name| !seen.contains(*name))
                    .cloned()
                    .collect();
                return self.drop_nodes(gone);
            }
            ClusterEvent::PodsListed => {
                self.pods_known_since.get_or_insert(now);
                let Some(seen) = self.relisted_pods.take() else {
                    return Vec::new();
                };
                let gone: Vec<_> = self.pods.keys().filter(|uid| !seen.contains(*uid)).cloned().collect();
                for uid in &gone {
                    self.drop_pod(uid, now);
                }
            }
        }
        Vec::new()
    }

    fn drop_nodes(&mut self, names: Vec<Arc<str>>) -> Vec<Arc<str>> {
        let gone: Vec<_> = names
            .into_iter()
            .filter(|name| self.nodes.remove(name).is_some())
            .collect();
        self.node_set += u64::from(!gone.is_empty());
        // A load outlives its node while pods are bound there; an empty one would stay for ever.
        for name in &gone {
            if self.on_node.get(name).is_some_and(|load| load.loads.is_empty()) {
                self.on_node.remove(name);
            }
        }
        gone
    }

    fn apply_devices(&mut self, event: DeviceEvent) {
        self.stale_claims = true;
        for name in self.devices.apply(event) {
            if let Some(known) = self.nodes.get_mut(&name) {
                let devices = self.devices.devices(&name);
                // Another object even where nothing else changed: what was looked up for the node is looked up anew.
                if known.devices != devices {
                    let facts = NodeFacts {
                        devices,
                        ..NodeFacts::clone(known)
                    };
                    *known = Arc::new(facts);
                }
            }
        }
    }

    /// Looks up again what pods ask by claim, where something changed about claims.
    pub(super) fn look_claims_up(&mut self, now: Timestamp) {
        if !std::mem::take(&mut self.stale_claims) {
            return;
        }
        let index = self.devices.index();
        let known = self.claimed.iter();
        let changed: Vec<PodFacts> = known
            .filter_map(|(uid, before)| {
                let pod = self.pods.get(uid)?;
                (index.claimed(pod)? != **before).then(|| pod.clone())
            })
            .collect();
        for pod in changed {
            self.put_pod(pod, now);
        }
    }

    /// What a pod asks for as its claims are known now.
    pub(super) fn claimed(&mut self, pod: &PodFacts) -> Option<Claimed> {
        self.devices.index().claimed(pod)
    }

    /// The index of claims.
    pub(super) fn device_index(&mut self) -> DeviceIndex {
        self.devices.index().clone()
    }

    fn put_pod(&mut self, mut pod: PodFacts, now: Timestamp) {
        if pod.phase == PodPhase::Finished {
            return self.drop_pod(&pod.uid, now);
        }
        let claimed = self.devices.index().claimed(&pod).map(Arc::new);
        if let Some(claimed) = &claimed {
            pod.gpus = claimed.ask();
            self.claimed.insert(Arc::clone(&pod.uid), Arc::clone(claimed));
        }
        let was = self.pods.get(&pod.uid).and_then(|old| old.node.clone());
        if was.is_some() && was != pod.node {
            self.unload(&pod.uid, was.as_ref(), now);
        }
        if let Some(node) = &pod.node {
            let load = PodLoad::of(&pod, claimed);
            let entry = self
                .on_node
                .entry(Arc::clone(node))
                .or_insert_with(|| NodeLoad::empty(now));
            let loads = Arc::make_mut(&mut entry.loads);
            match loads.iter_mut().find(|held| held.uid == load.uid) {
                Some(held) => *held = load,
                None => loads.push(load),
            }
            entry.count(now);
        }
        match pod
            .nominated
            .as_ref()
            .filter(|_| pod.node.is_none() && pod.gpus.is_some())
        {
            Some(node) => {
                self.nominated.insert(Arc::clone(&pod.uid), Arc::clone(node));
            }
            None => {
                self.nominated.remove(&pod.uid);
            }
        }
        self.groups.put(self.pods.get(&pod.uid), &pod);
        self.pods.insert(Arc::clone(&pod.uid), pod);
    }

    fn drop_pod(&mut self, uid: &Arc<str>, now: Timestamp) {
        self.nominated.remove(uid);
        self.claimed.remove(uid);
        if let Some(pod) = self.pods.remove(uid) {
            self.groups.remove(&pod);
            self.unload(uid, pod.node.as_ref(), now);
        }
    }

    fn unload(&mut self, uid: &Arc<str>, node: Option<&Arc<str>>, now: Timestamp) {
        let Some(name) = node else { return };
        let Some(entry) = self.on_node.get_mut(name) else {
            return;
        };
        entry.end(uid, now);
        entry.count(now);
        if entry.loads.is_empty() && !self.nodes.contains_key(name) {
            self.on_node.remove(name);
        }
    }

    /// What is on a node.
    pub(super) fn load(&self, node: &str) -> Option<&NodeLoad> {
        self.on_node.get(node)
    }

    /// Pods that preemption makes room for, by the node.
    pub(super) fn nominations(&self) -> HashMap<Arc<str>, Vec<PodLoad>> {
        let mut by_node: HashMap<Arc<str>, Vec<PodLoad>> = HashMap::new();
        for (uid, node) in &self.nominated {
            if let Some(pod) = self.pods.get(uid) {
                by_node
                    .entry(Arc::clone(node))
                    .or_default()
                    .push(PodLoad::of(pod, self.claimed.get(uid).cloned()));
            }
        }
        by_node
    }

    /// A pod, if it is known and not finished.
    pub(super) fn pod(&self, uid: &str) -> Option<&PodFacts> {
        self.pods.get(uid)
    }

    /// A pod on a node by its names.
    pub(super) fn pod_on(&self, node: &str, of: &PodName) -> Option<&PodFacts> {
        let loads = self.on_node.get(node)?.loads.iter();
        let mut pods = loads.filter_map(|load| self.pods.get(&load.uid));
        pods.find(|pod| pod.name == of.name && pod.namespace == of.namespace)
    }

    /// Since when a node is known to have had no work; `None` while it has, and until all pods were listed once.
    pub(super) fn empty_since(&self, node: &str) -> Option<Timestamp> {
        let known = self.pods_known_since?;
        let load = self.on_node.get(node);
        load.map_or(Some(known), |load| Some(load.empty_since?.max(known)))
    }

    /// How many nodes, pods and loads are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> [usize; 3] {
        [self.nodes.len(), self.pods.len(), self.on_node.len()]
    }

    /// Every pod that is not finished, and what it waits for while it has no node. What a claim was given, or another pod
    /// waits for by the same claim, is not waited for once more.
    pub(super) fn pods(&self) -> impl Iterator<Item = (&PodFacts, Option<GpuAsk>)> {
        let mut waited: HashSet<Arc<str>> = HashSet::new();
        self.pods.values().map(move |pod| {
            let claimed = self.claimed.get(&pod.uid).filter(|_| pod.node.is_none() && !pod.gated);
            let waits = claimed.map_or(pod.gpus, |claimed| {
                claimed.ask_where(|devices| !devices.allocated && waited.insert(Arc::clone(&devices.claim)))
            });
            (pod, waits.filter(|_| pod.node.is_none()))
        })
    }

    /// Pods whose claims are not known.
    pub(super) fn unknown_claims(&self) -> usize {
        self.claimed.values().filter(|claimed| claimed.unknown).count()
    }
}
