use super::candidate::Candidate;
use super::cost::{common_rung, weigh};
use super::filter::filter;
use super::question::Question;
use crate::snapshot::{NodeIx, NodeState};

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
pub fn preempt(question: &Question<'_>, candidates: &[PreemptCandidate<'_>]) -> Vec<bool> {
    let emptied: Vec<Option<NodeState>> = candidates
        .iter()
        .map(|candidate| {
            Some(
                question
                    .snapshot
                    .node(candidate.node?)?
                    .without(&candidate.victims, &question.snapshot.surroundings),
            )
        })
        .collect();
    let candidates: Vec<Candidate<'_>> = emptied
        .iter()
        .map(|node| node.as_ref().map_or(Candidate::Unknown, Candidate::Given))
        .collect();
    let rung = common_rung(question, &candidates);
    let costs = weigh(question, rung, &candidates);
    let verdict = filter(question, rung, &candidates, &costs);
    verdict.refused.iter().map(Option::is_none).collect()
}
