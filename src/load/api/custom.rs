//! `custom.metrics.k8s.io`.

use super::ask::{MetricsApi, Samples};
use super::wire::{ApiGroup, ApiResources, MetricValue};
use crate::load::cause::Cause;
use crate::load::target::Target;
use heliotrope_core::quantity::parse_signed_milli;
use heliotrope_core::rightsizing::ObjectRef;
use heliotrope_core::rightsizing::hpa::{Milli, Sample};
use jiff::Timestamp;

const GROUP: &str = "custom.metrics.k8s.io";

impl MetricsApi {
    /// A metric of each pod.
    pub(in crate::load) async fn pods(
        &self,
        (metric, selector): (&str, Option<&str>),
        target: &Target<'_>,
        now: Timestamp,
    ) -> Samples {
        let version = self.custom_version().await?;
        let path = [
            "apis",
            GROUP,
            version,
            "namespaces",
            target.namespace,
            "pods",
            "*",
            metric,
        ];
        let query = [
            ("labelSelector", Some(target.selector)),
            ("metricLabelSelector", selector),
        ];
        let values = self.values(&path, &query).await?;
        let (mut samples, mut wrong) = (Vec::with_capacity(values.len()), 0);
        for value in values {
            let Some(at) = value.timestamp else {
                return Err(Cause::Undated);
            };
            let window = value.window();
            match parse_signed_milli(&value.value) {
                Some(amount) => samples.push((
                    value.described_object.name,
                    Sample {
                        value: amount,
                        at,
                        window,
                    },
                )),
                None => wrong += 1,
            }
        }
        if samples.is_empty() && wrong > 0 {
            return Err(Cause::NotNumbers(wrong));
        }
        let (found, stale) = self.fresh(samples, now)?;
        Ok((found, (wrong > 0).then_some(Cause::NotNumbers(wrong)).or(stale)))
    }

    /// A metric of an object in the target's namespace, or of that namespace itself.
    pub(in crate::load) async fn object(
        &self,
        object: &ObjectRef,
        (metric, selector): (&str, Option<&str>),
        namespace: &str,
        now: Timestamp,
    ) -> Result<Milli, Cause> {
        let version = self.custom_version().await?;
        let query = [("metricLabelSelector", selector)];
        let values = if object.api_version == "v1" && object.kind == "Namespace" {
            let path = ["apis", GROUP, version, "namespaces", namespace, "metrics", metric];
            self.values(&path, &query).await?
        } else {
            let resource = self.resource_of(object).await?;
            let path = [
                "apis",
                GROUP,
                version,
                "namespaces",
                namespace,
                &resource,
                &object.name,
                metric,
            ];
            self.values(&path, &query).await?
        };
        let [value] = values.as_slice() else {
            return Err(Cause::NotOne(values.len()));
        };
        self.is_fresh(value.timestamp, now)?;
        parse_signed_milli(&value.value).ok_or(Cause::NotNumbers(1))
    }

    /// A list in the version that is remembered. Where nothing stands there the version may have gone with an adapter's upgrade: it is
    /// asked for again at the next reading.
    async fn values(&self, path: &[&str], query: &[(&str, Option<&str>)]) -> Result<Vec<MetricValue>, Cause> {
        let values = self.list(path, query).await;
        if matches!(values, Err(Cause::NotServed)) {
            self.version.invalidate(&());
        }
        values
    }

    /// The newer of the two versions that is served.
    async fn custom_version(&self) -> Result<&'static str, Cause> {
        if let Some(version) = self.version.get(&()) {
            return Ok(version);
        }
        let group: ApiGroup = self.get(&["apis", GROUP], &[]).await?.ok_or(Cause::NotServed)?;
        let served = |version: &&&str| group.versions.iter().any(|of| of.version == **version);
        let version = ["v1beta2", "v1beta1"].iter().find(served).ok_or(Cause::NotServed)?;
        self.version.insert((), version);
        Ok(version)
    }

    /// What objects of a kind are called in paths: the plural, with the group where there is one.
    async fn resource_of(&self, object: &ObjectRef) -> Result<String, Cause> {
        let key = (object.api_version.clone(), object.kind.clone());
        if let Some(resource) = self.resources.get(&key) {
            return Ok(resource);
        }
        let group = object.api_version.split_once('/');
        let path = match group {
            Some((group, version)) => vec!["apis", group, version],
            None => vec!["api", &object.api_version],
        };
        let known: ApiResources = self.get(&path, &[]).await?.ok_or(Cause::NoKind)?;
        let mut resources = known.resources.into_iter();
        // Those with a slash are parts of others, such as `deployments/scale`.
        let resource = resources.find(|of| of.kind == object.kind && !of.name.contains('/'));
        let plural = resource.ok_or(Cause::NoKind)?.name;
        let resource = match group {
            Some((group, _)) => format!("{plural}.{group}"),
            None => plural,
        };
        self.resources.insert(key, resource.clone());
        Ok(resource)
    }
}
