use super::carbon::LadderBounds;
use super::commitment::BookingBounds;
use super::domain::DomainRule;
use super::power_view::PowerBounds;
use super::readings::NodeFacts;
use crate::gpu::GpuCatalogue;
use crate::grid::{IntensityKind, Region, RegionTable, ZoneId};
use crate::quantity::{Ratio, Watts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything a snapshot is built with that no reading tells: tables and the operator's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The one kind of intensity that is ranked.
    pub kind: IntensityKind,
    /// Region → zone.
    pub regions: RegionTable,
    /// GPU models.
    pub catalogue: Arc<GpuCatalogue>,
    /// How carbon readings age.
    pub ladder: LadderBounds,
    /// How power readings age.
    pub power: PowerBounds,
    /// How long promised watts stand.
    pub bookings: BookingBounds,
    /// Kinds of power domains.
    pub domains: Vec<DomainRule>,
    /// Power usage effectiveness.
    pub pue: Pue,
    /// What waking a node counts.
    pub wake: WakeWeights,
    /// What the host around the GPUs draws.
    pub host: HostModel,
}

impl Surroundings {
    /// The grid zone of a node: the operator's label, else the table's row for its region.
    #[must_use]
    pub fn zone_of(&self, facts: &NodeFacts) -> Option<ZoneId> {
        let listed = facts
            .region
            .as_ref()
            .and_then(|region| self.regions.zone(facts.provider.as_deref(), region));
        facts.zone.as_ref().or(listed).cloned()
    }
}

/// Power usage effectiveness: facility power over computing power, at least 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pue {
    /// Where nothing more is known.
    pub default: f64,
    /// By region.
    pub regions: BTreeMap<Region, f64>,
    /// By node name.
    pub nodes: BTreeMap<String, f64>,
}

impl Default for Pue {
    /// 1: the facility's overhead is left out rather than guessed.
    fn default() -> Self {
        Self {
            default: 1.0,
            regions: BTreeMap::new(),
            nodes: BTreeMap::new(),
        }
    }
}

impl Pue {
    /// The PUE of a node.
    #[must_use]
    pub fn of(&self, node: &str, region: Option<&Region>) -> f64 {
        let named = self.nodes.get(node).or_else(|| self.regions.get(region?));
        named.copied().unwrap_or(self.default)
    }
}

/// Weight of the wake watts by node pool: 0 where empty nodes stay on anyway, 1 where an autoscaler removes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WakeWeights {
    /// Pools not named.
    pub default: Ratio,
    /// Pools named.
    pub pools: BTreeMap<String, Ratio>,
}

impl Default for WakeWeights {
    fn default() -> Self {
        Self {
            default: Ratio::ONE,
            pools: BTreeMap::new(),
        }
    }
}

impl WakeWeights {
    /// The weight of a pool.
    #[must_use]
    pub fn of(&self, pool: Option<&str>) -> Ratio {
        pool.and_then(|pool| self.pools.get(pool))
            .copied()
            .unwrap_or(self.default)
    }
}

/// What the host around the GPUs draws. The defaults are Cloud Carbon Footprint's coefficients (2024): 0.74 W a vCPU
/// idle, 3.5 W at full use, 0.392 W a GB of memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HostModel {
    /// Idle, for each vCPU of the node.
    pub idle_per_vcpu: Watts,
    /// At full use, for each vCPU.
    pub max_per_vcpu: Watts,
    /// For each GiB of memory asked for.
    pub per_gib: Watts,
}

impl Default for HostModel {
    fn default() -> Self {
        Self {
            idle_per_vcpu: Watts::saturating(0.74),
            max_per_vcpu: Watts::saturating(3.5),
            per_gib: Watts::saturating(0.392),
        }
    }
}

impl HostModel {
    /// What an idle host draws, GPUs aside.
    #[must_use]
    pub fn idle(&self, cpu_milli: u64) -> Watts {
        self.idle_per_vcpu * (cpu_milli as f64 / 1000.0)
    }

    /// What a pod adds on the host: the CPU it asks for between idle and full use, and its memory.
    #[must_use]
    pub fn share(&self, cpu_milli: u64, memory_bytes: u64) -> Watts {
        const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
        let cpu = (self.max_per_vcpu - self.idle_per_vcpu) * (cpu_milli as f64 / 1000.0);
        cpu + self.per_gib * (memory_bytes as f64 / GIB)
    }
}
