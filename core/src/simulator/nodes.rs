//! The simulated GPU nodes: three regions alike, four models, and boards that idle a little off their data sheet.

use super::grid::{SimulatedZone, WorldError};
use super::random::Random;
use crate::gpu::{GpuCatalogue, GpuProfile, GpuResource, GpuSharing};
use crate::grid::ZoneId;
use crate::quantity::Watts;
use crate::snapshot::NodeFacts;
use std::sync::Arc;

/// Node label that simulated pods select pools by.
pub const POOL_LABEL: &str = "example.com/pool";

const GIB: u64 = 1024 * 1024 * 1024;

/// PUE of each zone's one data centre, in the order of the zones. Invented; hyperscale sites report 1.1 to 1.2.
const PUES: [f64; 3] = [1.16, 1.10, 1.13];

/// A kind of machine.
struct Machine {
    model: &'static str,
    pool: &'static str,
    /// How many in each region.
    count: usize,
    boards: u32,
    cores: u64,
    memory_gib: u64,
}

/// Counts, cores and memory are those of common cloud machines with these boards.
const MACHINES: [Machine; 4] = [
    Machine {
        model: "NVIDIA-H100-80GB-HBM3",
        pool: "training",
        count: 10,
        boards: 8,
        cores: 192,
        memory_gib: 2048,
    },
    Machine {
        model: "NVIDIA-A100-SXM4-80GB",
        pool: "training",
        count: 10,
        boards: 8,
        cores: 96,
        memory_gib: 1152,
    },
    Machine {
        model: "NVIDIA-L40S",
        pool: "serving",
        count: 6,
        boards: 4,
        cores: 96,
        memory_gib: 384,
    },
    Machine {
        model: "NVIDIA-L4",
        pool: "serving",
        count: 6,
        boards: 4,
        cores: 48,
        memory_gib: 192,
    },
];

/// A node of the simulated cluster, with the truth about it.
#[derive(Debug, Clone)]
pub struct SimulatedNode {
    /// What a watch tells of it.
    pub facts: NodeFacts,
    /// The grid zone that its region lies in.
    pub zone: ZoneId,
    /// Its pool, which is also the value of [`POOL_LABEL`].
    pub pool: &'static str,
    /// Its GPU model.
    pub model: &'static str,
    /// The model's profile.
    pub profile: GpuProfile,
    /// Physical boards.
    pub boards: u32,
    /// What one board truly draws when idle: telemetry shows it, the profile does not.
    pub bare: Watts,
    /// Facility power over computing power.
    pub pue: f64,
    /// UUIDs of the boards.
    pub uuids: Vec<Arc<str>>,
}

/// Makes the nodes of all zones.
pub(super) fn nodes(
    seed: u64,
    zones: &[SimulatedZone],
    catalogue: &GpuCatalogue,
) -> Result<Vec<SimulatedNode>, WorldError> {
    let mut random = Random::of(seed, 100);
    let mut nodes = Vec::new();
    for (zone, pue) in zones.iter().zip(PUES) {
        for machine in &MACHINES {
            let profile = catalogue
                .find(machine.model)
                .and_then(|ix| catalogue.profile(ix))
                .ok_or(WorldError::NoProfile(machine.model))?;
            for number in 0..machine.count {
                nodes.push(node(machine, profile, zone, pue, number, &mut random));
            }
        }
    }
    Ok(nodes)
}

fn node(
    machine: &Machine,
    profile: &GpuProfile,
    zone: &SimulatedZone,
    pue: f64,
    number: usize,
    random: &mut Random,
) -> SimulatedNode {
    // `sim-south-1-h100-07`: the second word of the model is its short name.
    let short = machine.model.split('-').nth(1).unwrap_or(machine.model).to_lowercase();
    let name = format!("{}-{short}-{number:02}", zone.region);
    // Boards of one model idle apart by a fifth and more, with cooling and firmware.
    let bare = profile.bare * random.between(0.85, 1.20);
    SimulatedNode {
        facts: NodeFacts {
            name: Arc::from(name),
            region: Some(zone.region.clone()),
            provider: None,
            zone: None,
            gpu_product: Some(Arc::from(machine.model)),
            gpus: vec![(GpuResource::NVIDIA, machine.boards)],
            gpu_sharing: GpuSharing::default(),
            devices: None,
            cpu_milli: machine.cores * 1000,
            memory_bytes: machine.memory_gib * GIB,
            topology_zone: None,
            domain_labels: Vec::new(),
            pool: Some(Arc::from(machine.pool)),
            schedulable: true,
        },
        zone: zone.id.clone(),
        pool: machine.pool,
        model: machine.model,
        profile: profile.clone(),
        boards: machine.boards,
        bare,
        pue,
        uuids: (0..machine.boards)
            .map(|_| Arc::from(format!("GPU-{}", random.uuid())))
            .collect(),
    }
}
