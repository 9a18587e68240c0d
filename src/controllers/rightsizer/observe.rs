use super::round::Rightsizers;
use crate::cluster::{ScaledPod, Target};
use crate::crds::Wanted;
use crate::load::{self, TargetPod};
use heliotrope_core::rightsizing::hpa::{Observation, Pod};
use jiff::Timestamp;

/// What a plan is made from, as far as `load` reads it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) observation: Observation,
    pub(super) observed: load::Observed,
}

impl Rightsizers {
    /// Reads the metrics of a target.
    pub(super) async fn observe(
        &self,
        (namespace, target, pods): (&str, &Target, &[ScaledPod]),
        wanted: &Wanted,
        now: Timestamp,
    ) -> Read {
        let (response, queue_age) = (wanted.response.as_ref(), wanted.queue_age.as_ref());
        let of_load: Vec<TargetPod> = pods.iter().map(pod).collect();
        let asked = load::Target {
            namespace,
            selector: &target.selector,
            pods: &of_load,
        };
        let observed = self.reader.read(&asked, &wanted.sources, response, queue_age, now);
        let observed = observed.await;
        let facts: Vec<Pod> = pods.iter().map(|pod| pod.facts.clone()).collect();
        Read {
            observation: Observation {
                spec_replicas: target.replicas,
                status_replicas: target.status_replicas,
                pods: facts,
                readings: observed.readings.clone(),
            },
            observed,
        }
    }
}

fn pod(pod: &ScaledPod) -> TargetPod {
    TargetPod {
        name: pod.name.clone(),
        facts: pod.facts.clone(),
        requests: pod.requests.clone(),
    }
}
