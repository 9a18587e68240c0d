use super::candidate::Candidate;
use super::cost::{NodeCost, common_rung, weigh};
use super::filter::{Verdict, filter};
use super::question::Question;
use super::score::score;
use crate::quantity::Rung;

/// What placement answers for one pod over its candidates, all in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The rung that filter compared the candidates on.
    pub rung: Option<Rung>,
    /// What each costs on that rung.
    pub costs: Vec<Option<NodeCost>>,
    /// Who is refused and who is kept.
    pub verdict: Verdict,
    /// Scores of the kept ones; zero for the others.
    pub scores: Vec<u8>,
}

/// Decides as the two calls of kube-scheduler do together: filter over all candidates, then prioritize over what filter
/// kept. Prioritize sees no others, so a zone of which no node was kept has no say in its rung.
#[must_use]
pub fn decide(question: &Question<'_>, candidates: &[Candidate<'_>]) -> Decision {
    let rung = common_rung(question, candidates);
    let costs = weigh(question, rung, candidates);
    let verdict = filter(question, rung, candidates, &costs);
    let mut kept: Vec<Candidate<'_>> = Vec::with_capacity(candidates.len());
    let offered = candidates.iter().zip(&verdict.kept);
    kept.extend(offered.filter(|(_, kept)| **kept).map(|(candidate, _)| *candidate));
    let rung_of_kept = common_rung(question, &kept);
    let costs_of_kept = weigh(question, rung_of_kept, &kept);
    let mut of_kept = score(question.policy, &costs_of_kept).into_iter();
    let scores = verdict
        .kept
        .iter()
        .map(|kept| if *kept { of_kept.next().unwrap_or(0) } else { 0 })
        .collect();
    Decision {
        rung,
        costs,
        verdict,
        scores,
    }
}
