//! Requests exactly as kube-scheduler encodes them.
//!
//! The Go structs carry no JSON tags: keys are the Go names, nothing is left out, nil is `null`. Go decodes keys whatever
//! their case, so the aliases take what other callers send. Names and raw nodes are borrowed from the body.

use crate::cluster::LeanPod;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `ExtenderArgs`: filter and prioritize.
#[derive(Debug, Deserialize)]
pub(super) struct Args<'a> {
    #[serde(rename = "Pod", alias = "pod")]
    pub(super) pod: LeanPod,
    #[serde(rename = "Nodes", alias = "nodes", borrow, default)]
    pub(super) nodes: Option<NodeList<'a>>,
    #[serde(rename = "NodeNames", alias = "nodenames", alias = "nodeNames", borrow, default)]
    pub(super) node_names: Option<Vec<Name<'a>>>,
}

/// A node name, borrowed unless it has escapes.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// `NodeList`, each node still as it came.
#[derive(Debug, Deserialize)]
pub(super) struct NodeList<'a> {
    #[serde(borrow, default)]
    pub(super) items: Option<Vec<&'a RawValue>>,
}

/// `ExtenderPreemptionArgs`.
#[derive(Debug, Deserialize)]
pub(super) struct PreemptionArgs<'a> {
    #[serde(rename = "Pod", alias = "pod")]
    pub(super) pod: LeanPod,
    #[serde(
        rename = "NodeNameToVictims",
        alias = "nodenametovictims",
        alias = "nodeNameToVictims",
        borrow,
        default
    )]
    pub(super) victims: Option<BTreeMap<Cow<'a, str>, Victims<FullVictim>>>,
    #[serde(
        rename = "NodeNameToMetaVictims",
        alias = "nodenametometavictims",
        alias = "nodeNameToMetaVictims",
        borrow,
        default
    )]
    pub(super) meta_victims: Option<BTreeMap<Cow<'a, str>, Victims<MetaVictim>>>,
}

/// `Victims` and `MetaVictims`.
#[derive(Debug, Deserialize)]
pub(super) struct Victims<V> {
    #[serde(rename = "Pods", alias = "pods")]
    pub(super) pods: Option<Vec<V>>,
    #[serde(
        rename = "NumPDBViolations",
        alias = "numpdbviolations",
        alias = "numPDBViolations",
        default
    )]
    pub(super) pdb_violations: i64,
}

/// `MetaPod`.
#[derive(Debug, Deserialize)]
pub(super) struct MetaVictim {
    #[serde(rename = "UID", alias = "uid")]
    pub(super) uid: String,
}

/// A whole Pod, of which only the UID is read.
#[derive(Debug, Deserialize)]
pub(super) struct FullVictim {
    #[serde(default)]
    metadata: FullVictimMeta,
}

#[derive(Debug, Default, Deserialize)]
struct FullVictimMeta {
    #[serde(default)]
    uid: String,
}

impl From<FullVictim> for MetaVictim {
    fn from(victim: FullVictim) -> Self {
        Self {
            uid: victim.metadata.uid,
        }
    }
}
