use super::carbon::KindMismatch;
use super::classes;
use super::cluster::{ClusterState, PodLoad};
use super::coefficient::Figures;
use super::devices::Claimed;
use super::domains::DomainTable;
use super::expected::Owners;
use super::index::{NodeIx, ZoneIx};
use super::ladder::Zone;
use super::learned::{Learned, Run};
use super::node::{NodeState, Place, Shown};
use super::picture::{Snapshot, nominated};
use super::power::PowerState;
use super::readings::{CarbonReport, ClusterEvent, NodeFacts, PowerReport};
use super::region::{NodeRegion, Regions};
use super::surroundings::Surroundings;
use super::volumes::VolumeState;
use crate::grid::ZoneId;
use crate::workload::{OwnerKey, OwnerKind, PodFacts};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Zones keep their places for ever, and labels of nodes name them. The world has some hundreds; a node in one more than
/// this stands in no zone.
const MAX_ZONES: usize = 4096;
/// Ended pods that wait for the first list of nodes.
const MAX_EARLY: usize = 4096;

/// Accumulates readings and builds snapshots from them. There is one, and one task owns it.
#[derive(Debug)]
pub struct SnapshotBuilder {
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) zones: Vec<Zone>,
    regions: Regions,
    cluster: ClusterState,
    power: PowerState,
    pub(super) learned: Learned,
    /// Pods that ended well, told of before the nodes were.
    early: Vec<PodFacts>,
    volumes: VolumeState,
    domains: DomainTable,
    /// Figures by model, until something is learned or tables change.
    pub(super) by_model: Option<Arc<Vec<Figures>>>,
    /// Zone, model and figures of each node, looked up once for as long as its facts stay the same object.
    resolved: HashMap<Arc<str>, (Arc<NodeFacts>, Place)>,
    by_name: Arc<HashMap<Arc<str>, NodeIx>>,
    indexed: Option<u64>,
    generation: u64,
}

impl SnapshotBuilder {
    /// An empty picture.
    #[must_use]
    pub fn new(surroundings: Surroundings) -> Self {
        Self {
            surroundings: Arc::new(surroundings),
            zones: Vec::new(),
            regions: Regions::default(),
            cluster: ClusterState::default(),
            power: PowerState::default(),
            domains: DomainTable::default(),
            learned: Learned::default(),
            early: Vec::new(),
            volumes: VolumeState::default(),
            by_model: None,
            resolved: HashMap::new(),
            by_name: Arc::default(),
            indexed: None,
            generation: 0,
        }
    }

    /// Takes a carbon report in.
    ///
    /// # Errors
    /// [`KindMismatch`] when it is of another kind than the one ranked; it then counts as missing.
    pub fn apply_carbon(&mut self, report: CarbonReport, now: Timestamp) -> Result<(), KindMismatch> {
        if report.kind != self.surroundings.kind {
            let (got, ranked) = (report.kind, self.surroundings.kind);
            return Err(KindMismatch {
                zone: report.zone,
                source_name: report.source,
                got,
                ranked,
            });
        }
        let ix = self.zone_ix(&report.zone);
        if let Some(zone) = ix.and_then(|ix| self.zones.get_mut(usize::from(ix.0))) {
            zone.apply(report, now);
        }
        Ok(())
    }

    /// Takes a power report in. Returns how many boards it refused because no board of their model can draw that much.
    pub fn apply_power(&mut self, report: PowerReport) -> u64 {
        self.by_model = None;
        if self.cluster.nodes_known {
            let nodes = &self.cluster.nodes;
            self.learned.retain_nodes(|name| nodes.contains_key(name));
        }
        self.power
            .apply(report, &self.cluster, &self.surroundings, &mut self.learned)
    }

    /// Takes a change of the cluster in.
    pub fn apply_cluster(&mut self, event: ClusterEvent, now: Timestamp) {
        match &event {
            ClusterEvent::Volume(event) => self.volumes.apply(event.clone()),
            ClusterEvent::Pod(pod) => self.learn_run(pod),
            _ => {}
        }
        let listed = event == ClusterEvent::NodesListed;
        for gone in self.cluster.apply(event, now) {
            self.power.forget(&gone);
            self.learned.retain_nodes(|name| *name != *gone);
            self.by_model = None;
        }
        if listed {
            for pod in std::mem::take(&mut self.early) {
                self.learn_run(&pod);
            }
        }
    }

    /// What a GPU pod of a Job teaches by ending well on a node whose model is known.
    fn learn_run(&mut self, pod: &PodFacts) {
        let (Some(ran), Some(node), true) = (pod.ran, &pod.node, pod.gpus.is_some() || pod.claims.is_some()) else {
            return;
        };
        let catalogue = &self.surroundings.catalogue;
        let facts = self.cluster.nodes.get(node);
        if facts.is_none() && !self.cluster.nodes_known && self.early.len() < MAX_EARLY {
            self.early.push(pod.clone());
            return;
        }
        let product = facts.and_then(|facts| facts.gpu_product.as_deref());
        let model = product.and_then(|name| catalogue.profile(catalogue.find(name)?));
        let owner = OwnerKey::of(pod).filter(|owner| owner.kind == OwnerKind::Job);
        if let (Some(owner), Some(profile)) = (owner, model) {
            self.learned.observe_run(&owner, Run::new(pod, ran, &profile.model));
        }
    }

    /// What was learned so far.
    #[must_use]
    pub fn learned(&self) -> &Learned {
        &self.learned
    }

    /// Replaces tables and figures, keeping what was heard; but of carbon only what is of the kind now ranked.
    pub fn surround(&mut self, surroundings: Surroundings) {
        for zone in &mut self.zones {
            if surroundings.kind == self.surroundings.kind {
                zone.expire();
            } else {
                *zone = Zone::new(zone.id().clone());
            }
        }
        self.surroundings = Arc::new(surroundings);
        self.forget_places();
    }

    fn forget_places(&mut self) {
        self.resolved.clear();
        self.by_model = None;
        self.domains = DomainTable::default();
    }

    /// A pod, if it is known and not finished.
    #[must_use]
    pub fn pod(&self, uid: &str) -> Option<&PodFacts> {
        self.cluster.pod(uid)
    }

    /// What a pod asks for as its claims are known now; `None` for one that says nothing of claims.
    pub fn claimed(&mut self, pod: &PodFacts) -> Option<Claimed> {
        self.cluster.claimed(pod)
    }

    /// Builds the picture of now.
    pub fn build(&mut self, now: Timestamp) -> Snapshot {
        self.cluster.look_claims_up(now);
        if self
            .domains
            .is_littered(self.cluster.nodes.len(), self.surroundings.domains.len())
        {
            self.forget_places();
        }
        let by_model = self.by_model.take();
        let by_model = by_model.unwrap_or_else(|| Arc::new(self.learned.by_model(&self.surroundings.catalogue)));
        self.by_model = Some(Arc::clone(&by_model));
        let facts: Vec<Arc<NodeFacts>> = self.cluster.nodes.values().cloned().collect();
        let mut nominations: HashMap<Arc<str>, Vec<PodLoad>> = self.cluster.nominations();
        let nodes: Vec<NodeState> = facts
            .iter()
            .map(|facts| {
                let nominated = nominations.remove(&facts.name).unwrap_or_default();
                self.node(facts, nominated, &by_model, now)
            })
            .collect();
        if self.indexed != Some(self.cluster.node_set) {
            let names = nodes.iter().map(|node| Arc::clone(&node.name)).zip((0..).map(NodeIx));
            self.by_name = Arc::new(names.collect());
            self.resolved.retain(|name, _| self.cluster.nodes.contains_key(name));
            self.indexed = Some(self.cluster.node_set);
        }
        let bounds = self.surroundings.ladder;
        let zones = self.zones.iter_mut().map(|zone| zone.state(&bounds, now)).collect();
        let (classes, pending) = classes::count(self.cluster.pods());
        self.generation += 1;
        Snapshot {
            generation: self.generation,
            taken_at: now,
            surroundings: Arc::clone(&self.surroundings),
            classes,
            pending,
            domains: self.domains.sum(&nodes),
            nominated: nominated(&nodes),
            by_domain: self.domains.by_key(),
            devices: self.cluster.device_index(),
            unknown_claims: self.cluster.unknown_claims(),
            learned: self.learned.clone(),
            volumes: Arc::clone(&self.volumes.volumes),
            by_model,
            nodes,
            by_name: Arc::clone(&self.by_name),
            zones,
            regions: self.regions.clone(),
            groups: self.cluster.groups.share(),
        }
    }

    /// How many nodes, pods, loads, samples, floors and look-ups are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> [usize; 6] {
        let ([nodes, pods, loads], samples) = (self.cluster.held(), self.power.held());
        [nodes, pods, loads, samples, self.learned.nodes(), self.resolved.len()]
    }

    fn node(
        &mut self,
        facts: &Arc<NodeFacts>,
        nominated: Vec<PodLoad>,
        by_model: &[Figures],
        now: Timestamp,
    ) -> NodeState {
        let known = self
            .resolved
            .get(&facts.name)
            .filter(|(of, _)| Arc::ptr_eq(of, facts))
            .map(|(_, place)| place.clone());
        let place = known.unwrap_or_else(|| {
            let zone = self.surroundings.zone_of(facts);
            let region = NodeRegion::of(facts.region.as_ref(), zone.as_ref());
            let zone = zone.and_then(|zone| self.zone_ix(&zone));
            let region = region.and_then(|region| self.regions.place(region));
            let domains = self.domains.of(facts, &self.surroundings.domains);
            let place = Place::new(facts, zone, domains, &self.surroundings).within(region);
            let held = (Arc::clone(facts), place.clone());
            self.resolved.insert(Arc::clone(&facts.name), held);
            place
        });
        let load = self.cluster.load(&facts.name);
        let power = self.power.view(&facts.name, &self.surroundings.power, now);
        let shown = Shown {
            figures: place.model().and_then(|model| {
                let of_model = *by_model.get(usize::from(model.0))?;
                let catalogue = &self.surroundings.catalogue;
                Some(self.learned.of_node(&facts.name, model, of_model, catalogue))
            }),
            floor: self.learned.floor(&facts.name),
            owners: Some(Owners {
                learned: &self.learned,
                now,
            }),
        };
        NodeState {
            host_watts: self.power.host(&facts.name, &self.surroundings.power, now),
            ..NodeState::new(facts, place, (load, nominated), shown, power, &self.surroundings)
        }
    }

    fn zone_ix(&mut self, id: &ZoneId) -> Option<ZoneIx> {
        let place = self.zones.iter().position(|zone| zone.id() == id).or_else(|| {
            let room = self.zones.len() < MAX_ZONES;
            room.then(|| self.zones.push(Zone::new(id.clone())))?;
            self.zones.len().checked_sub(1)
        });
        u16::try_from(place?).ok().map(ZoneIx)
    }
}
