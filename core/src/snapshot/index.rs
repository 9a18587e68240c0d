use serde::{Deserialize, Serialize};

/// A node's place in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeIx(pub u32);

/// A zone's place in a snapshot. The same zone keeps its place from one snapshot to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ZoneIx(pub u16);

/// A region's place in a snapshot. The same region keeps its place from one snapshot to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RegionIx(pub u16);
