use super::round::Rightsizers;
use crate::cluster::{ScaledPod, Target};
use crate::crds::Wanted;
use crate::load::{self, ContainerRequests, ObjectRef, PromQuery, QueryError, Shape, TargetPod};
use heliotrope_core::rightsizing::hpa::{Observation, Pod};
use heliotrope_core::rightsizing::{PromSource, Source};
use jiff::Timestamp;

/// What a plan is made from, as far as `load` reads it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) observation: Observation,
    pub(super) observed: load::Observed,
}

impl Rightsizers {
    /// Reads the metrics of a target.
    ///
    /// # Errors
    /// When something cannot be asked as it is written.
    pub(super) async fn observe(
        &self,
        (namespace, target, pods): (&str, &Target, &[ScaledPod]),
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Read, QueryError> {
        let sources = wanted.sources.iter().map(source).collect::<Result<Vec<_>, _>>()?;
        let response = wanted.response.as_ref().map(query).transpose()?;
        let queue_age = wanted.queue_age.as_ref().map(query).transpose()?;
        let of_load: Vec<TargetPod> = pods.iter().map(pod).collect();
        let asked = load::Target {
            namespace,
            selector: &target.selector,
            pods: &of_load,
        };
        let observed = self
            .reader
            .read(&asked, &sources, response.as_ref(), queue_age.as_ref(), now);
        let observed = observed.await;
        let facts: Vec<Pod> = pods.iter().map(|pod| pod.facts.clone()).collect();
        Ok(Read {
            observation: Observation {
                spec_replicas: target.replicas,
                status_replicas: target.status_replicas,
                pods: facts,
                readings: observed.readings.clone(),
            },
            observed,
        })
    }
}

fn pod(pod: &ScaledPod) -> TargetPod {
    let of_container = |of: &crate::cluster::RequestedBy| ContainerRequests {
        container: of.container.clone(),
        requests: of.requests.clone(),
    };
    TargetPod {
        name: pod.name.clone(),
        facts: pod.facts.clone(),
        requests: pod.requests.iter().map(of_container).collect(),
    }
}

fn query(source: &PromSource) -> Result<PromQuery, QueryError> {
    match source {
        PromSource::Query(text) => PromQuery::text(text),
        PromSource::Preset {
            server,
            measure,
            quantile,
            labels,
        } => PromQuery::preset((*server, *measure), *quantile, labels.clone(), None),
    }
}

fn source(source: &Source) -> Result<load::Source, QueryError> {
    Ok(match source {
        Source::Resource { name, container } => load::Source::Resource {
            name: name.clone(),
            container: container.clone(),
        },
        Source::Pods { metric, selector } => load::Source::Pods {
            metric: metric.clone(),
            selector: selector.clone(),
        },
        Source::Object {
            api_version,
            kind,
            name,
            metric,
            selector,
        } => load::Source::Object {
            object: ObjectRef {
                api_version: api_version.clone(),
                kind: kind.clone(),
                name: name.clone(),
            },
            metric: metric.clone(),
            selector: selector.clone(),
        },
        Source::External { metric, selector } => load::Source::External {
            metric: metric.clone(),
            selector: selector.clone(),
        },
        Source::Prometheus { ask, per_pod } => load::Source::Prometheus {
            query: query(ask)?,
            shape: if *per_pod { Shape::PerPod } else { Shape::Total },
        },
    })
}
