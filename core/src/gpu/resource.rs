use serde::{Deserialize, Serialize};

/// Thousandths of a physical GPU.
pub type GpuMilli = u32;

/// One whole board.
pub const WHOLE_GPU: GpuMilli = 1000;

/// Who made the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GpuVendor {
    /// NVIDIA.
    Nvidia,
    /// AMD.
    Amd,
    /// Intel.
    Intel,
}

/// What one unit of an extended resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GpuResource {
    /// Who made the board.
    pub vendor: GpuVendor,
    /// How much of a board one unit is. A MIG slice of `g` compute slices is `g/7`.
    pub milli_per_unit: GpuMilli,
}

impl GpuResource {
    /// A whole NVIDIA board.
    pub const NVIDIA: Self = Self {
        vendor: GpuVendor::Nvidia,
        milli_per_unit: WHOLE_GPU,
    };

    /// Reads an extended resource name; anything that is not a GPU is `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        /// Compute slices of a MIG-capable board.
        const MIG_SLICES: u32 = 7;
        let whole = |vendor| {
            Some(Self {
                vendor,
                milli_per_unit: WHOLE_GPU,
            })
        };
        match name {
            // `.shared` is what the device plugin calls a time-sliced board with renameByDefault.
            "nvidia.com/gpu" | "nvidia.com/gpu.shared" => whole(GpuVendor::Nvidia),
            "amd.com/gpu" => whole(GpuVendor::Amd),
            "gpu.intel.com/i915" | "gpu.intel.com/xe" => whole(GpuVendor::Intel),
            _ => {
                let profile = name.strip_prefix("nvidia.com/mig-")?;
                let slices: u32 = profile.split_once('g')?.0.parse().ok()?;
                if slices == 0 || slices > MIG_SLICES {
                    return None;
                }
                Some(Self {
                    vendor: GpuVendor::Nvidia,
                    milli_per_unit: WHOLE_GPU * slices / MIG_SLICES,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_boards() {
        assert_eq!(GpuResource::parse("nvidia.com/gpu"), Some(GpuResource::NVIDIA));
        assert_eq!(
            GpuResource::parse("nvidia.com/mig-3g.40gb").map(|r| r.milli_per_unit),
            Some(428)
        );
        assert_eq!(
            GpuResource::parse("amd.com/gpu").map(|r| r.vendor),
            Some(GpuVendor::Amd)
        );
        for name in ["cpu", "nvidia.com/mig-9g.1gb", "nvidia.com/mig-", "nvidia.com/gpumem"] {
            assert_eq!(GpuResource::parse(name), None, "{name}");
        }
    }
}
