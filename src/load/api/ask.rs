use crate::load::cause::Cause;
use heliotrope_core::rightsizing::hpa::Sample;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use moka::sync::Cache;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// Longest answer: ten thousand pods are some four million bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Items of a list.
const MAX_ITEMS: usize = 20_000;
/// Kinds of objects whose resource is remembered.
const MAX_KINDS: u64 = 256;
/// For how long it is remembered what the API server serves.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The metrics APIs, through the API server.
pub(in crate::load) struct MetricsApi {
    client: Client,
    pub(super) fresh_for: SignedDuration,
    /// The version of `custom.metrics.k8s.io` that is served.
    pub(super) version: Cache<(), &'static str>,
    /// Resources by `apiVersion` and `kind` of objects.
    pub(super) resources: Cache<(String, String), String>,
}

impl std::fmt::Debug for MetricsApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricsApi").finish_non_exhaustive()
    }
}

/// Samples of pods by name, and what was wrong with some.
pub(super) type Samples = Result<(BTreeMap<String, Sample>, Option<Cause>), Cause>;

impl MetricsApi {
    pub(in crate::load) fn new(client: Client, fresh_for: SignedDuration) -> Self {
        Self {
            client,
            fresh_for,
            version: Cache::builder().max_capacity(1).time_to_live(REMEMBERED).build(),
            resources: Cache::builder()
                .max_capacity(MAX_KINDS)
                .time_to_live(REMEMBERED)
                .build(),
        }
    }

    /// What stands under a path; `None` where nothing does. Not by kube's own call: that logs an answer which it cannot read.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, Option<&str>)],
    ) -> Result<Option<T>, Cause> {
        // Names that an address takes for the folder itself or the one above.
        if path.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return Ok(None);
        }
        let request = Request::builder()
            .method(Method::GET)
            .uri(address(path, query))
            .header(header::ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|_| call("cannot be asked: the metric's name gives no address", "shape"))?;
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|_| call("did not answer: no connection, or it broke off", "transport"))?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
                return Err(call(
                    "does not let us read this metrics api: grant get and list on it",
                    "forbidden",
                ));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                return Err(call("has no adapter that answers for this metrics api", "unavailable"));
            }
            status => return Err(call(format!("answered {}", status.as_u16()), "status")),
        }
        let read = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let read = read
            .map_err(|_| call("broke off, or answered too much", "too-long"))?
            .to_bytes();
        let parsed = serde_json::from_slice(&read);
        parsed
            .map(Some)
            .map_err(|_| call("answered something else than documented", "shape"))
    }

    /// The items of a list.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, Option<&str>)],
    ) -> Result<Vec<T>, Cause> {
        let list: Option<super::wire::List<T>> = self.get(path, query).await?;
        let items = list.ok_or(Cause::NotServed)?.items();
        match items.len() {
            0 => Err(Cause::NoSeries),
            many if many > MAX_ITEMS => Err(Cause::TooManySeries(MAX_ITEMS)),
            _ => Ok(items),
        }
    }

    /// The samples that are not too old, and by how much the others are.
    pub(super) fn fresh(&self, samples: impl IntoIterator<Item = (String, Sample)>, now: Timestamp) -> Samples {
        let (mut found, mut stale): (BTreeMap<String, Sample>, Option<Cause>) = (BTreeMap::new(), None);
        for (pod, sample) in samples {
            match self.is_fresh(Some(sample.at), now) {
                Ok(_) => drop(found.insert(pod, sample)),
                Err(cause) => stale = Some(cause),
            }
        }
        match (found.is_empty(), stale) {
            (true, cause) => Err(cause.unwrap_or(Cause::NoSeries)),
            (false, stale) => Ok((found, stale)),
        }
    }

    /// When something was taken, if that is not too long ago.
    pub(super) fn is_fresh(&self, at: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Cause> {
        let at = at.ok_or(Cause::Undated)?;
        Cause::of_age(now.duration_since(at), self.fresh_for)?;
        Ok(at)
    }
}

fn call(what: impl Into<String>, kind: &'static str) -> Cause {
    Cause::Call {
        who: "the api server",
        what: what.into(),
        kind,
    }
}

/// A path and its query with every part escaped; names come from tenants.
fn address(path: &[&str], query: &[(&str, Option<&str>)]) -> String {
    // The host is the client's own; this one makes it an address.
    let Ok(mut url) = Url::parse("http://api") else {
        return String::new();
    };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().extend(path);
    }
    let query = query.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
    let query: Vec<(&str, &str)> = query.filter(|(_, value)| !value.is_empty()).collect();
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url[url::Position::BeforePath..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tenants_write_stays_in_its_place() {
        let path = [
            "apis",
            "external.metrics.k8s.io",
            "v1beta1",
            "namespaces",
            "ml",
            "a/../../b?x#y",
        ];
        let query = [
            ("labelSelector", Some("a=b&x=y,c in (d)")),
            ("metricLabelSelector", None),
        ];
        assert_eq!(
            address(&path, &query),
            "/apis/external.metrics.k8s.io/v1beta1/namespaces/ml/a%2F..%2F..%2Fb%3Fx%23y?labelSelector=a%3Db%26x%3Dy%2Cc+in+%28d%29"
        );
    }
}
