//! One of `power.sources`.

use crate::settings::Problems;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// A source, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawSource {
    name: Option<String>,
    r#type: Option<String>,
    url: Option<String>,
    preset: Option<String>,
    metric: Option<String>,
    node_label: Option<String>,
    nodes: Option<BTreeMap<String, String>>,
}

/// A Prometheus with GPU power in it.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerSource {
    /// Its name in reports.
    pub name: String,
    /// Base address.
    pub url: Url,
    /// The power gauge, in watts.
    pub metric: String,
    /// Labels that may hold the node name, in the order they are looked at.
    pub node_labels: Vec<String>,
    /// Node by what such a label says, where that is neither the name of the node nor its name with or without a
    /// domain.
    pub nodes: BTreeMap<String, String>,
}

/// What dcgm-exporter's gauge is called since 2.0.
const DCGM_METRIC: &str = "DCGM_FI_DEV_POWER_USAGE";
/// `node` is what operators relabel to; `Hostname` is what tagged releases of dcgm-exporter write, `hostname` what its
/// main branch does.
const DCGM_NODE_LABELS: [&str; 3] = ["node", "Hostname", "hostname"];

/// Checks all sources.
pub(super) fn all(raw: Vec<RawSource>, problems: &mut Problems) -> Vec<PowerSource> {
    let mut names = BTreeSet::new();
    let checked = raw.into_iter().enumerate().filter_map(|(i, raw)| {
        problems.within(format_args!("[{i}]"), |problems| {
            let source = raw.validate(problems)?;
            if !names.insert(source.name.clone()) {
                problems.report(
                    "name",
                    format_args!("`{}` is the name of another source too", source.name),
                );
            }
            Some(source)
        })
    });
    checked.collect()
}

impl RawSource {
    fn validate(self, problems: &mut Problems) -> Option<PowerSource> {
        if self.r#type.as_deref() != Some("prometheus") {
            problems.report("type", "must be prometheus");
        }
        if self.preset.as_deref().is_some_and(|preset| preset != "dcgm") {
            problems.report("preset", "must be dcgm");
        }
        let url = self.url.as_deref().and_then(|text| text.parse::<Url>().ok());
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            problems.report("url", "is missing, or not an http or https address");
        }
        let metric = self.metric.unwrap_or_else(|| DCGM_METRIC.to_owned());
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':');
        if metric.is_empty() || !metric.bytes().all(legal) {
            problems.report("metric", "is not the name of a metric");
        }
        let node_labels = match self.node_label {
            Some(label) => vec![label],
            None => DCGM_NODE_LABELS.map(str::to_owned).to_vec(),
        };
        let nodes = self.nodes.unwrap_or_default();
        problems.within("nodes", |problems| {
            for (host, _) in nodes.iter().filter(|(_, node)| node.is_empty()) {
                problems.report(host, "is missing its node");
            }
        });
        Some(PowerSource {
            name: self.name.unwrap_or_else(|| "dcgm".to_owned()),
            url: url?,
            metric,
            node_labels,
            nodes,
        })
    }
}
