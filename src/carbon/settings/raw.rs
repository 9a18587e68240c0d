use crate::outbound::RawAccess;
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
    pub(super) access: Option<RawAccess>,
    pub(super) path: Option<PathBuf>,
    pub(super) zone: Option<String>,
    pub(super) query: Option<String>,
    pub(super) zone_label: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) signal: Option<String>,
    pub(super) basis: Option<String>,
    /// Numbers of the GB API, names of WattTime.
    pub(super) regions: Option<BTreeMap<String, String>>,
    pub(super) version: Option<String>,
    pub(super) horizon_hours: Option<u32>,
    pub(super) data_centers: Option<BTreeMap<String, String>>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) username_file: Option<PathBuf>,
    pub(super) password_file: Option<PathBuf>,
}
