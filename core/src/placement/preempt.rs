use super::candidate::Candidate;
use super::cost::{common_rung, weigh};
use super::filter::filter;
use super::policy::Policy;
use crate::snapshot::{NodeIx, NodeState, Snapshot};
use crate::workload::Workload;
use jiff::Timestamp;

/// A node that preemption would empty of some pods.
#[derive(Debug, Clone)]
pub struct PreemptCandidate<'a> {
    /// The node; `None` for one that the snapshot does not know.
    pub node: Option<NodeIx>,
    /// UIDs of the victims.
    pub victims: Vec<&'a str>,
}

/// Which candidates filter would accept once their victims are gone. The others must not be emptied: filter would
/// refuse them afterwards, and the evictions would have served nobody.
#[must_use]
pub fn preempt(
    snapshot: &Snapshot,
    workload: &Workload,
    policy: &Policy,
    candidates: &[PreemptCandidate<'_>],
    now: Timestamp,
) -> Vec<bool> {
    let emptied: Vec<Option<NodeState>> = candidates
        .iter()
        .map(|candidate| Some(snapshot.node(candidate.node?)?.without(&candidate.victims)))
        .collect();
    let candidates: Vec<Candidate<'_>> = emptied
        .iter()
        .map(|node| node.as_ref().map_or(Candidate::Unknown, Candidate::Given))
        .collect();
    let rung = common_rung(snapshot, workload, &candidates);
    let costs = weigh(snapshot, workload, policy, rung, &candidates, now);
    let verdict = filter(snapshot, workload, policy, rung, &candidates, &costs);
    verdict.refused.iter().map(Option::is_none).collect()
}
