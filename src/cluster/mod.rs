//! Every Kubernetes read.
//!
//! Owns the watches of nodes, pods, what pods are given by claim and pods that are exporters, the one look of
//! `heliotrope check`, single objects for commands, what a rightsizer reads of its target ([`Scaling`]), the questions who a caller is and
//! what it may read ([`Reviews`]), and the lean types that objects are
//! pruned to. Objects come in as JSON, are cut to
//! [`NodeFacts`] and [`PodFacts`] at once, and leave as [`ClusterEvent`]s; nothing of an object that no decision reads is
//! kept. The extender uses the same pruning for the pod and the nodes of a request. Must never write.

mod amounts;
mod claims;
mod connect;
mod devices;
mod exporters;
mod group;
mod node;
mod object;
mod pace;
mod pod;
mod reviews;
mod scaling;
pub mod settings;
mod sharing;
mod survey;
mod virtual_gpu;
mod volume;
mod watch;

pub use connect::{ConnectError, connect};
pub use devices::{DeviceKind, GpuClasses, LeanClaim, LeanClass, LeanSlice, LeanTemplate};
pub use exporters::ExporterWatch;
pub use node::{Labels, LeanNode};
pub use object::{Kind, ObjectError, minor_version, object};
pub use pace::Pace;
pub use pod::LeanPod;
pub use reviews::{AUDIENCE, ReviewError, Reviews, Verdict};
pub use scaling::{Autoscaler, AutoscalerKind, FieldOwner, Operation, ScaledPod, Scaling, ScalingError, Target};
pub use survey::{SchedulerText, Seen, Survey, SurveyedNode, SurveyedPod};
pub use volume::{LeanStorageClass, LeanVolumeClaim};
pub use watch::ClusterWatch;

#[cfg(doc)]
use heliotrope_core::{
    snapshot::{ClusterEvent, NodeFacts},
    workload::PodFacts,
};
