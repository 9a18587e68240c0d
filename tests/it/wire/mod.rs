//! The extender at the wire: bodies recorded from real kube-schedulers, and everything that can be wrong with one.
//!
//! The bodies under `kube-scheduler-*` were recorded by the scenario `l_wire` of the e2e suite, those of `claims` by `p_dra`.

mod claims;
mod gangs;
mod go;
mod limits;
mod memo;
mod modes;
mod preempt;
mod recorded;
mod spelling;
mod transport;
mod unjudged;

use crate::rig::{Rig, names_body};
use go::{ExtenderFilterResult, HostPriorityList};
use serde_json::Value;
use std::collections::BTreeMap;

/// What filter answers about a pod over names.
async fn filter(rig: &Rig, pod: &Value, names: &[&str]) -> ExtenderFilterResult {
    rig.post("/filter", names_body(pod, names)).await.json()
}

/// What prioritize answers about a pod over names, by host.
async fn scores(rig: &Rig, pod: &Value, names: &[&str]) -> BTreeMap<String, i64> {
    let list: HostPriorityList = rig.post("/prioritize", names_body(pod, names)).await.json();
    let hosts: Vec<&str> = list.iter().map(|one| one.host.as_str()).collect();
    assert_eq!(hosts, names, "every host once, in the order of the request");
    list.into_iter().map(|one| (one.host, one.score)).collect()
}

/// Whether every node of one region scores higher than every node of another.
fn above(scores: &BTreeMap<String, i64>, better: [&str; 2], worse: [&str; 2]) -> bool {
    let of = |names: [&str; 2]| names.map(|name| scores[name]);
    of(better).into_iter().min() > of(worse).into_iter().max()
}
