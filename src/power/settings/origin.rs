//! Where the series of a source come from.

use crate::outbound::{Access, RawAccess};
use crate::settings::Problems;
use jiff::SignedDuration;
use serde::Deserialize;
use std::sync::Arc;
use url::Url;

/// The keys of a source that say who is asked.
pub(super) struct RawOrigin {
    pub(super) url: Option<String>,
    pub(super) access: Option<RawAccess>,
    pub(super) rate_window: Option<String>,
    pub(super) targets: Option<Vec<RawTarget>>,
    pub(super) pods: Option<RawPods>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawTarget {
    url: Option<String>,
    node: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawPods {
    namespace: Option<String>,
    selector: Option<String>,
    port: Option<u16>,
    path: Option<String>,
    scheme: Option<String>,
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A Prometheus that scrapes the exporters.
    Prometheus {
        /// Base address.
        url: Url,
        /// How it wants to be asked.
        access: Access,
        /// Over how long the growth of counters is taken.
        rate_window: SignedDuration,
    },
    /// The exporters themselves.
    Exporters {
        /// Those with an address of their own.
        targets: Vec<Target>,
        /// Those that are found among the pods.
        pods: Option<ExporterPods>,
    },
}

/// An exporter with an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its page.
    pub url: Url,
    /// The node that the page is about, where the page does not say.
    pub node: Option<Arc<str>>,
}

/// Exporters that are pods. Each is about the node that it runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExporterPods {
    /// Their namespace. Whoever may make pods there is believed.
    pub namespace: String,
    /// Their labels, as `kubectl -l` writes them.
    pub selector: String,
    /// The port that they listen on.
    pub port: u16,
    /// Path of the page.
    pub path: String,
    /// `http` or `https`.
    pub scheme: String,
}

impl Origin {
    /// The addresses that the settings name.
    pub fn urls(&self) -> impl Iterator<Item = &Url> {
        let (one, targets) = match self {
            Self::Prometheus { url, .. } => (Some(url), [].as_slice()),
            Self::Exporters { targets, .. } => (None, targets.as_slice()),
        };
        one.into_iter().chain(targets.iter().map(|target| &target.url))
    }

    /// The pods that are looked for.
    #[must_use]
    pub fn pods(&self) -> Option<&ExporterPods> {
        match self {
            Self::Exporters { pods, .. } => pods.as_ref(),
            Self::Prometheus { .. } => None,
        }
    }
}

impl RawOrigin {
    pub(super) fn validate(self, kind: Option<&str>, problems: &mut Problems) -> Option<Origin> {
        match kind {
            Some("prometheus") => self.prometheus(problems),
            Some("exporter") => Some(self.exporters(problems)),
            _ => {
                problems.report("type", "must be prometheus or exporter");
                None
            }
        }
    }

    fn prometheus(self, problems: &mut Problems) -> Option<Origin> {
        for (key, given) in [("targets", self.targets.is_some()), ("pods", self.pods.is_some())] {
            if given {
                problems.report(key, "is for a source of type exporter");
            }
        }
        let bounds = SignedDuration::from_secs(10)..=SignedDuration::from_hours(1);
        let usual = SignedDuration::from_mins(2);
        let rate_window = problems.duration("rateWindow", self.rate_window.as_deref(), usual, bounds);
        let url = address("url", self.url.as_deref(), problems);
        let access = self.access.unwrap_or_default().validate(url.as_ref(), problems);
        Some(Origin::Prometheus {
            url: url?,
            access,
            rate_window,
        })
    }

    fn exporters(self, problems: &mut Problems) -> Origin {
        let foreign = [
            ("url", self.url.is_some()),
            ("access", self.access.is_some()),
            ("rateWindow", self.rate_window.is_some()),
        ];
        for (key, given) in foreign {
            if given {
                problems.report(key, "is for a source of type prometheus");
            }
        }
        let raw = self.targets.unwrap_or_default();
        if raw.is_empty() && self.pods.is_none() {
            problems.report("targets", "is missing: name addresses, or pods to look for");
        }
        let targets = problems.within("targets", |problems| {
            let checked = raw.into_iter().enumerate().filter_map(|(i, raw)| {
                problems.within(format_args!("[{i}]"), |problems| {
                    let url = address("url", raw.url.as_deref(), problems)?;
                    let node = raw.node.filter(|node| !node.is_empty()).map(Arc::from);
                    Some(Target { url, node })
                })
            });
            checked.collect()
        });
        let pods = problems.within("pods", |problems| self.pods.map(|pods| pods.validate(problems)));
        Origin::Exporters { targets, pods }
    }
}

impl RawPods {
    fn validate(self, problems: &mut Problems) -> ExporterPods {
        let namespace = self.namespace.unwrap_or_default();
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if namespace.is_empty() || !namespace.bytes().all(legal) {
            problems.report("namespace", "is missing, or not the name of a namespace");
        }
        let selector = self.selector.unwrap_or_default();
        if selector.trim().is_empty() {
            problems.report("selector", "is missing: write labels such as app=nvidia-dcgm-exporter");
        }
        let port = self.port.filter(|port| *port > 0);
        if port.is_none() {
            problems.report("port", "is missing: the port that the exporter listens on");
        }
        let path = self.path.unwrap_or_else(|| "/metrics".to_owned());
        if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
            problems.report("path", "must be a path such as /metrics");
        }
        let scheme = self.scheme.unwrap_or_else(|| "http".to_owned());
        if !matches!(scheme.as_str(), "http" | "https") {
            problems.report("scheme", "must be http or https");
        }
        ExporterPods {
            namespace,
            selector,
            port: port.unwrap_or(0),
            path,
            scheme,
        }
    }
}

fn address(key: &str, text: Option<&str>, problems: &mut Problems) -> Option<Url> {
    let url = text.and_then(|text| text.parse::<Url>().ok());
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_none() {
        problems.report(key, "is missing, or not an http or https address");
    }
    url
}
