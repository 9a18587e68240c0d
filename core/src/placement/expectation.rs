use super::cost::slowness;
use super::policy::Policy;
use crate::snapshot::{GpuSlots, Snapshot};
use crate::workload::{OwnerKey, PodFacts, Workload, WorkloadRules};

/// Settles for how long a pod's place matters, from what the snapshot knows of its volumes and of its owner's runs.
///
/// A claim that waits for its first consumer makes its volume where the pod is put, and whatever mounts it afterwards
/// follows: the volume's horizon counts, whatever the pod says of itself. Else the pod's annotation counts, else, for what
/// ends, the median of the owner's last runs, else the administrator's default.
pub fn expect(workload: &mut Workload, pod: &PodFacts, rules: &WorkloadRules, snapshot: &Snapshot, policy: &Policy) {
    let mut duration = workload.duration;
    if snapshot.volumes.are_made_for(pod) {
        duration.of_volume(rules);
    } else if let Some(owner) = OwnerKey::of(pod) {
        let gpus = GpuSlots::default().share(workload.gpus);
        let reference = snapshot.surroundings.catalogue.find(&policy.reference_model);
        let slowness = |model: &str| {
            let model = snapshot.surroundings.catalogue.find(model)?;
            slowness(snapshot, workload, policy, (reference, model), gpus)
        };
        duration.of_runs(rules, || snapshot.learned.run_time(&owner, slowness));
    }
    workload.duration = duration;
}
