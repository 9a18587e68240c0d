//! How much of a physical board one unit of a resource is on a node.

use super::catalogue::normalised_model_name;
use super::resource::{AMD_DIES, GpuMilli, GpuResource, GpuUnit, GpuVendor, MIG_SLICES, WHOLE_GPU};
use serde::{Deserialize, Serialize};

/// Memory of a board as long as no node is known: that of an A100 or H100.
const NOMINAL_MEMORY_MIB: f64 = 81_920.0;

/// The size that a pod gives each of its virtual GPUs; 0 where it says nothing. Of several the largest share counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct VirtualGpu {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Memory in thousandths of the board's.
    pub memory_milli: u16,
    /// Compute in thousandths of the board's.
    pub compute_milli: u16,
}

/// How a node hands out its boards, as labels, annotations and counts of it say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GpuSharing {
    /// Physical boards, where the node says how many; 0 where they follow from what is allocatable.
    pub boards: u32,
    /// Units that each device is advertised as (time slicing, MPS); 1 without sharing, and no more than 1,000 are believed.
    pub replicas: u32,
    /// What a device is: a board, a slice of one (MIG with the `single` strategy), or a partition.
    pub device: GpuUnit,
    /// Compute slices, or dies, of one board; 0 for the usual number of the vendor.
    pub slices: u8,
    /// Replicas of MIG slices by their compute slices; 0 and 1 are none.
    pub slice_replicas: [u8; 8],
    /// Memory of one board; 0 where nobody says.
    pub memory_mib: u32,
}

impl Default for GpuSharing {
    /// Whole boards.
    fn default() -> Self {
        Self {
            boards: 0,
            replicas: 1,
            device: GpuUnit::Device,
            slices: 0,
            slice_replicas: [0; 8],
            memory_mib: 0,
        }
    }
}

/// Compute slices, or dies, of one board of a model: 4 of an A30 and of an RTX PRO 6000 (NVIDIA's MIG user guide), 6 of an
/// MI300A (AMD's partitioning guide); 0 for the usual number of its vendor.
#[must_use]
pub fn slices_of_model(product: &str) -> u8 {
    let name = normalised_model_name(product);
    let is = |model: &str| {
        name == model
            || name
                .strip_prefix(model)
                .is_some_and(|rest| rest.starts_with(['-', '_']))
    };
    match () {
        () if is("a30") || is("rtx-pro-6000") => 4,
        () if is("mi300a") => 6,
        () => 0,
    }
}

impl GpuSharing {
    /// Share of one board that a unit of the resource is, above 0 and at most 1.
    #[must_use]
    pub fn share(&self, resource: GpuResource) -> f64 {
        self.share_of(resource.vendor, resource.milli_per_unit, resource.unit)
    }

    /// The most of one board that a unit can use by itself: only what the hardware cuts (MIG, partitions) bounds it. Time slicing
    /// and MPS give a board to the one that works while its neighbours do nothing, and so do the limits of virtual GPUs, which are
    /// the runtime's.
    #[must_use]
    pub fn reach(&self, resource: GpuResource) -> f64 {
        let alone = Self {
            replicas: 1,
            slice_replicas: [0; 8],
            ..*self
        };
        match resource.unit {
            GpuUnit::Virtual(_) | GpuUnit::MemoryGib => 1.0,
            _ => alone.share(resource),
        }
    }

    /// The share in thousandths, rounded down so that all units of a board fit on it; at least 1.
    #[must_use]
    pub fn milli(&self, resource: GpuResource) -> GpuMilli {
        floor_milli(self.share(resource))
    }

    pub(super) fn share_of(&self, vendor: GpuVendor, nominal: GpuMilli, unit: GpuUnit) -> f64 {
        match unit {
            GpuUnit::Device => {
                let device = match self.device {
                    GpuUnit::Device => f64::from(nominal) / f64::from(WHOLE_GPU),
                    part => self.part(vendor, part),
                };
                device / f64::from(self.replicas.clamp(1, WHOLE_GPU))
            }
            part => self.part(vendor, part),
        }
    }

    fn part(&self, vendor: GpuVendor, unit: GpuUnit) -> f64 {
        match unit {
            GpuUnit::Device => 1.0,
            GpuUnit::Slices(slices) => {
                let share = f64::from(slices) / f64::from(self.slices(vendor));
                share.min(1.0) / f64::from(self.slice_replicas(slices))
            }
            GpuUnit::Part(of) => 1.0 / f64::from(of.max(1)),
            GpuUnit::Virtual(size) => self.sized(size),
            GpuUnit::MemoryGib => (1024.0 / self.memory()).min(1.0),
        }
    }

    /// A virtual GPU without a size is all of its board.
    fn sized(&self, size: VirtualGpu) -> f64 {
        if size == VirtualGpu::default() {
            return 1.0;
        }
        let memory = f64::from(size.memory_mib) / self.memory();
        let milli = |part: u16| f64::from(part) / f64::from(WHOLE_GPU);
        memory
            .max(milli(size.memory_milli))
            .max(milli(size.compute_milli))
            .min(1.0)
    }

    fn memory(&self) -> f64 {
        if self.memory_mib == 0 {
            NOMINAL_MEMORY_MIB
        } else {
            f64::from(self.memory_mib)
        }
    }

    fn slices(&self, vendor: GpuVendor) -> u8 {
        match (self.slices, vendor) {
            (0, GpuVendor::Amd) => AMD_DIES,
            (0, _) => MIG_SLICES,
            (stated, _) => stated,
        }
    }

    fn slice_replicas(&self, slices: u8) -> u8 {
        let stated = self.slice_replicas.get(usize::from(slices));
        stated.copied().unwrap_or(1).max(1)
    }

    /// Boards that such units are made of: what the node says, else what they need.
    ///
    /// MIG slices need memory as well as compute slices of a board, and of the two the scarcer counts: two `3g` fill the
    /// memory of a board of seven compute slices.
    #[must_use]
    pub fn boards(&self, units: &[(GpuResource, u32)]) -> u32 {
        if self.boards > 0 {
            return self.boards;
        }
        let sum = |share: &dyn Fn(GpuResource) -> f64| -> f64 {
            let shares = units.iter().map(|(gpu, count)| share(*gpu) * f64::from(*count));
            shares.sum()
        };
        let compute = sum(&|gpu| self.share(gpu));
        let memory = sum(&|gpu| self.share(gpu) * self.memory_per_compute(gpu));
        ceil(compute.max(memory))
    }

    /// Memory over compute share of a slice: boards of seven compute slices have eight of memory, and profiles take 1, 2,
    /// 4, 4 and 8 of them (NVIDIA's MIG user guide). Elsewhere both are cut alike.
    fn memory_per_compute(&self, gpu: GpuResource) -> f64 {
        let ((GpuUnit::Slices(slices), _) | (GpuUnit::Device, GpuUnit::Slices(slices))) = (gpu.unit, self.device)
        else {
            return 1.0;
        };
        if self.slices(gpu.vendor) != MIG_SLICES {
            return 1.0;
        }
        let eighths = match slices {
            3 => 4.0,
            7 => 8.0,
            same => f64::from(same),
        };
        (eighths / 8.0) / (f64::from(slices) / f64::from(MIG_SLICES))
    }
}

/// Share to thousandths, rounded down; a unit of nothing would be free.
pub(super) fn floor_milli(share: f64) -> GpuMilli {
    let milli = (share * f64::from(WHOLE_GPU) + 1e-9).floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded to what a resource can be"
    )]
    let milli = milli.clamp(1.0, f64::from(u32::MAX)) as u32;
    milli
}

fn ceil(boards: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let boards = (boards - 1e-6).ceil().clamp(0.0, f64::from(u32::MAX)) as u32;
    boards
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> GpuResource {
        GpuResource::parse(name).unwrap()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn a_replica_is_its_share_of_a_device() {
        let shared = GpuSharing {
            replicas: 48,
            ..GpuSharing::default()
        };
        assert!(close(shared.share(GpuResource::NVIDIA), 1.0 / 48.0));
        assert_eq!(shared.milli(GpuResource::NVIDIA), 20, "48 of them fit on a board");
        let slice = GpuSharing {
            device: GpuUnit::Slices(2),
            replicas: 2,
            ..GpuSharing::default()
        };
        assert!(close(slice.share(GpuResource::NVIDIA), 1.0 / 7.0));
    }

    #[test]
    fn only_what_the_hardware_cuts_bounds_what_one_unit_can_use() {
        let shared = GpuSharing {
            replicas: 4,
            slice_replicas: [3; 8],
            ..GpuSharing::default()
        };
        let size = VirtualGpu {
            memory_mib: 8192,
            memory_milli: 0,
            compute_milli: 300,
        };
        for (resource, most) in [
            (GpuResource::NVIDIA, 1.0),
            (of("nvidia.com/mig-3g.40gb"), 3.0 / 7.0),
            (of("amd.com/cpx_nps4"), 1.0 / 8.0),
            (GpuResource::NVIDIA.cut(size), 1.0),
            (of("aliyun.com/gpu-mem"), 1.0),
        ] {
            assert!(close(shared.reach(resource), most), "{resource:?}");
            assert!(shared.share(resource) <= shared.reach(resource));
        }
        let slice = GpuSharing {
            device: GpuUnit::Slices(2),
            ..shared
        };
        assert!(
            close(slice.reach(GpuResource::NVIDIA), 2.0 / 7.0),
            "a replica of a slice"
        );
    }

    #[test]
    fn slices_are_of_as_many_as_the_board_has() {
        let a30 = GpuSharing {
            slices: 4,
            ..GpuSharing::default()
        };
        assert!(close(a30.share(of("nvidia.com/mig-2g.12gb")), 0.5));
        let mi300a = GpuSharing {
            slices: 6,
            ..GpuSharing::default()
        };
        assert!(close(mi300a.share(of("amd.com/cpx_nps1")), 1.0 / 6.0));
        let mut replicas = GpuSharing::default();
        replicas.slice_replicas[1] = 3;
        assert!(close(replicas.share(of("nvidia.com/mig-1g.5gb")), 1.0 / 21.0));
        assert!(close(replicas.share(of("nvidia.com/mig-3g.20gb")), 3.0 / 7.0));
    }

    #[test]
    fn models_with_fewer_slices_are_known_by_name() {
        for (product, slices) in [
            ("NVIDIA-A30", 4),
            ("NVIDIA-A30-MIG-1g.6gb", 4),
            ("nvidia-rtx-pro-6000", 4),
            ("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", 4),
            ("AMD_Instinct_MI300A", 6),
            ("NVIDIA-A300", 0),
            ("NVIDIA-H100-80GB-HBM3", 0),
        ] {
            assert_eq!(slices_of_model(product), slices, "{product}");
        }
    }

    #[test]
    fn of_what_a_virtual_gpu_asks_the_largest_share_counts() {
        let node = GpuSharing {
            memory_mib: 32_768,
            ..GpuSharing::default()
        };
        let size = |memory_mib, memory_milli, compute_milli| {
            node.share(GpuResource::NVIDIA.cut(VirtualGpu {
                memory_mib,
                memory_milli,
                compute_milli,
            }))
        };
        assert!(close(size(8192, 0, 0), 0.25));
        assert!(close(size(8192, 0, 300), 0.3));
        assert!(close(size(0, 500, 300), 0.5));
        assert!(close(size(99_999, 0, 0), 1.0), "no more than a board");
        assert!(close(size(0, 0, 0), 1.0));
    }

    #[test]
    fn boards_are_what_memory_and_compute_need() {
        let units = |list: &[(&str, u32)]| list.iter().map(|(name, n)| (of(name), *n)).collect::<Vec<_>>();
        let default = GpuSharing::default();
        for (list, boards) in [
            (vec![("nvidia.com/mig-1g.10gb", 56)], 8),
            (vec![("nvidia.com/mig-3g.40gb", 16)], 8),
            (
                vec![
                    ("nvidia.com/mig-3g.40gb", 8),
                    ("nvidia.com/mig-2g.20gb", 8),
                    ("nvidia.com/mig-1g.10gb", 16),
                ],
                8,
            ),
            (vec![("amd.com/cpx_nps4", 64)], 8),
            (vec![], 0),
        ] {
            assert_eq!(default.boards(&units(&list)), boards, "{list:?}");
        }
        let stated = GpuSharing { boards: 2, ..default };
        assert_eq!(stated.boards(&[(GpuResource::NVIDIA, 20)]), 2);
    }
}
