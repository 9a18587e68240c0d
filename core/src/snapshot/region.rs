use super::index::RegionIx;
use crate::grid::{Region, ZoneId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Regions keep their places for ever, and labels of nodes name them. A node in one more than this stands in none.
const MAX_REGIONS: usize = 4096;

/// Where a node stands, as far as a gang must not be split over it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRegion {
    /// What its label calls the region.
    Region(Region),
    /// The grid zone of a node without that label: no better word for the place is known.
    Zone(ZoneId),
}

impl NodeRegion {
    /// The region of a node, if anything tells.
    #[must_use]
    pub fn of(region: Option<&Region>, zone: Option<&ZoneId>) -> Option<Self> {
        region
            .cloned()
            .map(Self::Region)
            .or_else(|| zone.cloned().map(Self::Zone))
    }
}

impl fmt::Display for NodeRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(region) => region.fmt(f),
            Self::Zone(zone) => write!(f, "zone {zone}"),
        }
    }
}

/// Every region seen, each in its place.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Regions(Arc<Vec<NodeRegion>>);

impl From<Vec<NodeRegion>> for Regions {
    fn from(each: Vec<NodeRegion>) -> Self {
        Self(Arc::new(each))
    }
}

impl Regions {
    /// The place of a region that is known.
    pub(super) fn find(&self, region: &NodeRegion) -> Option<RegionIx> {
        let place = self.0.iter().position(|known| known == region)?;
        u16::try_from(place).ok().map(RegionIx)
    }

    /// The place of a region, a new one if need be.
    pub(super) fn place(&mut self, region: NodeRegion) -> Option<RegionIx> {
        self.find(&region).or_else(|| {
            let place = Some(self.0.len()).filter(|place| *place < MAX_REGIONS)?;
            Arc::make_mut(&mut self.0).push(region);
            u16::try_from(place).ok().map(RegionIx)
        })
    }

    pub(super) fn all(&self) -> &[NodeRegion] {
        &self.0
    }
}
