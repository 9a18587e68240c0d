//! Caps of power domains: what a workload may come to draw must fit beside what is committed and what is promised.

use super::candidate::Candidate;
use super::cost::NodeCost;
use super::question::Question;
use crate::quantity::Watts;
use crate::snapshot::NodeState;

/// Sums of watts that agree to this are equal.
pub const ROUNDING_WATTS: f64 = 1e-3;

/// The room that each domain has for a workload of its priority, beside all others.
#[derive(Debug)]
pub(super) struct Rooms<'a> {
    question: &'a Question<'a>,
    left: Vec<f64>,
    /// The node where preemption made room for the workload: its watts are committed there already.
    own: Option<&'a NodeState>,
}

impl<'a> Rooms<'a> {
    /// Looks at every domain once; `None` where there are none.
    pub(super) fn of(question: &'a Question<'a>) -> Option<Self> {
        let Question {
            snapshot,
            workload,
            bookings,
            uid,
            ..
        } = *question;
        if snapshot.domains().is_empty() {
            return None;
        }
        let rules = &snapshot.surroundings.domains;
        let everywhere = bookings.everywhere_without(uid).get();
        let of_domain = |domain: &crate::snapshot::DomainState| {
            let share = rules
                .get(domain.rule)
                .map_or(1.0, |rule| rule.share(workload.priority).get());
            domain.cap.get() * share - domain.committed.get() - everywhere
        };
        let mut left: Vec<f64> = snapshot.domains().iter().map(of_domain).collect();
        let mut add = |ix: u32, watts: f64| {
            if let Some(left) = usize::try_from(ix).ok().and_then(|ix| left.get_mut(ix)) {
                *left += watts;
            }
        };
        for (key, watts) in bookings.reserved_without(uid) {
            if let Some(ix) = snapshot.find_domain(key) {
                add(ix.0, -watts.get());
            }
        }
        // What is held for the pod itself where preemption makes room for it does not count against it.
        let own = snapshot.nominated(uid);
        if let Some(node) = own {
            let held = node.held_for(workload.gpus).map_or(0.0, Watts::get);
            node.domains.iter().for_each(|ix| add(ix.0, held));
        }
        Some(Self { question, left, own })
    }

    /// Whether the workload fits into every domain of a candidate. Nothing is known against a node that nobody knows.
    pub(super) fn fit(&self, candidate: &Candidate<'_>) -> bool {
        let Some(node) = candidate.node(self.question.snapshot) else {
            return true;
        };
        let need = self.need(candidate, node);
        self.left_for(node) + ROUNDING_WATTS >= need
    }

    /// What the domains of a node gain: what the workload may draw, and for a node that is not as the snapshot has it,
    /// what it commits beyond.
    fn need(&self, candidate: &Candidate<'_>, node: &NodeState) -> f64 {
        let Question { snapshot, workload, .. } = *self.question;
        let own = self.own.is_some_and(|nominated| nominated.name == node.name);
        let gain = if own {
            node.held_for(workload.gpus)
        } else {
            node.gain_of(workload, snapshot.surroundings.bookings.figure)
        };
        let gain = gain.map_or(0.0, Watts::get);
        let Candidate::Given(given) = candidate else {
            return gain;
        };
        let known = snapshot.find(&given.name).and_then(|ix| snapshot.node(ix));
        let known = known.filter(|known| known.domains == given.domains);
        gain + given.commitment.watts.get() - known.map_or(0.0, |known| known.commitment.watts.get())
    }

    fn left_for(&self, node: &NodeState) -> f64 {
        let left = |ix: &crate::snapshot::DomainIx| self.left.get(usize::try_from(ix.0).ok()?).copied();
        node.domains.iter().filter_map(left).fold(f64::INFINITY, f64::min)
    }

    /// Whether a second one like it would not fit any more.
    fn is_tight(&self, candidate: &Candidate<'_>) -> bool {
        let Some(node) = candidate.node(self.question.snapshot) else {
            return false;
        };
        let need = self.need(candidate, node);
        need > 0.0 && self.left_for(node) < 2.0 * need
    }

    /// Narrows an answer so that no domain which is almost full is held for a pod that may land elsewhere: others would be
    /// refused for nothing, and no event tells kube-scheduler to try them again. Where one of the best nodes stands in
    /// roomy domains, the almost full ones are left out; else the domains of the best node are the answer.
    pub(super) fn narrow(&self, candidates: &[Candidate<'_>], costs: &[Option<NodeCost>], kept: &mut [bool]) {
        let snapshot = self.question.snapshot;
        let standing = || candidates.iter().zip(costs).zip(kept.iter()).filter(|(_, kept)| **kept);
        if !standing().any(|((candidate, _), _)| self.is_tight(candidate)) {
            return;
        }
        let of = |cost: &Option<NodeCost>| cost.as_ref().map_or(f64::INFINITY, NodeCost::total);
        let best = standing().map(|((_, cost), _)| of(cost)).fold(f64::INFINITY, f64::min);
        let edge = if best.is_finite() {
            self.question.policy.within_band(best)
        } else {
            best
        };
        let roomy = |candidate: &Candidate<'_>| !self.is_tight(candidate);
        if standing().any(|((candidate, cost), _)| of(cost) <= edge && roomy(candidate)) {
            for (kept, candidate) in kept.iter_mut().zip(candidates) {
                *kept &= roomy(candidate);
            }
            return;
        }
        let named = standing().filter_map(|((candidate, cost), _)| Some((of(cost), candidate.node(snapshot)?)));
        let chosen = named.min_by(|(a, m), (b, n)| a.total_cmp(b).then_with(|| m.name.cmp(&n.name)));
        let Some((_, chosen)) = chosen else { return };
        for (kept, candidate) in kept.iter_mut().zip(candidates) {
            let same = candidate
                .node(snapshot)
                .is_some_and(|node| node.domains == chosen.domains);
            *kept &= same;
        }
    }
}
