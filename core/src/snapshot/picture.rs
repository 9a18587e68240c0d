use super::carbon::ZoneState;
use super::classes::{Pending, PodClass};
use super::coefficient::Figures;
use super::devices::DeviceIndex;
use super::domain::{DomainCap, DomainIx, DomainKey, DomainRule, DomainState};
use super::domains::{DomainTable, Memberships};
use super::groups::GroupMembers;
use super::index::{NodeIx, RegionIx, ZoneIx};
use super::learned::Learned;
use super::node::{NodeState, Place, Shown};
use super::power_view::NodePowerView;
use super::readings::NodeFacts;
use super::region::{NodeRegion, Regions};
use super::surroundings::Surroundings;
use super::volumes::Volumes;
use crate::gpu::ModelIx;
use crate::grid::ZoneId;
use crate::workload::GroupKey;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// One immutable view of carbon, power and cluster.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Grows with every snapshot.
    pub generation: u64,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The tables and figures that it was built with; the kind of every intensity in it.
    pub surroundings: Arc<Surroundings>,
    /// Kinds of pods, most frequent first.
    pub classes: Vec<PodClass>,
    /// What pending pods wait for.
    pub pending: Pending,
    /// Claims and what they amount to.
    pub devices: DeviceIndex,
    /// Pods whose claims are not known, so that it is not known either whether they ask for GPUs.
    pub unknown_claims: usize,
    /// What was learned of nodes, owners and run times.
    pub learned: Learned,
    /// Volume claims that wait for their first consumer.
    pub volumes: Arc<Volumes>,
    pub(super) by_model: Arc<Vec<Figures>>,
    pub(super) nodes: Vec<NodeState>,
    pub(super) by_name: Arc<HashMap<Arc<str>, NodeIx>>,
    pub(super) zones: Vec<Arc<ZoneState>>,
    pub(super) domains: Vec<DomainState>,
    /// Pods that preemption makes room for.
    pub(super) nominated: Vec<(Arc<str>, NodeIx)>,
    pub(super) by_domain: Arc<HashMap<Arc<DomainKey>, DomainIx>>,
    pub(super) regions: Regions,
    pub(super) groups: Arc<HashMap<GroupKey, Arc<GroupMembers>>>,
}

/// Everything that a snapshot is made of, to write it down and to make it again.
#[derive(Debug, Clone)]
pub struct SnapshotParts {
    /// Its number.
    pub generation: u64,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// What it was built with.
    pub surroundings: Arc<Surroundings>,
    /// Kinds of pods.
    pub classes: Vec<PodClass>,
    /// What pending pods wait for.
    pub pending: Pending,
    /// Regions, each in its place.
    pub regions: Vec<NodeRegion>,
    /// Members of groups.
    pub groups: HashMap<GroupKey, Arc<GroupMembers>>,
    /// What a board of each model draws, in the order of the catalogue.
    pub by_model: Vec<Figures>,
    /// Power domains, each in its place.
    pub domains: Vec<DomainCap>,
    /// Nodes, in the order of their names.
    pub nodes: Vec<NodeState>,
    /// Zones, each in its place.
    pub zones: Vec<Arc<ZoneState>>,
}

impl From<SnapshotParts> for Snapshot {
    fn from(parts: SnapshotParts) -> Self {
        let SnapshotParts {
            generation,
            taken_at,
            surroundings,
            classes,
            pending,
            regions,
            groups,
            by_model,
            domains,
            nodes,
            zones,
        } = parts;
        let domains = DomainTable::of_caps(domains);
        let names = nodes.iter().map(|node| Arc::clone(&node.name)).zip((0..).map(NodeIx));
        Self {
            generation,
            taken_at,
            surroundings,
            classes,
            pending,
            // Placement reads none of these: what they made of pods and nodes stands in the workload, in the nodes and in
            // the figures by model.
            devices: DeviceIndex::default(),
            unknown_claims: 0,
            learned: Learned::default(),
            volumes: Arc::default(),
            regions: Regions::from(regions),
            groups: Arc::new(groups),
            by_model: Arc::new(by_model),
            by_name: Arc::new(names.collect()),
            nominated: nominated(&nodes),
            by_domain: domains.by_key(),
            domains: domains.sum(&nodes),
            nodes,
            zones,
        }
    }
}

impl Snapshot {
    /// A node's place by its name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeIx> {
        self.by_name.get(name).copied()
    }

    /// A node.
    #[must_use]
    pub fn node(&self, ix: NodeIx) -> Option<&NodeState> {
        self.nodes.get(usize::try_from(ix.0).ok()?)
    }

    /// A zone.
    #[must_use]
    pub fn zone(&self, ix: ZoneIx) -> Option<&ZoneState> {
        self.zones.get(usize::from(ix.0)).map(Arc::as_ref)
    }

    /// A zone's place by its id.
    #[must_use]
    pub fn find_zone(&self, id: &ZoneId) -> Option<ZoneIx> {
        let place = self.zones.iter().position(|zone| zone.id == *id)?;
        u16::try_from(place).ok().map(ZoneIx)
    }

    /// A node that no watch has told of, as it would stand in this snapshot: the cluster autoscaler asks about such
    /// templates. Its zone is one that the snapshot knows, or none.
    #[must_use]
    pub fn template(&self, facts: &NodeFacts) -> NodeState {
        let zone = self.surroundings.zone_of(facts);
        let region = NodeRegion::of(facts.region.as_ref(), zone.as_ref());
        let zone = zone.and_then(|zone| self.find_zone(&zone));
        let region = region.and_then(|region| self.regions.find(&region));
        let place = Place::new(facts, zone, self.memberships(facts), &self.surroundings).within(region);
        let shown = Shown {
            figures: place.model().and_then(|model| self.figures(model)),
            floor: None,
            owners: None,
        };
        let nothing = (None, Vec::new());
        NodeState::new(
            facts,
            place,
            nothing,
            shown,
            NodePowerView::modelled(),
            &self.surroundings,
        )
    }

    /// The power domains that a node which no watch has told of would stand in: those that the snapshot knows.
    fn memberships(&self, facts: &NodeFacts) -> Memberships {
        let of_rule = |rule: &DomainRule| {
            let value = rule.value_of(facts)?;
            let (domain, value) = (Arc::clone(&rule.name), Arc::clone(value));
            self.find_domain(&DomainKey { domain, value })
        };
        self.surroundings.domains.iter().filter_map(of_rule).collect()
    }

    /// The node that preemption makes room on for a pod.
    #[must_use]
    pub fn nominated(&self, uid: &str) -> Option<&NodeState> {
        let (_, ix) = self.nominated.iter().find(|(held, _)| held.as_ref() == uid)?;
        self.node(*ix)
    }

    /// A power domain.
    #[must_use]
    pub fn domain(&self, ix: DomainIx) -> Option<&DomainState> {
        self.domains.get(usize::try_from(ix.0).ok()?)
    }

    /// A power domain's place by its key.
    #[must_use]
    pub fn find_domain(&self, key: &DomainKey) -> Option<DomainIx> {
        self.by_domain.get(key).copied()
    }

    /// The power domains without their sums, each in its place.
    #[must_use]
    pub fn domain_caps(&self) -> Vec<DomainCap> {
        let cap = |domain: &DomainState| DomainCap {
            key: Arc::clone(&domain.key),
            rule: domain.rule,
            cap: domain.cap,
        };
        self.domains.iter().map(cap).collect()
    }

    /// All power domains; some may have no nodes any more.
    #[must_use]
    pub fn domains(&self) -> &[DomainState] {
        &self.domains
    }

    /// What a board of a model draws, as far as its nodes have shown or else its profile says.
    #[must_use]
    pub fn figures(&self, model: ModelIx) -> Option<Figures> {
        self.by_model.get(usize::from(model.0)).copied()
    }

    /// The same of all models, in the order of the catalogue.
    #[must_use]
    pub fn by_model(&self) -> &[Figures] {
        &self.by_model
    }

    /// All nodes, by name.
    #[must_use]
    pub fn nodes(&self) -> &[NodeState] {
        &self.nodes
    }

    /// All zones.
    #[must_use]
    pub fn zones(&self) -> &[Arc<ZoneState>] {
        &self.zones
    }

    /// All regions, by their places.
    #[must_use]
    pub fn regions(&self) -> &[NodeRegion] {
        self.regions.all()
    }

    /// A region.
    #[must_use]
    pub fn region(&self, ix: RegionIx) -> Option<&NodeRegion> {
        self.regions().get(usize::from(ix.0))
    }

    /// What a node fails together with: the topology zone in its region, or as much of that as is known. Two nodes of which it is
    /// the same text stand together.
    #[must_use]
    pub fn fails_with(&self, node: &NodeState) -> Option<String> {
        let region = node.region.and_then(|ix| self.region(ix));
        match (region, node.topology_zone.as_deref()) {
            (Some(region), Some(zone)) => Some(format!("{region}/{zone}")),
            (Some(region), None) => Some(region.to_string()),
            (None, zone) => zone.map(str::to_owned),
        }
    }

    /// The members of a group that were seen and are not finished.
    #[must_use]
    pub fn group(&self, key: &GroupKey) -> Option<&GroupMembers> {
        self.groups.get(key).map(Arc::as_ref)
    }

    /// All groups, in no order.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupKey, &GroupMembers)> {
        self.groups.iter().map(|(key, members)| (key, members.as_ref()))
    }
}

/// Where preemption makes room, by pod.
pub(super) fn nominated(nodes: &[NodeState]) -> Vec<(Arc<str>, NodeIx)> {
    let of_node = |(node, ix): (&NodeState, NodeIx)| {
        let uids: Vec<_> = node.nominated.iter().map(|load| (Arc::clone(&load.uid), ix)).collect();
        uids
    };
    nodes.iter().zip((0..).map(NodeIx)).flat_map(of_node).collect()
}
