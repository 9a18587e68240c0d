use super::cluster::{NodeLoad, PodLoad, bear_claims};
use super::coefficient::{Coefficient, CoefficientSource, Figures};
use super::commitment::{self, Commitment};
use super::domains::Memberships;
use super::expected::Owners;
use super::index::{RegionIx, ZoneIx};
use super::power_view::NodePowerView;
use super::readings::{HostReading, NodeFacts};
use super::slots::GpuSlots;
use super::surroundings::Surroundings;
use crate::gpu::{GpuSharing, ModelIx, slices_of_model};
use crate::quantity::{Ratio, Watts};
use crate::workload::GpuAsk;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A node in a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeState {
    /// Name.
    pub name: Arc<str>,
    /// Grid zone; `None` where region and tables do not tell.
    pub zone: Option<ZoneIx>,
    /// Region, or where no label says which, what stands for it; `None` where nothing does.
    pub region: Option<RegionIx>,
    /// Topology zone: what fails together within a region. Placement looks at none; which replicas go first does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology_zone: Option<Arc<str>>,
    /// GPU model; `None` where the label is unknown.
    pub model: Option<ModelIx>,
    /// What is free on each board.
    pub slots: GpuSlots,
    /// Free CPU in thousandths of a core; negative when overcommitted.
    pub cpu_free_milli: i64,
    /// Free memory in bytes; negative when overcommitted.
    pub memory_free: i64,
    /// Whether a pod that is not a DaemonSet's or the kubelet's runs or is bound here.
    pub awake: bool,
    /// Idle watts of one board.
    pub bare: Option<Coefficient>,
    /// The step that the first open context adds on one board.
    pub context: Option<Coefficient>,
    /// What full use adds to that on one board.
    pub slope: Option<Coefficient>,
    /// Idle watts of the host, GPUs aside.
    pub host_idle: Watts,
    /// What the host was measured to draw; `None` where no source measures it, or none that still counts.
    pub host_watts: Option<HostReading>,
    /// Weight of the wake watts.
    pub wake_weight: Ratio,
    /// Power usage effectiveness.
    pub pue: f64,
    /// What telemetry says.
    pub power: NodePowerView,
    /// The pods bound here, shared with the state they were counted in.
    pub loads: Arc<Vec<PodLoad>>,
    /// Waiting pods that preemption makes room for here.
    pub nominated: Vec<PodLoad>,
    /// Millionths of boards whose pods ended so lately that what was measured may still hold them.
    pub ended: u64,
    /// The most that one board draws beyond idle; `None` where the model is unknown.
    pub rise: Option<Watts>,
    /// Milliwatts beyond idle that each of the pods bound here was learned to draw, in the order of `loads`; `None` where the
    /// most that its boards can draw counts, and empty where that is so of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Option<u64>>,
    /// What its GPUs draw, or may come to draw.
    pub commitment: Commitment,
    /// The power domains it stands in.
    pub domains: Memberships,
}

/// In which shares of boards are counted.
pub(super) const MILLION: f64 = 1e6;

/// What tables and figures say of a node, looked up once.
#[derive(Debug, Clone)]
pub(super) struct Place {
    zone: Option<ZoneIx>,
    region: Option<RegionIx>,
    model: Option<ModelIx>,
    boards: u32,
    sharing: GpuSharing,
    pue: f64,
    wake_weight: Ratio,
    domains: Memberships,
}

/// What counts for the boards of a node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown<'a> {
    /// Of its model and itself; nothing where the model is not known.
    pub(super) figures: Option<Figures>,
    /// What it drew when it was empty, which needs no model.
    pub(super) floor: Option<(Watts, u32)>,
    /// What the pods of owners were seen to draw; nothing of a node on which nothing runs.
    pub(super) owners: Option<Owners<'a>>,
}

impl Place {
    pub(super) fn model(&self) -> Option<ModelIx> {
        self.model
    }

    pub(super) fn new(facts: &NodeFacts, zone: Option<ZoneIx>, domains: Memberships, around: &Surroundings) -> Self {
        let (boards, sharing) = boards(facts);
        Self {
            zone,
            region: None,
            model: model(facts, around),
            boards,
            sharing,
            pue: around.pue.of(&facts.name, facts.region.as_ref()),
            wake_weight: around.wake.of(facts.pool.as_deref()),
            domains,
        }
    }

    /// The same in a region.
    pub(super) fn within(self, region: Option<RegionIx>) -> Self {
        Self { region, ..self }
    }
}

/// Boards and how they are handed out. A driver that hands boards out as devices leaves nothing allocatable; where both
/// tell, they tell of the same boards.
fn boards(facts: &NodeFacts) -> (u32, GpuSharing) {
    let allocatable = facts.gpu_sharing.boards(&facts.gpus);
    match &facts.devices {
        Some(devices) if allocatable == 0 => {
            let product = facts.gpu_product.as_deref().or(devices.product.as_deref());
            // What labels say of replicas is the device plugin's, which hands out nothing here.
            let sharing = GpuSharing {
                slices: product.map_or(0, slices_of_model),
                ..GpuSharing::default()
            };
            (devices.boards, sharing)
        }
        _ => (allocatable, facts.gpu_sharing),
    }
}

/// The model that the label names, else the one that the devices name.
fn model(facts: &NodeFacts, around: &Surroundings) -> Option<ModelIx> {
    let devices = || facts.devices.as_ref()?.product.as_deref();
    let find = |name| around.catalogue.find(name);
    facts
        .gpu_product
        .as_deref()
        .and_then(find)
        .or_else(|| devices().and_then(find))
}

impl NodeState {
    pub(super) fn new(
        facts: &NodeFacts,
        place: Place,
        (load, nominated): (Option<&NodeLoad>, Vec<PodLoad>),
        shown: Shown<'_>,
        power: NodePowerView,
        around: &Surroundings,
    ) -> Self {
        let Shown { figures, floor, owners } = shown;
        let floor = floor.map(|(watts, samples)| Coefficient {
            watts,
            source: CoefficientSource::Observed,
            samples,
        });
        let free = |allocatable: u64, used: Option<u64>| {
            i64::try_from(allocatable)
                .unwrap_or(i64::MAX)
                .saturating_sub_unsigned(used.unwrap_or(0))
        };
        let profile = place.model.and_then(|model| around.catalogue.profile(model));
        let mut node = Self {
            name: Arc::clone(&facts.name),
            zone: place.zone,
            region: place.region,
            topology_zone: facts.topology_zone.clone(),
            model: place.model,
            slots: NodeLoad::fill(load, GpuSlots::shared(place.boards, place.sharing)),
            cpu_free_milli: free(facts.cpu_milli, load.map(|load| load.cpu_milli)),
            memory_free: free(facts.memory_bytes, load.map(|load| load.memory_bytes)),
            awake: load.is_some_and(|load| load.awake),
            bare: figures.map(|figures| figures.bare).or(floor),
            context: figures.map(|figures| figures.context),
            slope: figures.map(|figures| figures.slope),
            host_idle: around.host.idle(facts.cpu_milli),
            host_watts: None,
            wake_weight: place.wake_weight,
            pue: place.pue,
            power,
            loads: load.map(|load| Arc::clone(&load.loads)).unwrap_or_default(),
            nominated,
            ended: 0,
            rise: None,
            expected: Vec::new(),
            commitment: Commitment::NONE,
            domains: place.domains,
        };
        if let Some((load, sampled)) = load.zip(node.power.observed_at) {
            let from = sampled.saturating_sub(around.bookings.ramp).unwrap_or(Timestamp::MIN);
            node.ended = load.ended(from).map(|ask| node.millionths(ask)).sum();
        }
        node.rise = commitment::rise(&node, profile);
        if let Some(owners) = owners {
            node.expected = owners.expected(&node, profile, around);
        }
        node.commitment = commitment::commit(&node, profile, around);
        node
    }

    /// What the work on one board draws above bare idle: `context + slope · utilisation`; `None` where the model is not
    /// known.
    #[must_use]
    pub fn active(&self, utilisation: Ratio) -> Option<Watts> {
        Some(self.context?.watts + self.slope?.watts * utilisation.get())
    }

    /// The watts that waking this node costs before any work is done on it; zero when it is awake.
    #[must_use]
    pub fn wake(&self) -> Watts {
        if self.awake {
            return Watts::ZERO;
        }
        let boards = self
            .bare
            .map_or(Watts::ZERO, |bare| bare.watts * self.slots.boards() as f64);
        (self.host_idle + boards) * self.wake_weight.get()
    }

    /// The most that an ask may come to draw here beyond idle; `None` where the model is unknown.
    #[must_use]
    pub fn booking(&self, ask: GpuAsk) -> Option<Watts> {
        Some(self.rise? * self.slots.reach(ask))
    }

    /// By how much such a pod may raise what is committed here: its booking, and where boards are shared in time no more than
    /// they can still come to draw beside what is committed. `None` where the model is unknown.
    #[must_use]
    pub fn gain(&self, ask: GpuAsk) -> Option<Watts> {
        let booked = self.booking(ask)?;
        let Some(most) = self.commitment.most.filter(|_| self.shares_in_time(ask)) else {
            return Some(booked);
        };
        let left = most - self.commitment.watts;
        Some(if left < booked { left } else { booked })
    }

    /// How much of what is committed goes with such a pod where preemption has made room for it. Where boards that are shared in
    /// time may draw the most already, nothing is taken for certain.
    #[must_use]
    pub fn held_for(&self, ask: GpuAsk) -> Option<Watts> {
        let booked = self.booking(ask)?;
        let full = |most: Watts| self.shares_in_time(ask) && most <= self.commitment.watts;
        Some(if self.commitment.most.is_some_and(full) {
            Watts::ZERO
        } else {
            booked
        })
    }

    /// Whether an ask can use more of the boards than its share, while its neighbours do nothing.
    fn shares_in_time(&self, ask: GpuAsk) -> bool {
        self.slots.share(ask) < self.slots.reach(ask)
    }

    /// The most boards that an ask can use here, in millionths: whole numbers, whose sums do not depend on their order.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is not negative, and the cast saturates"
    )]
    pub(super) fn millionths(&self, ask: GpuAsk) -> u64 {
        (self.slots.reach(ask) * MILLION).round() as u64
    }

    /// The same node once some of its pods are gone.
    #[must_use]
    pub fn without(&self, victims: &[&str], around: &Surroundings) -> Self {
        let mut node = self.clone();
        let stays = |load: &&PodLoad| !victims.contains(&load.uid.as_ref());
        let mut left: Vec<PodLoad> = self.loads.iter().filter(stays).cloned().collect();
        let known = self.loads.iter().zip(&self.expected);
        node.expected = known.filter(|(load, _)| stays(load)).map(|(_, known)| *known).collect();
        let gone = self.loads.iter().filter(|load| victims.contains(&load.uid.as_ref()));
        for load in gone {
            node.cpu_free_milli = node.cpu_free_milli.saturating_add_unsigned(load.cpu_milli);
            node.memory_free = node.memory_free.saturating_add_unsigned(load.memory_bytes);
            if node.power.watts.is_some() {
                node.ended = node
                    .ended
                    .saturating_add(load.gpus.map_or(0, |ask| self.millionths(ask)));
            }
        }
        node.slots = self.slots.emptied();
        bear_claims(&mut left);
        left.iter()
            .filter_map(|load| load.gpus)
            .for_each(|ask| node.slots.take(ask));
        node.awake = left.iter().any(|load| load.wakes);
        node.loads = Arc::new(left);
        let profile = node.model.and_then(|model| around.catalogue.profile(model));
        node.commitment = commitment::commit(&node, profile, around);
        node
    }
}
