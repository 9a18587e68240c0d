use super::decisions::{CandidateView, DecisionView, DomainView, GroupView};
use heliotrope_core::grid::ZoneId;
use heliotrope_core::placement::{CostGap, NodeCost, Policy, ROUNDING_WATTS, Refusal};
use heliotrope_core::quantity::{GramsPerKwh, Ratio};
use heliotrope_core::snapshot::NodeRegion;
use heliotrope_core::workload::{Exemption, Mode};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Why a pod is not where somebody expects it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyNot {
    /// `namespace/name`.
    pub pod: String,
    /// The node asked about.
    pub node: String,
    /// When it was decided.
    pub at: Timestamp,
    /// The pod's mode; nothing for a pod that was exempt.
    pub mode: Option<Mode>,
    /// Whether kube-scheduler was told: in shadow it was answered neutrally.
    pub steered: bool,
    /// Where the pod was bound.
    pub bound: Option<Arc<str>>,
    /// What was decided about the node.
    #[serde(flatten)]
    pub reason: Reason,
}

/// What was decided about a node.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Reason {
    /// Nothing was decided about the pod.
    Exempt {
        /// Why.
        exemption: Exemption,
    },
    /// kube-scheduler did not offer it.
    NotOffered {
        /// Nodes that it offered.
        offered: usize,
        /// Offered names that the snapshot did not know and that are not remembered: it may be one of them.
        unnamed: usize,
    },
    /// kube-scheduler offered it, and the snapshot did not know it: it was neither weighed nor refused.
    UnknownNode,
    /// What was decided about the node is not remembered any more: only the cheapest rows are.
    Forgotten,
    /// A rule refused it.
    Refused(Box<Refused>),
    /// Filter left it out of the answer, though no rule refuses it.
    LeftOut {
        /// Why.
        by: Narrowing,
        /// Its place by cost among the nodes that no rule refused, from 1.
        rank: usize,
        /// How many of those were kept.
        kept: usize,
        /// What it costs, in grams; nothing where that is not known.
        grams: Option<f64>,
        /// Grams more than the preferred node.
        more: Option<f64>,
    },
    /// It was in the answer, and its cost is not known: it got the median of the scores.
    Unpriced {
        /// What is not known.
        missing: Unknown,
        /// Its score; nothing until prioritize was called.
        score: Option<u8>,
    },
    /// It is the preferred node.
    Preferred {
        /// Its score.
        score: Option<u8>,
    },
    /// It was in the answer, and another one was preferred.
    Scored {
        /// Its score.
        score: Option<u8>,
        /// The preferred node.
        preferred: Arc<str>,
        /// That node's score.
        preferred_score: Option<u8>,
        /// Points by which it was scored lower, of ten.
        points: Option<u8>,
        /// Whether it costs as little within the band: then other plugins of the scheduler decide between the two.
        in_band: bool,
        /// What it costs, in grams.
        grams: f64,
        /// Grams more than the preferred node.
        more: f64,
        /// What these are made of.
        gap: CostGap,
    },
}

/// The rule that refused a node, with what it looks at.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Which.
    pub rule: Refusal,
    /// The node's grid zone.
    pub zone: Option<ZoneId>,
    /// Mean intensity there over the run, on the rung of the comparison.
    pub intensity: Option<GramsPerKwh>,
    /// The ceiling; only where it is the rule.
    pub ceiling: Option<GramsPerKwh>,
    /// Its power domains that have no room; only where their caps are the rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<DomainView>,
    /// Watts that must fit there.
    pub booked_gpu_watts: Option<f64>,
    /// The pod's gang; only where its region is the rule.
    pub group: Option<GroupView>,
    /// Where the node stands; likewise.
    pub region: Option<NodeRegion>,
    /// The share within which costs are equal; only where the band is the rule.
    pub band: Option<Ratio>,
    /// What it costs, in grams.
    pub grams: Option<f64>,
    /// Grams more than the preferred node.
    pub more: Option<f64>,
}

/// Why filter left out a node that no rule refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Narrowing {
    /// Others were cheaper, and `placement.keep` of them were kept.
    Keep,
    /// Nobody knows its region, and the pod's gang has nodes in one that is known.
    Region,
    /// A power domain is almost full: it is kept for pods that have no choice, or it alone was answered with.
    FullDomain,
}

/// What would have to be known for a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// The node's grid zone.
    Zone,
    /// Its GPU model.
    Model,
    /// The intensity of its zone, on the rung of the comparison.
    Intensity,
}

impl DecisionView {
    /// Why the pod is not on a node.
    #[must_use]
    pub fn why_not(&self, node: &str) -> WhyNot {
        let mode = self.workload.as_ref().map(|workload| workload.mode);
        WhyNot {
            pod: self.pod.clone(),
            node: node.to_owned(),
            at: self.at,
            mode,
            steered: mode.is_some_and(Mode::steers),
            bound: self.bound.clone(),
            reason: self.reason(node),
        }
    }

    fn reason(&self, node: &str) -> Reason {
        if let Some(exemption) = self.exempt {
            return Reason::Exempt { exemption };
        }
        let Some(row) = self.candidates.iter().find(|row| row.node.as_ref() == node) else {
            return self.without_row(node);
        };
        let grams = row.cost.as_ref().map(NodeCost::total);
        let best = self
            .preferred()
            .and_then(|best| Some((&best.node, best.score, best.cost.as_ref()?)));
        let more = grams.zip(best).map(|(grams, (_, _, best))| grams - best.total());
        if let Some(rule) = row.refused {
            return Reason::Refused(Box::new(self.refused(row, rule, more)));
        }
        if !row.offered {
            return self.left_out(row, grams, more);
        }
        let (Some(cost), Some((name, preferred_score, best))) = (row.cost.as_ref(), best) else {
            return Reason::Unpriced {
                missing: missing(row),
                score: row.score,
            };
        };
        if *name == row.node {
            return Reason::Preferred { score: row.score };
        }
        let scores = preferred_score.zip(row.score);
        Reason::Scored {
            score: row.score,
            preferred: Arc::clone(name),
            preferred_score,
            points: scores.map(|(best, own)| best.saturating_sub(own)),
            in_band: self.within_band(best.total(), cost.total()),
            grams: cost.total(),
            more: cost.total() - best.total(),
            gap: CostGap::between(cost, best),
        }
    }

    fn without_row(&self, node: &str) -> Reason {
        let (named, unnamed) = &self.unknown;
        if named.iter().any(|name| name.as_ref() == node) {
            Reason::UnknownNode
        } else if self.cut {
            Reason::Forgotten
        } else {
            Reason::NotOffered {
                offered: self.offered_to_us,
                unnamed: *unnamed,
            }
        }
    }

    fn within_band(&self, best: f64, cost: f64) -> bool {
        self.policy
            .as_ref()
            .is_some_and(|policy| cost <= policy.within_band(best))
    }

    fn left_out(&self, row: &CandidateView, grams: Option<f64>, more: Option<f64>) -> Reason {
        let accepted = || self.candidates.iter().filter(|row| row.refused.is_none());
        let costs = || accepted().filter_map(|row| row.cost.as_ref()).map(NodeCost::total);
        let cheaper = costs().filter(|cost| grams.is_none_or(|grams| *cost < grams)).count();
        // Narrowing by cost leaves out whoever is neither among the cheapest nor as good as the best.
        let dear = |policy: &Arc<Policy>| {
            let keep = policy
                .keep
                .filter(|_| !self.workload.as_ref().is_some_and(|pod| pod.prefers));
            let best = costs().fold(f64::INFINITY, f64::min);
            keep.is_some_and(|keep| cheaper >= keep.max(1))
                && grams.is_some_and(|grams| grams > policy.within_band(best))
        };
        let by = if self.policy.as_ref().is_some_and(dear) {
            Narrowing::Keep
        } else if self.group.is_some() && row.region.is_none() {
            Narrowing::Region
        } else {
            Narrowing::FullDomain
        };
        Reason::LeftOut {
            by,
            rank: 1 + cheaper,
            kept: accepted().filter(|row| row.offered).count(),
            grams,
            more,
        }
    }

    fn refused(&self, row: &CandidateView, rule: Refusal, more: Option<f64>) -> Refused {
        let policy = |of: Refusal| self.policy.as_ref().filter(|_| rule == of);
        let booked = row.booked_gpu_watts.filter(|_| rule == Refusal::PowerCap);
        let full = |domain: &&DomainView| {
            let held = domain.committed_gpu_watts + domain.reserved_gpu_watts + booked.unwrap_or(0.0);
            held > domain.usable_gpu_watts + ROUNDING_WATTS
        };
        let domains = row.domains.iter().filter(|_| rule == Refusal::PowerCap).filter(full);
        let in_group = rule == Refusal::Group;
        Refused {
            rule,
            zone: row.zone.clone(),
            intensity: row.cost.as_ref().map(|cost| cost.intensity),
            ceiling: policy(Refusal::Ceiling).and_then(|policy| policy.ceiling),
            domains: domains.cloned().collect(),
            booked_gpu_watts: booked,
            group: self.group.clone().filter(|_| in_group),
            region: row.region.clone().filter(|_| in_group),
            band: policy(Refusal::OutsideBand).map(|policy| policy.band),
            grams: row.cost.as_ref().map(NodeCost::total),
            more,
        }
    }
}

fn missing(row: &CandidateView) -> Unknown {
    match (&row.zone, &row.model) {
        (None, _) => Unknown::Zone,
        (_, None) => Unknown::Model,
        _ => Unknown::Intensity,
    }
}
