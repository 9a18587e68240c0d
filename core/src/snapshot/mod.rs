//! One immutable picture of carbon, power and cluster at an instant.
//!
//! Owns the readings that edges deliver ([`CarbonReport`], [`PowerReport`], [`ClusterEvent`]), the state that they
//! accumulate in, the freshness ladder, and [`Snapshot`]: what a request loads once and uses alone. Readings come in
//! through `apply`, a snapshot leaves through `build`. Must never read a clock: `now` comes with every call.

mod readings;

pub use readings::{
    BoardPower, CarbonReport, ClusterEvent, Forecast, LatestIntensity, NodeFacts, NodePower, PowerReport,
};
