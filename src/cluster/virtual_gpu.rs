//! Resources that only say how large a virtual GPU is.

use super::amounts;
use heliotrope_core::gpu::VirtualGpu;

/// What the sizes of a container are about.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    /// Each of its GPUs.
    EachGpu,
    /// All of them together.
    Together,
}

/// The resources beside one that counts GPUs. Units: memory in so many bytes a unit (0: bytes), the rest as it says.
struct Family {
    counts: &'static [&'static str],
    memory: &'static str,
    bytes_per_unit: f64,
    memory_percent: Option<&'static str>,
    compute: &'static str,
    compute_full: f64,
    scope: Scope,
}

const MIB: f64 = 1_048_576.0;

/// HAMi and Volcano's vGPU speak of each GPU, in MiB and per cent; Intel's fractional resources of the container, in bytes
/// and thousandths.
const FAMILIES: [Family; 3] = [
    Family {
        counts: &["nvidia.com/gpu"],
        memory: "nvidia.com/gpumem",
        bytes_per_unit: MIB,
        memory_percent: Some("nvidia.com/gpumem-percentage"),
        compute: "nvidia.com/gpucores",
        compute_full: 100.0,
        scope: Scope::EachGpu,
    },
    Family {
        counts: &["volcano.sh/vgpu-number"],
        memory: "volcano.sh/vgpu-memory",
        bytes_per_unit: MIB,
        memory_percent: Some("volcano.sh/vgpu-memory-percentage"),
        compute: "volcano.sh/vgpu-cores",
        compute_full: 100.0,
        scope: Scope::EachGpu,
    },
    Family {
        counts: &["gpu.intel.com/i915", "gpu.intel.com/xe"],
        memory: "gpu.intel.com/memory.max",
        bytes_per_unit: 1.0,
        memory_percent: None,
        compute: "gpu.intel.com/millicores",
        compute_full: 1000.0,
        scope: Scope::Together,
    },
];

/// Means over GPUs, weighed by how many a container asks for.
#[derive(Default)]
struct Sum {
    gpus: f64,
    memory_mib: f64,
    memory_share: f64,
    compute_share: f64,
}

/// The mean size of the GPUs that containers ask for under a name; nothing where they say nothing. A container that does
/// not size its GPUs takes whole ones.
pub(super) fn size<'a, F>(resource: &str, containers: impl Iterator<Item = F>) -> VirtualGpu
where
    F: Fn(&str) -> Option<&'a str>,
{
    let Some(family) = FAMILIES.iter().find(|family| family.counts.contains(&resource)) else {
        return VirtualGpu::default();
    };
    let mut sum = Sum::default();
    let mut sized = false;
    for amount in containers {
        let number = |name: &str| {
            amount(name)
                .and_then(amounts::whole)
                .filter(|n| *n > 0)
                .map(|n| n as f64)
        };
        let Some(gpus) = number(resource) else { continue };
        let each = |value: f64| {
            if family.scope == Scope::Together {
                value / gpus
            } else {
                value
            }
        };
        let memory = number(family.memory).map(|units| each(units) * family.bytes_per_unit / MIB);
        let share = family.memory_percent.and_then(number).map(|percent| percent / 100.0);
        let compute = number(family.compute).map(|units| each(units) / family.compute_full);
        let is_sized = memory.is_some() || share.is_some() || compute.is_some();
        sized |= is_sized;
        sum.gpus += gpus;
        sum.memory_mib += memory.unwrap_or(0.0) * gpus;
        sum.memory_share += share.unwrap_or(if is_sized { 0.0 } else { 1.0 }).min(1.0) * gpus;
        sum.compute_share += compute.unwrap_or(0.0).min(1.0) * gpus;
    }
    if !sized {
        return VirtualGpu::default();
    }
    VirtualGpu {
        memory_mib: whole(sum.memory_mib / sum.gpus, f64::from(u32::MAX)),
        memory_milli: milli(sum.memory_share / sum.gpus),
        compute_milli: milli(sum.compute_share / sum.gpus),
    }
}

fn milli(share: f64) -> u16 {
    u16::try_from(whole(share * 1000.0, 1000.0)).unwrap_or(1000)
}

fn whole(value: f64, most: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what fits"
    )]
    let whole = value.round().clamp(0.0, most) as u32;
    whole
}
