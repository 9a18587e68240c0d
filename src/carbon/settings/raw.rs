use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A provider, as written: the keys of all types.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawProvider {
    pub(super) name: Option<String>,
    pub(super) r#type: Option<String>,
    pub(super) interval: Option<String>,
    pub(super) calls_per_hour: Option<u32>,
    pub(super) url: Option<String>,
    pub(super) path: Option<PathBuf>,
    pub(super) zone: Option<String>,
    pub(super) query: Option<String>,
    pub(super) zone_label: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) signal: Option<String>,
    pub(super) basis: Option<String>,
    pub(super) regions: Option<BTreeMap<String, u64>>,
}
