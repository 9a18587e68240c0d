use super::decisions::{CandidateView, DecisionView, DomainView, GroupView};
use heliotrope_core::grid::ZoneId;
use heliotrope_core::placement::{NodeCost, Refusal};
use heliotrope_core::workload::Exemption;
use serde::Serialize;
use std::sync::Arc;

/// Why a pod is not where somebody expects it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum WhyNot {
    /// Nothing was decided about the pod.
    Exempt {
        /// Why.
        exemption: Exemption,
    },
    /// There is no row of it: kube-scheduler did not offer it, or it was among the names that the snapshot did not know.
    NotOffered {
        /// Nodes that kube-scheduler offered.
        offered: usize,
        /// How many of those the snapshot did not know.
        unknown: usize,
    },
    /// What was decided about the node is not remembered any more: only the cheapest rows are.
    Forgotten,
    /// A rule refused it.
    Refused {
        /// Which.
        rule: Refusal,
        /// The node's grid zone.
        zone: Option<ZoneId>,
        /// Intensity there, in g/kWh, on the rung of the comparison.
        intensity: Option<f64>,
        /// Its power domains; only where the rule is their cap.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        domains: Vec<DomainView>,
        /// Watts that the pod would book there; only where the rule is a cap.
        booked_gpu_watts: Option<f64>,
        /// The pod's gang; only where the rule is its region.
        group: Option<GroupView>,
        /// What it costs, in grams.
        grams: Option<f64>,
        /// Grams more than the preferred node.
        more: Option<f64>,
    },
    /// Filter left it out: others were cheaper.
    LeftOut {
        /// Its place by cost among the nodes that no rule refused, from 1.
        rank: usize,
        /// How many of those were kept.
        kept: usize,
        /// What it costs, in grams; nothing where that is not known.
        grams: Option<f64>,
        /// Grams more than the preferred node.
        more: Option<f64>,
    },
    /// It was in the answer, and its cost is not known.
    Unpriced {
        /// Its score.
        score: Option<u8>,
        /// Whether the pod was bound to it all the same.
        bound: bool,
    },
    /// It is the preferred node.
    Preferred {
        /// Its score.
        score: Option<u8>,
        /// Where the pod was bound: other plugins of the scheduler may outvote.
        bound: Option<Arc<str>>,
    },
    /// It was in the answer with a score, and another one was preferred.
    Scored {
        /// Its score.
        score: Option<u8>,
        /// The preferred node.
        preferred: Arc<str>,
        /// That node's score.
        preferred_score: Option<u8>,
        /// What it costs, in grams.
        grams: f64,
        /// Grams more than the preferred node; zero is as good.
        more: f64,
        /// Where the pod was bound.
        bound: Option<Arc<str>>,
    },
}

impl DecisionView {
    /// Why the pod is not on a node.
    #[must_use]
    pub fn why_not(&self, node: &str) -> WhyNot {
        if let Some(exemption) = self.exempt {
            return WhyNot::Exempt { exemption };
        }
        let Some(row) = self.candidates.iter().find(|row| row.node.as_ref() == node) else {
            if self.cut {
                return WhyNot::Forgotten;
            }
            return WhyNot::NotOffered {
                offered: self.offered_to_us,
                unknown: self.offered_to_us.saturating_sub(self.candidates.len()),
            };
        };
        let preferred = self.preferred();
        let grams = row.cost.as_ref().map(NodeCost::total);
        let best = preferred.and_then(|best| best.cost.as_ref()).map(NodeCost::total);
        let more = grams.zip(best).map(|(grams, best)| grams - best);
        if let Some(rule) = row.refused {
            return self.refused(row, rule, more);
        }
        if !row.offered {
            return self.left_out(grams, more);
        }
        match (preferred, grams, more) {
            (Some(best), Some(grams), Some(more)) if best.node != row.node => WhyNot::Scored {
                score: row.score,
                preferred: Arc::clone(&best.node),
                preferred_score: best.score,
                grams,
                more,
                bound: self.bound.clone(),
            },
            (Some(_), Some(_), _) => WhyNot::Preferred {
                score: row.score,
                bound: self.bound.clone(),
            },
            _ => WhyNot::Unpriced {
                score: row.score,
                bound: self.bound.as_ref() == Some(&row.node),
            },
        }
    }

    fn left_out(&self, grams: Option<f64>, more: Option<f64>) -> WhyNot {
        let accepted = || self.candidates.iter().filter(|row| row.refused.is_none());
        let costs = accepted().filter_map(|row| row.cost.as_ref()).map(NodeCost::total);
        let cheaper = costs.filter(|cost| grams.is_none_or(|grams| *cost < grams)).count();
        WhyNot::LeftOut {
            rank: 1 + cheaper,
            kept: accepted().filter(|row| row.offered).count(),
            grams,
            more,
        }
    }

    fn refused(&self, row: &CandidateView, rule: Refusal, more: Option<f64>) -> WhyNot {
        let capped = rule == Refusal::PowerCap;
        WhyNot::Refused {
            rule,
            zone: row.zone.clone(),
            intensity: row.cost.as_ref().map(|cost| cost.intensity.get()),
            domains: if capped { row.domains.clone() } else { Vec::new() },
            booked_gpu_watts: row.booked_gpu_watts.filter(|_| capped),
            group: self.group.clone().filter(|_| rule == Refusal::Group),
            grams: row.cost.as_ref().map(NodeCost::total),
            more,
        }
    }
}
