//! One immutable picture of carbon, power and cluster at an instant.
//!
//! Owns the readings that edges deliver ([`CarbonReport`], [`PowerReport`], [`ClusterEvent`]), the [`SnapshotBuilder`]
//! that they accumulate in, the freshness ladder, and [`Snapshot`]: what a request loads once and uses alone.
//!
//! ```text
//! CarbonReport ─► ladder (rungs)  ─┐
//! PowerReport  ─► power  (floors) ─┼─► SnapshotBuilder::build(now) ─► Snapshot
//! ClusterEvent ─► cluster (loads) ─┤
//! VolumeEvent  ─► volumes         ─┘
//!                  commitment (watts that telemetry cannot show yet), domains (their sums),
//!                  expected (what owners' pods were seen to draw, where that counts)
//! ```
//!
//! Must never read a clock (`now` comes with every call) and must never turn missing data into a number.

mod builder;
mod carbon;
mod classes;
mod cluster;
mod coefficient;
mod commitment;
mod devices;
mod domain;
mod domains;
mod expected;
mod groups;
mod history;
mod host;
mod index;
mod ladder;
mod learned;
mod node;
mod picture;
mod power;
mod power_view;
mod readings;
mod record;
mod region;
mod slots;
mod surroundings;
#[cfg(test)]
mod tests;
mod volumes;

pub use builder::SnapshotBuilder;
pub use carbon::{CarbonView, KindMismatch, LadderBounds, ZoneState};
pub use classes::{Pending, PodClass};
pub use cluster::PodLoad;
pub use coefficient::{Coefficient, CoefficientSource, Figures};
pub use commitment::{BookingBounds, BookingFigure, Commitment};
pub use devices::{Change, Claimed, ClaimedDevices, DeviceEvent, DeviceFacts, DeviceIndex, NodeDevices, SliceFacts};
pub use domain::{DomainCap, DomainIx, DomainKey, DomainRule, DomainState, PriorityShare};
pub use groups::{GroupMember, GroupMembers};
pub use index::{NodeIx, RegionIx, ZoneIx};
pub use learned::{Learned, LearnedRecord, P95, Run};
pub use node::NodeState;
pub use picture::{Snapshot, SnapshotParts};
pub use power_view::{NodePowerView, PowerBounds, PowerRung};
pub use readings::{
    BoardPower, CarbonReport, ClusterEvent, Forecast, HostReading, HostScope, LatestIntensity, NodeFacts, NodePower,
    PodName, PowerReport,
};
pub use record::SnapshotRecord;
pub use region::NodeRegion;
pub use slots::GpuSlots;
pub use surroundings::{HostModel, Pue, Surroundings, WakeWeights};
pub use volumes::{StorageClass, VolumeClaim, VolumeEvent, Volumes};
