//! Every Kubernetes read.
//!
//! Owns the watches of nodes and pods and the lean types that objects are pruned to. Objects come in as JSON, are cut to
//! [`NodeFacts`] and [`PodFacts`] at once, and leave as [`ClusterEvent`]s; nothing of an object that no decision reads
//! is kept. The extender uses the same pruning for the pod and the nodes of a request. Must never write.

mod amounts;
mod connect;
mod node;
mod pod;
pub mod settings;
mod sharing;
mod virtual_gpu;
mod volume;
mod watch;

pub use connect::{ConnectError, connect};
pub use node::{Labels, LeanNode};
pub use pod::LeanPod;
pub use volume::{LeanClaim, LeanClass};
pub use watch::ClusterWatch;

#[cfg(doc)]
use heliotrope_core::{
    snapshot::{ClusterEvent, NodeFacts},
    workload::PodFacts,
};
