//! What a cluster stands in: the grid, the power meters, and what its pods serve and use.
//!
//! Owns the fakes at the wire (the GB Carbon Intensity API, the exporters of DCGM and of grid-intensity-go, a kubelet's resource metrics), the carbon file,
//! and a real Prometheus that scrapes an exporter. Scenarios change what these say while everything runs. Addresses and paths leave for Heliotrope's
//! settings. Must never tell Heliotrope anything but over the wire or a file.

mod carbon_file;
mod exporter;
mod grid;
mod kubelet;
mod model_fleet;
mod model_server;
mod prometheus;
mod series;
mod serving_pods;

pub(crate) use carbon_file::CarbonFile;
pub(crate) use exporter::{FakeExporter, Pace};
pub(crate) use grid::FakeGrid;
pub(crate) use kubelet::{FakeKubelet, Usage};
pub(crate) use model_fleet::{Demand, FakeModelFleet};
pub(crate) use model_server::{Answered, FakeModelServer};
pub(crate) use prometheus::Prometheus;
pub(crate) use series::FakeIntensityExporter;
pub(crate) use serving_pods::ServingPods;
