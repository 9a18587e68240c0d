//! The entry of `extenders` in a KubeSchedulerConfiguration.

use serde::Serialize;
use std::net::SocketAddr;

/// One entry of `extenders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtenderStanza {
    url_prefix: String,
    filter_verb: &'static str,
    prioritize_verb: &'static str,
    preempt_verb: &'static str,
    weight: u32,
    #[serde(rename = "enableHTTPS")]
    enable_https: bool,
    http_timeout: &'static str,
    node_cache_capable: bool,
    ignorable: bool,
    /// Left out where it is empty: kube-scheduler then asks about every pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    managed_resources: Vec<ManagedResource>,
}

/// A resource about whose pods the extender is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedResource {
    name: String,
    ignored_by_scheduler: bool,
}

impl ExtenderStanza {
    /// The stanza for an extender on loopback. With `nodeCacheCapable` off, 5,000 nodes are 80 MB a request and the
    /// scheduler's own resource scores go blind; a call that takes longer than 500 ms is better left out; and without
    /// `ignorable` a stopped extender stops the cluster.
    #[must_use]
    pub fn new(listen: SocketAddr, weight: u32, resources: &[String]) -> Self {
        let managed = resources.iter().map(|name| ManagedResource {
            name: name.clone(),
            ignored_by_scheduler: false,
        });
        Self {
            url_prefix: format!("http://{listen}"),
            filter_verb: "filter",
            prioritize_verb: "prioritize",
            preempt_verb: "preempt",
            weight,
            enable_https: false,
            http_timeout: "500ms",
            node_cache_capable: true,
            ignorable: true,
            managed_resources: managed.collect(),
        }
    }
}
