//! What Go's `encoding/json` decodes an answer into, as strictly as a test can: the exact keys of
//! `k8s.io/kube-scheduler/extender/v1`, whole numbers where Go has `int64`, a bare array where it has a slice.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ExtenderFilterResult {
    pub(crate) nodes: Option<NodeList>,
    pub(crate) node_names: Option<Vec<String>>,
    pub(crate) failed_nodes: BTreeMap<String, String>,
    pub(crate) failed_and_unresolvable_nodes: BTreeMap<String, String>,
    pub(crate) error: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeList {
    pub(crate) metadata: Value,
    pub(crate) items: Vec<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct HostPriority {
    pub(crate) host: String,
    pub(crate) score: i64,
}

pub(crate) type HostPriorityList = Vec<HostPriority>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ExtenderPreemptionResult {
    pub(crate) node_name_to_meta_victims: BTreeMap<String, MetaVictims>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetaVictims {
    #[serde(rename = "Pods")]
    pub(crate) pods: Vec<MetaPod>,
    #[serde(rename = "NumPDBViolations")]
    pub(crate) pdb_violations: i64,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetaPod {
    #[serde(rename = "UID")]
    pub(crate) uid: String,
}

impl ExtenderFilterResult {
    /// The names kept, whichever the form.
    pub(crate) fn kept(&self) -> Vec<String> {
        match (&self.nodes, &self.node_names) {
            (Some(nodes), None) => nodes.items.iter().map(|node| name(node)).collect(),
            (None, Some(names)) => names.clone(),
            both => panic!("exactly one form is answered: {both:?}"),
        }
    }

    /// The names refused; the other map must be empty, and so must the error.
    pub(crate) fn refused(&self) -> Vec<&str> {
        assert!(self.failed_nodes.is_empty() && self.error.is_empty(), "{self:?}");
        self.failed_and_unresolvable_nodes.keys().map(String::as_str).collect()
    }
}

fn name(node: &RawValue) -> String {
    let node: Value = serde_json::from_str(node.get()).unwrap();
    node["metadata"]["name"].as_str().unwrap().to_owned()
}

/// Scores by host.
pub(crate) fn by_host(list: &[HostPriority]) -> BTreeMap<&str, i64> {
    let map: BTreeMap<&str, i64> = list.iter().map(|one| (one.host.as_str(), one.score)).collect();
    assert_eq!(map.len(), list.len(), "a host is scored twice");
    map
}
