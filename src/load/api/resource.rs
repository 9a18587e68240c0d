//! `metrics.k8s.io`.

use super::ask::{MetricsApi, Samples};
use super::wire::PodMetrics;
use crate::load::cause::Cause;
use crate::load::target::Target;
use heliotrope_core::quantity::parse_signed_milli;
use heliotrope_core::rightsizing::hpa::{Milli, Sample};
use jiff::Timestamp;

impl MetricsApi {
    /// What the pods use of a resource, or one container of each.
    pub(in crate::load) async fn resource(
        &self,
        (name, container): (&str, Option<&str>),
        target: &Target<'_>,
        now: Timestamp,
    ) -> Samples {
        let path = [
            "apis",
            "metrics.k8s.io",
            "v1beta1",
            "namespaces",
            target.namespace,
            "pods",
        ];
        let pods: Vec<PodMetrics> = self.list(&path, &[("labelSelector", Some(target.selector))]).await?;
        let (mut samples, mut wrong) = (Vec::new(), 0);
        for pod in pods {
            let Some(at) = pod.timestamp else {
                return Err(Cause::Undated);
            };
            match used(&pod, name, container)? {
                Used::Amount(value) => {
                    let window = pod.window();
                    samples.push((pod.metadata.name, Sample { value, at, window }));
                }
                Used::Nothing => {}
                Used::Unreadable => wrong += 1,
            }
        }
        if samples.is_empty() && wrong > 0 {
            return Err(Cause::NotNumbers(wrong));
        }
        let (found, stale) = self.fresh(samples, now)?;
        Ok((found, (wrong > 0).then_some(Cause::NotNumbers(wrong)).or(stale)))
    }
}

enum Used {
    Amount(Milli),
    /// The resource is not measured of a container that counts: the pod has no sample.
    Nothing,
    Unreadable,
}

/// What a pod uses. A container that is asked for and not there at all is a mistake in the name, as the controller has it.
fn used(pod: &PodMetrics, resource: &str, container: Option<&str>) -> Result<Used, Cause> {
    let counted = pod
        .containers
        .iter()
        .filter(|of| container.is_none_or(|name| of.name == name));
    let mut sum: Option<Milli> = None;
    for of in counted {
        let Some(text) = of.usage.get(resource) else {
            return Ok(Used::Nothing);
        };
        let Some(value) = parse_signed_milli(text) else {
            return Ok(Used::Unreadable);
        };
        sum = Some(sum.unwrap_or(0).saturating_add(value));
    }
    match sum {
        Some(sum) => Ok(Used::Amount(sum)),
        None if container.is_some() => Err(Cause::NoContainer),
        None => Ok(Used::Nothing),
    }
}
