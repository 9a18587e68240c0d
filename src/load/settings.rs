//! `load` in the settings file.

use crate::outbound::{Access, RawAccess};
use crate::settings::Problems;
use jiff::SignedDuration;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// `load`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawLoad {
    prometheus: Option<RawPrometheus>,
    queries: Option<String>,
    fresh_for: Option<String>,
    window: Option<String>,
    timeout: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawPrometheus {
    url: Option<String>,
    access: Option<RawAccess>,
    namespace_label: Option<String>,
    pod_label: Option<String>,
}

/// `load`, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadSettings {
    /// Who is asked for presets and queries; nobody where it is `None`.
    pub prometheus: Option<PrometheusSettings>,
    /// Whether queries of the tenants' own are asked, besides presets.
    pub own_queries: bool,
    /// A sample that is older does not count.
    pub fresh_for: SignedDuration,
    /// Over how long rates are taken where a preset does not say it.
    pub window: SignedDuration,
    /// A reading that takes longer is given up.
    pub timeout: Duration,
}

/// A Prometheus that scrapes the workloads.
#[derive(Debug, Clone, PartialEq)]
pub struct PrometheusSettings {
    /// Base address.
    pub url: Url,
    /// How it wants to be asked.
    pub access: Access,
    /// The label with the namespace of the pod that was scraped.
    pub namespace_label: String,
    /// The label with its name.
    pub pod_label: String,
}

impl RawLoad {
    /// Takes relative file names from a folder.
    pub fn locate(&mut self, folder: &Path) {
        let prometheus = self.prometheus.as_mut();
        if let Some(access) = prometheus.and_then(|prometheus| prometheus.access.as_mut()) {
            access.locate(folder);
        }
    }

    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> LoadSettings {
        let seconds = SignedDuration::from_secs;
        let fresh = seconds(10)..=seconds(300);
        let fresh_for = problems.duration("freshFor", self.fresh_for.as_deref(), seconds(120), fresh);
        let windows = seconds(10)..=seconds(3600);
        let window = problems.duration("window", self.window.as_deref(), seconds(120), windows);
        let patience = seconds(1)..=seconds(60);
        let timeout = problems.duration("timeout", self.timeout.as_deref(), seconds(5), patience);
        let own_queries = match self.queries.as_deref() {
            None | Some("any") => true,
            Some("presets") => false,
            Some(_) => {
                problems.report("queries", "must be any or presets");
                false
            }
        };
        let prometheus = self.prometheus.filter(|raw| !raw.is_empty());
        LoadSettings {
            prometheus: prometheus.and_then(|raw| problems.within("prometheus", |p| raw.validate(p))),
            own_queries,
            fresh_for,
            window,
            timeout: timeout.unsigned_abs(),
        }
    }
}

impl RawPrometheus {
    /// A section whose keys are all commented out.
    fn is_empty(&self) -> bool {
        self.url.is_none() && self.access.is_none() && self.namespace_label.is_none() && self.pod_label.is_none()
    }

    fn validate(self, problems: &mut Problems) -> Option<PrometheusSettings> {
        let url = self.url.and_then(|text| text.parse::<Url>().ok());
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            problems.report("url", "is missing, or not an http or https address");
        }
        let access = self.access.unwrap_or_default().validate(url.as_ref(), problems);
        let mut label = |key: &str, text: Option<String>, usual: &str| {
            let label = text.unwrap_or_else(|| usual.to_owned());
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if label.is_empty() || !label.bytes().all(legal) || label.starts_with(|c: char| c.is_ascii_digit()) {
                problems.report(key, "is not the name of a label in prometheus");
            }
            label
        };
        let namespace_label = label("namespaceLabel", self.namespace_label, "namespace");
        let pod_label = label("podLabel", self.pod_label, "pod");
        Some(PrometheusSettings {
            url: url?,
            access,
            namespace_label,
            pod_label,
        })
    }
}
