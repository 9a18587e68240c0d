//! Fragmentation: GPUs that are free and that the pods this cluster has cannot use.

use super::question::Question;
use crate::gpu::WHOLE_GPU;
use crate::snapshot::{GpuSlots, NodeState, PodClass};

/// How many more GPUs are stranded once the workload is on the node, in expectation over the cluster's pod classes.
/// Negative when the workload fits into what was stranded.
///
/// After "Beware of Fragmentation" (USENIX ATC'23): a free GPU is stranded for a class that cannot use it, weighed by how
/// frequent the class is.
pub(super) fn added(node: &NodeState, question: &Question<'_>) -> f64 {
    let Question { snapshot, workload, .. } = *question;
    let mut slots = node.slots.clone();
    slots.take(workload.gpus);
    let subtract = |free: i64, asked: u64| free.saturating_sub_unsigned(asked);
    let after = Free {
        slots: &slots,
        cpu: subtract(node.cpu_free_milli, workload.cpu_milli),
        memory: subtract(node.memory_free, workload.memory_bytes),
    };
    let before = Free {
        slots: &node.slots,
        cpu: node.cpu_free_milli,
        memory: node.memory_free,
    };
    after.stranded(&snapshot.classes) - before.stranded(&snapshot.classes)
}

struct Free<'a> {
    slots: &'a GpuSlots,
    cpu: i64,
    memory: i64,
}

impl Free<'_> {
    fn stranded(&self, classes: &[PodClass]) -> f64 {
        let of_class = |class: &PodClass| {
            let starved = i64::try_from(class.cpu_milli).is_ok_and(|cpu| cpu > self.cpu)
                || i64::try_from(class.memory_bytes).is_ok_and(|memory| memory > self.memory);
            let unusable = if starved {
                self.slots.free_milli()
            } else {
                self.slots.unusable_milli(class.gpus)
            };
            class.share * f64::from(unusable) / f64::from(WHOLE_GPU)
        };
        classes.iter().map(of_class).sum()
    }
}
