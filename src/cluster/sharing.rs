//! How a node hands out its boards: what device plugins write into labels, annotations and counts.

use super::amounts;
use heliotrope_core::gpu::{GpuResource, GpuSharing, GpuUnit, GpuVendor, amd_partition, mig_slices, slices_of_model};
use serde::Deserialize;
use std::collections::BTreeMap;

/// HAMi's device plugin registers its boards here: since 2.6 as a JSON list, before as `uuid,split,MiB,…:`.
const HAMI: &str = "hami.io/node-nvidia-register";
/// Volcano's vGPU plugin registers them here, as `uuid,split,MiB,…:`.
const VOLCANO: &str = "volcano.sh/node-vgpu-register";
/// A longer register is not read: an annotation may be 256 KiB, and a node has some boards.
const LONGEST_REGISTER: usize = 64 * 1024;

type Texts = BTreeMap<String, String>;

/// What a node says of itself.
pub(super) struct Stated<'n> {
    pub(super) labels: Option<&'n Texts>,
    pub(super) annotations: Option<&'n Texts>,
    pub(super) allocatable: &'n Texts,
    /// The label with the model, whichever it is.
    pub(super) product: Option<&'n str>,
}

impl Stated<'_> {
    /// Reads it. What cannot be read counts as not said.
    pub(super) fn read(&self, gpus: &[(GpuResource, u32)]) -> GpuSharing {
        let mut sharing = GpuSharing {
            slices: self.product.map_or(0, slices_of_model),
            device: self.device(),
            memory_mib: self.number("nvidia.com/gpu.memory").unwrap_or(0),
            ..GpuSharing::default()
        };
        if sharing.device != GpuUnit::Device {
            // Of a slice the label says the slice's memory.
            sharing.memory_mib = 0;
        }
        let register = [HAMI, VOLCANO].into_iter().find_map(|key| {
            let text = self.annotations?.get(key)?;
            register(text)
        });
        if let Some((boards, memory_mib)) = register {
            // `nvidia.com/gpu` counts how many pods may share: no pod's part follows from it.
            return GpuSharing {
                boards,
                memory_mib,
                ..sharing
            };
        }
        if let Some((boards, memory_mib)) = self.aliyun() {
            return GpuSharing {
                boards,
                memory_mib,
                ..sharing
            };
        }
        sharing.replicas = self
            .number("nvidia.com/gpu.replicas")
            .filter(|replicas| *replicas > 1)
            .or_else(|| self.number("cloud.google.com/gke-max-shared-clients-per-gpu"))
            .or_else(|| self.intel_replicas(gpus))
            .unwrap_or(1)
            .max(1);
        for slices in 1..=7_u8 {
            if let Some(slot) = sharing.slice_replicas.get_mut(usize::from(slices)) {
                *slot = self.slice_replicas(slices);
            }
        }
        sharing
    }

    /// What a device under the plain name is. With MIG's `single` strategy GPU feature discovery puts the profile into the
    /// product (`…-MIG-1g.10gb`); the label of the strategy alone stands on nodes without MIG too.
    fn device(&self) -> GpuUnit {
        let slices = |profile: &str| mig_slices(profile);
        let product = self.label("nvidia.com/gpu.product").or(self.product);
        let single = product
            .and_then(|product| product.split_once("-MIG-"))
            .and_then(|(_, p)| slices(p));
        let gke = || self.label("cloud.google.com/gke-gpu-partition-size").and_then(slices);
        // Set by AMD's node labeller when all boards of the node are cut alike.
        let amd = || self.label("amd.com/compute-memory-partition").and_then(amd_partition);
        let device = single.or_else(gke).or_else(amd).unwrap_or_default();
        // With the `mixed` strategy partitions have names of their own, and the plain name is a whole board.
        let named = self.allocatable.iter().any(|(name, amount)| {
            let resource = GpuResource::parse(name).filter(|resource| resource.vendor == GpuVendor::Amd);
            resource.is_some_and(|resource| resource.unit != GpuUnit::Device) && amounts::whole(amount) > Some(0)
        });
        if named { GpuUnit::Device } else { device }
    }

    fn slice_replicas(&self, slices: u8) -> u8 {
        let prefix = format!("nvidia.com/mig-{slices}g.");
        let stated = self.labels.into_iter().flatten().filter_map(|(key, value)| {
            key.strip_prefix(prefix.as_str())?.strip_suffix(".replicas")?;
            value.parse().ok()
        });
        stated.max().unwrap_or(1)
    }

    /// Intel's plugin says nowhere that it shares, but node feature discovery counts the devices.
    fn intel_replicas(&self, gpus: &[(GpuResource, u32)]) -> Option<u32> {
        let boards = self.number("gpu.intel.com/device.count").filter(|boards| *boards > 0)?;
        let units = gpus.iter().filter(|(gpu, _)| gpu.vendor == GpuVendor::Intel);
        let units: u32 = units.map(|(_, units)| *units).fold(0, u32::saturating_add);
        Some(units / boards)
    }

    /// Boards and the memory of one, from what the gpushare plugin counts: boards, and GiB over all of them.
    fn aliyun(&self) -> Option<(u32, u32)> {
        let amount = |name: &str| self.allocatable.get(name).and_then(|text| amounts::whole(text));
        let (boards, gib) = (amount("aliyun.com/gpu-count")?, amount("aliyun.com/gpu-mem")?);
        let mib = gib.checked_mul(1024)?.checked_div(boards)?;
        Some((u32::try_from(boards).ok()?, u32::try_from(mib).ok()?))
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels?.get(key).map(String::as_str)
    }

    fn number(&self, key: &str) -> Option<u32> {
        self.label(key)?.parse().ok()
    }
}

#[derive(Deserialize)]
struct Board {
    devmem: u32,
}

/// Boards of a register, and the memory of one in MiB, as the plugin lets it be handed out.
fn register(text: &str) -> Option<(u32, u32)> {
    if text.len() > LONGEST_REGISTER {
        return None;
    }
    let memories: Vec<u32> = if text.trim_start().starts_with('[') {
        let boards: Vec<Board> = serde_json::from_str(text).ok()?;
        boards.into_iter().map(|board| board.devmem).collect()
    } else {
        let boards = text.split(':').filter(|board| !board.trim().is_empty());
        let memory = |board: &str| board.split(',').nth(2)?.trim().parse().ok();
        boards.map(memory).collect::<Option<Vec<u32>>>()?
    };
    let boards = u32::try_from(memories.len()).ok().filter(|boards| *boards > 0)?;
    Some((boards, memories.into_iter().max()?))
}
