//! What is true of a pod on a node, whatever anybody believed when placing it.

use super::nodes::SimulatedNode;
use super::pods::SimulatedPod;
use crate::gpu::GpuProfile;
use crate::quantity::Watts;
use crate::snapshot::HostModel;
use jiff::SignedDuration;

/// A pod's draw on a node above what the awake node draws idle, and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Work {
    /// GPUs and the pod's share of the host, facility overhead left out.
    pub(super) watts: Watts,
    /// The host's part of `watts`.
    pub(super) host: Watts,
    /// Run time on the node's model over run time on the reference model.
    pub(super) ratio: f64,
    /// Run time.
    pub(super) span: SignedDuration,
}

impl Work {
    /// The true boards draw what the profile's form says, from the node's own idle watts upwards. A Job needs the same
    /// energy on every model: that is an assumption of the simulated world, so that nothing is won or lost by the choice
    /// of a model. A service ends at its time.
    pub(super) fn of(pod: &SimulatedPod, node: &SimulatedNode, reference: &GpuProfile, host: &HostModel) -> Self {
        let gpus = f64::from(pod.gpus());
        let host = host.share(pod.facts.cpu_milli, pod.facts.memory_bytes);
        let on = |profile: &GpuProfile| profile.active(pod.utilisation) * gpus + host;
        let own = GpuProfile {
            bare: node.bare,
            ..node.profile.clone()
        };
        let ratio = if pod.is_job() {
            on(reference).get() / on(&node.profile).get()
        } else {
            1.0
        };
        let seconds = pod.runs_for.as_secs_f64() * ratio;
        Self {
            watts: on(&own),
            host,
            ratio,
            span: SignedDuration::try_from_secs_f64(seconds).unwrap_or(pod.runs_for),
        }
    }
}
