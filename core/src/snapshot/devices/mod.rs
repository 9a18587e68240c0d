//! Devices of dynamic resource allocation: how many boards a node has, and what pods ask for by claim.
//!
//! Owns what the watches of `resource.k8s.io` tell ([`DeviceEvent`]), the pools with their generations, the grouping of
//! devices into physical boards, and the index that resolves a pod's claims ([`DeviceIndex`]). Slices come in pruned to
//! boards ([`SliceFacts`]), claims to what they ask and were given; what leaves is [`NodeDevices`] for a node's facts and
//! an ask for a pod. Must never count a board twice, however many devices, slices or claims speak of it.

mod boards;
mod events;
mod index;
mod pool;
mod resolve;
mod slice;
mod state;

pub use events::{Change, DeviceEvent};
pub use index::DeviceIndex;
pub use resolve::{Claimed, ClaimedDevices};
pub use slice::{DeviceFacts, SliceFacts};

pub(super) use state::DeviceState;

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What resource slices tell of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDevices {
    /// Physical boards.
    pub boards: u32,
    /// What most of them call themselves.
    pub product: Option<Arc<str>>,
}
