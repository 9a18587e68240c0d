use super::FIRST_INSTANT;
use super::grid::{self, KIND, SimulatedZone, WorldError};
use super::nodes::{self, SimulatedNode};
use super::pods::{self, SimulatedPod};
use crate::gpu::{GpuCatalogue, GpuProfile};
use crate::grid::RegionTable;
use crate::snapshot::{BookingBounds, HostModel, LadderBounds, PowerBounds, Pue, Surroundings, WakeWeights};
use crate::workload::{Mode, Namespaces, WorkloadRules};
use jiff::Timestamp;
use std::sync::Arc;

/// A simulated cluster in three regions, and everything that will happen to it in a day.
#[derive(Debug, Clone)]
pub struct World {
    /// What it was made from.
    pub seed: u64,
    /// When its day begins.
    pub start: Timestamp,
    /// Grids.
    pub zones: Vec<SimulatedZone>,
    /// Nodes, by zone and model.
    pub nodes: Vec<SimulatedNode>,
    /// Pods, in order of arrival.
    pub pods: Vec<SimulatedPod>,
    /// The model that run times of Jobs are stated on.
    pub reference: GpuProfile,
    /// The tables that the real rooms are given.
    pub surroundings: Surroundings,
}

impl World {
    /// Makes a world. The same seed and profiles give the same one.
    ///
    /// # Errors
    /// [`WorldError`] when the profile table lacks a model that simulated nodes have, or the reference model.
    pub fn new(seed: u64, catalogue: Arc<GpuCatalogue>) -> Result<Self, WorldError> {
        const REFERENCE: &str = "NVIDIA-H100-80GB-HBM3";
        let start = FIRST_INSTANT;
        let zones = grid::zones(seed, start)?;
        let nodes = nodes::nodes(seed, &zones, &catalogue)?;
        let reference = catalogue
            .find(REFERENCE)
            .and_then(|ix| catalogue.profile(ix))
            .ok_or(WorldError::NoProfile(REFERENCE))?
            .clone();
        let mut regions = RegionTable::default();
        let mut pue = Pue::default();
        for zone in &zones {
            regions.insert("simulated", zone.region.clone(), zone.id.clone());
        }
        for node in &nodes {
            if let Some(region) = &node.facts.region {
                pue.regions.insert(region.clone(), node.pue);
            }
        }
        Ok(Self {
            seed,
            start,
            pods: pods::pods(seed, start),
            zones,
            nodes,
            reference,
            surroundings: Surroundings {
                kind: KIND,
                regions,
                catalogue,
                ladder: LadderBounds::default(),
                power: PowerBounds::default(),
                bookings: BookingBounds::default(),
                domains: Vec::new(),
                pue,
                wake: WakeWeights::default(),
                host: HostModel::default(),
            },
        })
    }

    /// The rules that simulated pods stand under: `prefer`, everything else as shipped.
    #[must_use]
    pub fn rules() -> Namespaces {
        Namespaces {
            default: WorkloadRules {
                mode: Mode::Prefer,
                ..WorkloadRules::default()
            },
            ..Namespaces::default()
        }
    }

    pub(super) fn zone(&self, node: &SimulatedNode) -> Option<&SimulatedZone> {
        self.zones.iter().find(|zone| zone.id == node.zone)
    }
}
