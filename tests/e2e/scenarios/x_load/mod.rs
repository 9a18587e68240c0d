//! What a Rightsizer is told of its workload by who measures it: a real Prometheus, the real metrics-server, and a real adapter for custom
//! metrics behind the real API server.
//!
//! Owns the stage of the last two. Model servers and the kubelet are fakes at the wire: what containers do is for a scenario to say.

mod custom_metrics;
mod metrics_server;
mod silence;
mod stage;

use heliotrope::load::{Observed, TargetPod};
use heliotrope_core::rightsizing::hpa::{MetricReading, Milli, Pod, PodPhase, ReadyCondition};
use jiff::Timestamp;

/// A pod that runs.
fn pod(name: &str) -> TargetPod {
    TargetPod {
        name: name.to_owned(),
        facts: Pod {
            phase: PodPhase::Running,
            deleting: false,
            ready: Some(ReadyCondition {
                ready: Some(true),
                changed: Timestamp::UNIX_EPOCH,
            }),
            started: Some(Timestamp::UNIX_EPOCH),
            request: None,
            sample: None,
        },
        requests: Vec::new(),
    }
}

/// What was read of each pod by the source of a place.
fn of_pods(observed: &Observed, ix: usize) -> Vec<Option<Milli>> {
    let MetricReading::Pods { pods, .. } = &observed.readings[ix] else {
        return Vec::new();
    };
    pods.iter().map(|pod| pod.sample.map(|sample| sample.value)).collect()
}
