use super::sharing::VirtualGpu;
use serde::{Deserialize, Serialize};

/// Thousandths of a physical GPU.
pub type GpuMilli = u32;

/// One whole board.
pub const WHOLE_GPU: GpuMilli = 1000;

/// Compute slices of most boards that MIG can cut: A100, H100, H200, B200. Fewer stand in [`super::GpuSharing::slices`].
pub(super) const MIG_SLICES: u8 = 7;
/// Accelerator dies (XCDs) of an MI300X, which its CPX mode hands out one by one.
pub(super) const AMD_DIES: u8 = 8;

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

/// What one unit of a resource stands for. How much of a board that is can depend on the node: see
/// [`super::GpuSharing::share`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuUnit {
    /// Whatever the node's device plugin hands out under the plain name: a board, a replica of one, or a slice.
    #[default]
    Device,
    /// So many compute slices of those that the hardware has: a MIG profile, or one die of an AMD board (CPX).
    Slices(u8),
    /// One of so many equal parts of a board: AMD's SPX, DPX, TPX and QPX.
    Part(u8),
    /// A part of a board that the pod sized itself.
    Virtual(VirtualGpu),
    /// A GiB of a board's memory.
    MemoryGib,
}

/// What one unit of an extended resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GpuResource {
    /// Who made the board.
    pub vendor: GpuVendor,
    /// How much of a board one unit is as long as no node is known: the unshared board, and seven slices of it.
    pub milli_per_unit: GpuMilli,
    /// What a node makes of it.
    #[serde(default)]
    pub unit: GpuUnit,
}

impl GpuResource {
    /// A whole NVIDIA board.
    pub const NVIDIA: Self = Self {
        vendor: GpuVendor::Nvidia,
        milli_per_unit: WHOLE_GPU,
        unit: GpuUnit::Device,
    };

    /// Reads an extended resource name; anything that is not a GPU is `None`.
    ///
    /// Names that say how large a virtual GPU is (`nvidia.com/gpumem`, `gpu.intel.com/millicores`) are none: they only
    /// qualify the resource that counts the GPUs, and a pod that asks for both asks once.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let of = |vendor, unit| Some(Self::new(vendor, unit));
        match name {
            // `.shared` is what the device plugin calls a replica with renameByDefault.
            "nvidia.com/gpu" | "nvidia.com/gpu.shared" => of(GpuVendor::Nvidia, GpuUnit::Device),
            "volcano.sh/vgpu-number" => of(GpuVendor::Nvidia, GpuUnit::Virtual(VirtualGpu::default())),
            "aliyun.com/gpu-mem" => of(GpuVendor::Nvidia, GpuUnit::MemoryGib),
            "amd.com/gpu" => of(GpuVendor::Amd, GpuUnit::Device),
            "gpu.intel.com/i915" | "gpu.intel.com/xe" | "habana.ai/gaudi" => of(GpuVendor::Intel, GpuUnit::Device),
            _ => match name.split_once('/')? {
                ("nvidia.com", rest) => of(GpuVendor::Nvidia, mig_slices(rest.strip_prefix("mig-")?)?),
                ("amd.com", mode) if mode.contains("_nps") => of(GpuVendor::Amd, amd_partition(mode)?),
                _ => None,
            },
        }
    }

    /// A resource of these units.
    #[must_use]
    pub fn new(vendor: GpuVendor, unit: GpuUnit) -> Self {
        let share = super::GpuSharing::default().share_of(vendor, WHOLE_GPU, unit);
        Self {
            vendor,
            milli_per_unit: super::sharing::floor_milli(share),
            unit,
        }
    }

    /// The same GPUs, each cut to what the pod sized.
    #[must_use]
    pub fn cut(self, size: VirtualGpu) -> Self {
        if size == VirtualGpu::default() {
            return self;
        }
        Self::new(self.vendor, GpuUnit::Virtual(size))
    }
}

/// `1g.10gb`, `3g.40gb.me` and `1g.5gb.shared` → compute slices.
#[must_use]
pub fn mig_slices(profile: &str) -> Option<GpuUnit> {
    let slices: u8 = profile.split_once('g')?.0.parse().ok()?;
    (1..=MIG_SLICES).contains(&slices).then_some(GpuUnit::Slices(slices))
}

/// AMD's `cpx_nps4`: the compute mode before the memory mode.
#[must_use]
pub fn amd_partition(mode: &str) -> Option<GpuUnit> {
    match mode.split('_').next()?.to_ascii_lowercase().as_str() {
        "spx" => Some(GpuUnit::Part(1)),
        "dpx" => Some(GpuUnit::Part(2)),
        "tpx" => Some(GpuUnit::Part(3)),
        "qpx" => Some(GpuUnit::Part(4)),
        "cpx" => Some(GpuUnit::Slices(1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_boards() {
        assert_eq!(GpuResource::parse("nvidia.com/gpu"), Some(GpuResource::NVIDIA));
        for (name, vendor, milli) in [
            ("nvidia.com/gpu.shared", GpuVendor::Nvidia, 1000),
            ("nvidia.com/mig-3g.40gb", GpuVendor::Nvidia, 428),
            ("nvidia.com/mig-1g.10gb.me", GpuVendor::Nvidia, 142),
            ("nvidia.com/mig-1g.5gb.shared", GpuVendor::Nvidia, 142),
            ("volcano.sh/vgpu-number", GpuVendor::Nvidia, 1000),
            ("aliyun.com/gpu-mem", GpuVendor::Nvidia, 12),
            ("amd.com/gpu", GpuVendor::Amd, 1000),
            ("amd.com/cpx_nps4", GpuVendor::Amd, 125),
            ("amd.com/dpx_nps2", GpuVendor::Amd, 500),
            ("amd.com/spx_nps1", GpuVendor::Amd, 1000),
            ("gpu.intel.com/xe", GpuVendor::Intel, 1000),
            ("habana.ai/gaudi", GpuVendor::Intel, 1000),
        ] {
            let read = GpuResource::parse(name).map(|r| (r.vendor, r.milli_per_unit));
            assert_eq!(read, Some((vendor, milli)), "{name}");
        }
    }

    #[test]
    fn what_only_sizes_a_gpu_or_is_none_stays_none() {
        for name in [
            "cpu",
            "nvidia.com/mig-9g.1gb",
            "nvidia.com/mig-0g.1gb",
            "nvidia.com/mig-",
            "nvidia.com/gpumem",
            "nvidia.com/gpumem-percentage",
            "nvidia.com/gpucores",
            "nvidia.com/hostdev",
            "volcano.sh/vgpu-memory",
            "aliyun.com/gpu-count",
            "amd.com/gpu_vf",
            "amd.com/xpx_nps1",
            "gpu.intel.com/i915_monitoring",
            "gpu.intel.com/millicores",
            "gpu.intel.com/memory.max",
        ] {
            assert_eq!(GpuResource::parse(name), None, "{name}");
        }
    }
}
