//! What edges deliver. Plain data: edges parse the wire into these, and nothing else crosses into the snapshot.

use super::devices::{DeviceEvent, NodeDevices};
use super::volumes::VolumeEvent;
use crate::gpu::{GpuResource, GpuSharing};
use crate::grid::{IntensityKind, IntensityPoint, Region, ZoneId};
use crate::quantity::{GramsPerKwh, Ratio, Reading, Source, Watts};
use crate::workload::PodFacts;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One answer of one provider about one zone. An absent part says nothing: it does not erase what an earlier report
/// said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarbonReport {
    /// The zone asked for and answered.
    pub zone: ZoneId,
    /// Signal and basis of every figure in the report.
    pub kind: IntensityKind,
    /// Who said so.
    pub source: Source,
    /// Place of the provider in the zone's chain; 0 is asked first and wins.
    pub priority: u8,
    /// The value for the running period.
    pub latest: Option<LatestIntensity>,
    /// What is predicted.
    pub forecast: Option<Forecast>,
    /// Past periods, for the climatology; in any order.
    pub history: Vec<IntensityPoint>,
    /// A yearly average or another figure that does not age.
    pub fixed: Option<GramsPerKwh>,
}

/// A value for a period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatestIntensity {
    /// The value.
    pub value: GramsPerKwh,
    /// Start of the period.
    pub from: Timestamp,
    /// End of the period: until then the value is live.
    pub until: Timestamp,
    /// Whether the provider estimated it. Annotates, never disqualifies: some zones are estimated all year.
    pub estimated: bool,
}

/// A predicted series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// When it was made or, where the provider does not say, fetched.
    pub issued_at: Timestamp,
    /// Starts of periods and their values.
    pub points: Vec<IntensityPoint>,
    /// End of the last period.
    pub until: Timestamp,
}

/// One answer of one power source. A node that is absent was not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerReport {
    /// Who said so.
    pub source: Source,
    /// The nodes measured.
    pub nodes: Vec<NodePower>,
}

/// The boards of one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodePower {
    /// Kubernetes node name.
    pub node: Arc<str>,
    /// Physical boards, each once, whatever the number of MIG instances or pods that share it; empty where only the host
    /// was measured.
    pub boards: Vec<BoardPower>,
    /// What the host draws; `None` says nothing, and what was said before ages.
    pub host: Option<HostReading>,
}

/// How much of a host a meter sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostScope {
    /// The whole machine at its supply, GPUs included.
    Machine,
    /// The processor packages: no GPUs, no memory, no fans.
    Packages,
}

impl HostScope {
    /// The name used in settings and explanations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Packages => "packages",
        }
    }
}

/// What a host draws, as measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostReading {
    /// What is in it.
    pub scope: HostScope,
    /// The watts, and who measured them when.
    pub reading: Reading<Watts>,
}

/// One physical board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardPower {
    /// The board's UUID.
    pub uuid: Arc<str>,
    /// What it draws.
    pub watts: Watts,
    /// When that was sampled (not when it was asked).
    pub observed_at: Timestamp,
    /// The model that the exporter names.
    pub model: Option<Arc<str>>,
    /// Share of the time that it was busy, where the exporter says.
    #[serde(default)]
    pub utilisation: Option<Ratio>,
    /// The pods that the exporter names on it, each once: several where they share it, none where it names none.
    #[serde(default)]
    pub pods: Vec<PodName>,
}

/// A pod by its names. An exporter knows no UIDs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodName {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

/// A node, pruned to what decisions need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Name.
    pub name: Arc<str>,
    /// Region label.
    pub region: Option<Region>,
    /// Topology zone label: what fails together within a region.
    pub topology_zone: Option<Arc<str>>,
    /// Cloud provider: the scheme of `spec.providerID`.
    pub provider: Option<Arc<str>>,
    /// Grid zone stated by a label of the operator, which overrides the region table.
    pub zone: Option<ZoneId>,
    /// GPU model label.
    pub gpu_product: Option<Arc<str>>,
    /// Allocatable GPUs: resource and units.
    pub gpus: Vec<(GpuResource, u32)>,
    /// What one of these units is of a board.
    pub gpu_sharing: GpuSharing,
    /// What resource slices tell of its boards; filled in by the snapshot and not by the node's watch.
    pub devices: Option<NodeDevices>,
    /// Allocatable CPU in thousandths of a core.
    pub cpu_milli: u64,
    /// Allocatable memory in bytes.
    pub memory_bytes: u64,
    /// Labels that power domains are made of, and their values; no others.
    pub domain_labels: Vec<(Arc<str>, Arc<str>)>,
    /// Node pool, for the wake weight.
    pub pool: Option<Arc<str>>,
    /// Whether the scheduler may use it.
    pub schedulable: bool,
}

/// One change of the cluster, as a watch tells it.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nodes change seldom, and pods, which do not, are boxed"
)]
pub enum ClusterEvent {
    /// A node appeared or changed.
    Node(NodeFacts),
    /// A node is gone.
    NodeGone(Arc<str>),
    /// A pod appeared or changed.
    Pod(Box<PodFacts>),
    /// A pod is gone.
    PodGone {
        /// Its UID.
        uid: Arc<str>,
    },
    /// A watch starts anew: everything not seen until [`ClusterEvent::NodesListed`] is gone.
    NodesRelisting,
    /// All nodes were listed.
    NodesListed,
    /// A watch starts anew: everything not seen until [`ClusterEvent::PodsListed`] is gone.
    PodsRelisting,
    /// All pods were listed.
    PodsListed,
    /// Something of volumes changed.
    Volume(VolumeEvent),
    /// Something of dynamic resource allocation changed.
    Devices(Box<DeviceEvent>),
}
