//! Which kinds of pods the cluster has: for wake sharing and for fragmentation.

use crate::gpu::{GpuMilli, GpuVendor};
use crate::workload::{GpuAsk, PodFacts};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Classes kept. The rest of the popularity is below a percent each on public traces.
const MAX_CLASSES: usize = 64;

/// Pods that ask for the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodClass {
    /// GPUs.
    pub gpus: GpuAsk,
    /// CPU in thousandths of a core.
    pub cpu_milli: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Share of all GPU pods of the cluster.
    pub share: f64,
}

/// GPUs that pods are waiting for, by vendor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    nvidia: GpuMilli,
    amd: GpuMilli,
    intel: GpuMilli,
}

impl Pending {
    /// Thousandths of boards waited for.
    #[must_use]
    pub fn of(&self, vendor: GpuVendor) -> GpuMilli {
        match vendor {
            GpuVendor::Nvidia => self.nvidia,
            GpuVendor::Amd => self.amd,
            GpuVendor::Intel => self.intel,
        }
    }

    fn add(&mut self, ask: GpuAsk) {
        let held = match ask.resource.vendor {
            GpuVendor::Nvidia => &mut self.nvidia,
            GpuVendor::Amd => &mut self.amd,
            GpuVendor::Intel => &mut self.intel,
        };
        *held = held.saturating_add(ask.milli());
    }
}

/// Counts the classes of pending and running pods, most frequent first, and what pending pods wait for.
pub(super) fn count<'a>(pods: impl Iterator<Item = (&'a PodFacts, Option<GpuAsk>)>) -> (Vec<PodClass>, Pending) {
    let mut counts: HashMap<(GpuAsk, u64, u64), u32> = HashMap::new();
    let mut pending = Pending::default();
    let mut all = 0_u32;
    for (pod, waits) in pods {
        let Some(gpus) = pod.gpus else { continue };
        if pod.gated {
            continue;
        }
        *counts.entry((gpus, pod.cpu_milli, pod.memory_bytes)).or_default() += 1;
        all += 1;
        if let Some(waits) = waits {
            pending.add(waits);
        }
    }
    let mut counted: Vec<_> = counts.into_iter().collect();
    // By frequency, then by the ask itself: the order must not depend on a hash.
    counted.sort_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
    counted.truncate(MAX_CLASSES);
    let class = |((gpus, cpu_milli, memory_bytes), count): ((GpuAsk, u64, u64), u32)| PodClass {
        gpus,
        cpu_milli,
        memory_bytes,
        share: f64::from(count) / f64::from(all.max(1)),
    };
    (counted.into_iter().map(class).collect(), pending)
}
