//! `external.metrics.k8s.io`.

use super::ask::MetricsApi;
use super::wire::ExternalMetricValue;
use crate::load::cause::Cause;
use heliotrope_core::quantity::parse_signed_milli;
use heliotrope_core::rightsizing::hpa::Milli;
use jiff::Timestamp;

impl MetricsApi {
    /// The values of all series. One that is too old or no number spoils the sum that they stand for.
    pub(in crate::load) async fn external(
        &self,
        (metric, selector): (&str, Option<&str>),
        namespace: &str,
        now: Timestamp,
    ) -> Result<Vec<Milli>, Cause> {
        let path = [
            "apis",
            "external.metrics.k8s.io",
            "v1beta1",
            "namespaces",
            namespace,
            metric,
        ];
        let values: Vec<ExternalMetricValue> = self.list(&path, &[("labelSelector", selector)]).await?;
        let read = values.iter().map(|value| {
            self.is_fresh(value.timestamp, now)?;
            parse_signed_milli(&value.value).ok_or(Cause::NotNumbers(1))
        });
        read.collect()
    }
}
