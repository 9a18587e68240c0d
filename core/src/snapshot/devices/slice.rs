use super::boards::{Board, Mark, merge};
use crate::gpu::{GpuUnit, GpuVendor};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// One device of a slice, as an edge reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its name, unique in its pool.
    pub name: Arc<str>,
    /// What tells its physical board: UUID of the board, PCI address, counter set; each with a word before it that says
    /// which. A device without any is a board of its own.
    pub marks: Vec<String>,
    /// What the board calls itself.
    pub product: Option<Arc<str>>,
    /// What of a board it is.
    pub unit: GpuUnit,
    /// The one node that it is on.
    pub node: Option<Arc<str>>,
}

/// A ResourceSlice of a GPU driver, pruned to boards and to shares of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceFacts {
    /// Its name.
    pub name: Arc<str>,
    /// Whose GPUs.
    pub vendor: GpuVendor,
    /// The pool that it is a part of, as `driver/pool`.
    pub pool: Arc<str>,
    /// The pool's generation when it was written.
    pub generation: i64,
    /// How many slices the pool has in that generation.
    pub slices: usize,
    pub(super) boards: Vec<Board>,
    /// Devices that are less than a board, by name.
    pub(super) parts: Vec<(Arc<str>, GpuUnit)>,
}

impl SliceFacts {
    /// A slice with nothing in it yet, such as one that has shared counters alone.
    #[must_use]
    pub fn new(name: Arc<str>, vendor: GpuVendor, pool: Arc<str>, (generation, slices): (i64, usize)) -> Self {
        Self {
            name,
            vendor,
            pool,
            generation,
            slices,
            boards: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// With devices. Of those that share a mark one board is made.
    #[must_use]
    pub fn with(mut self, devices: Vec<DeviceFacts>) -> Self {
        let mut found = Vec::with_capacity(devices.len());
        for device in devices {
            let named = format!("device:{}", device.name);
            let marks = if device.marks.is_empty() {
                vec![named]
            } else {
                device.marks
            };
            found.push(Board {
                marks: marks
                    .iter()
                    .map(|mark| self.mark(mark, device.node.as_deref()))
                    .collect(),
                product: device.product,
                node: device.node,
            });
            if device.unit != GpuUnit::Device {
                self.parts.push((device.name, device.unit));
            }
        }
        self.boards = merge(found.iter());
        self.parts.sort();
        self
    }

    /// A UUID means one board anywhere; every other mark only in its own pool and on its own node.
    fn mark(&self, text: &str, node: Option<&str>) -> Mark {
        let mut hasher = DefaultHasher::new();
        if !text.starts_with("uuid:") {
            (&self.pool, node).hash(&mut hasher);
        }
        text.hash(&mut hasher);
        hasher.finish()
    }

    /// What of a board a device is; `None` for a whole one.
    pub(super) fn part(&self, device: &str) -> Option<GpuUnit> {
        let found = self
            .parts
            .binary_search_by(|(name, _)| name.as_ref().cmp(device))
            .ok()?;
        self.parts.get(found).map(|(_, unit)| *unit)
    }
}
