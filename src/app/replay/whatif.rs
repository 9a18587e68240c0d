use crate::world::{LoggedAnswer, LoggedCall};
use heliotrope_core::placement::{Candidate, NodeCost, Policy, Question, Verdict, common_rung, filter, score, weigh};
use serde::Serialize;

/// Costs that agree to nine digits are equal, as they are for placement.
const ROUNDING: f64 = 1e-9;

/// What another policy would have changed, had every call come with the same candidates. Rules of namespaces are not asked
/// again: what they made of a pod stands in the log.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhatIf {
    /// Filter calls asked.
    pub filter: u64,
    /// Of these: another node would be preferred, of other grams.
    pub preferred_differs: u64,
    /// Of these: other nodes would be refused.
    pub refused_differs: u64,
    /// Of these: other nodes would be in the answer.
    pub kept_differs: u64,
    /// Prioritize calls asked.
    pub prioritize: u64,
    /// Of these: other scores.
    pub scores_differ: u64,
    /// Grams of the nodes preferred under the logged policy, where both have one.
    pub grams_logged: f64,
    /// Grams of the nodes preferred under the other policy, by the figures of the logged one.
    pub grams_other: f64,
}

impl WhatIf {
    /// Asks a call under another policy.
    pub(super) fn ask(&mut self, call: &LoggedCall, policy: &Policy) {
        let logged = Question {
            now: call.weighed_at,
            ..call.asked.question(&call.uid)
        };
        let other = Question { policy, ..logged };
        let candidates = call.candidates();
        match &call.answer {
            LoggedAnswer::Filter { .. } => {
                self.filter += 1;
                let ((costs, verdict), (other_costs, other_verdict)) =
                    (judged(&logged, &candidates), judged(&other, &candidates));
                self.refused_differs += u64::from(verdict.refused != other_verdict.refused);
                self.kept_differs += u64::from(verdict.kept != other_verdict.kept);
                let grams_of = |place: usize| costs.get(place).and_then(|cost| cost.as_ref()).map(|cost| cost.grams);
                let was = preferred(&costs, &verdict).and_then(grams_of);
                let would_be = preferred(&other_costs, &other_verdict).and_then(grams_of);
                if let (Some(was), Some(would_be)) = (was, would_be) {
                    self.grams_logged += was;
                    self.grams_other += would_be;
                    self.preferred_differs += u64::from((was - would_be).abs() > was.abs() * ROUNDING);
                }
            }
            LoggedAnswer::Prioritize { .. } => {
                self.prioritize += 1;
                let scores = |question: &Question<'_>| {
                    let rung = common_rung(question, &candidates);
                    score(question.policy, &weigh(question, rung, &candidates))
                };
                self.scores_differ += u64::from(scores(&logged) != scores(&other));
            }
            LoggedAnswer::Preempt { .. } => {}
        }
    }
}

fn judged(question: &Question<'_>, candidates: &[Candidate<'_>]) -> (Vec<Option<NodeCost>>, Verdict) {
    let rung = common_rung(question, candidates);
    let costs = weigh(question, rung, candidates);
    let verdict = filter(question, rung, candidates, &costs);
    (costs, verdict)
}

/// The cheapest of those kept.
fn preferred(costs: &[Option<NodeCost>], verdict: &Verdict) -> Option<usize> {
    let kept = costs.iter().zip(&verdict.kept).enumerate();
    let known = kept.filter_map(|(place, (cost, kept))| Some((place, cost.as_ref().filter(|_| *kept)?.total())));
    known.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(place, _)| place)
}
