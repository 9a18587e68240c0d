use super::candidate::Candidate;
use super::caps::Rooms;
use super::cost::NodeCost;
use super::group::{GroupChoice, choose};
use super::policy::ROUNDING;
use super::question::Question;
use crate::quantity::Rung;
use crate::snapshot::NodeState;
use crate::workload::Mode;
use serde::{Deserialize, Serialize};

/// The one text of every refusal. kube-scheduler tries a pod again whenever the text of its condition changes, so a text
/// that names a rule or a number makes an endless loop. Which rule it was stands in metrics and explanations.
pub const REFUSAL_TEXT: &str = "refused by heliotrope policy";

/// Which rule refused a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The policy or the pod does not allow its zone.
    Zone,
    /// Its zone is above the ceiling.
    Ceiling,
    /// A power domain that it stands in has no room under its cap.
    PowerCap,
    /// It is not in the region of the pod's gang.
    Group,
    /// In strict mode it costs more than the best and the band.
    OutsideBand,
}

impl Refusal {
    /// Every rule, in the order in which they are looked at.
    pub const ALL: [Self; 5] = [
        Self::Zone,
        Self::Ceiling,
        Self::PowerCap,
        Self::Group,
        Self::OutsideBand,
    ];

    /// The name used in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Ceiling => "ceiling",
            Self::PowerCap => "power-cap",
            Self::Group => "group",
            Self::OutsideBand => "outside-band",
        }
    }
}

/// What filter says of each candidate, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why each candidate is refused; `None` for those accepted.
    pub refused: Vec<Option<Refusal>>,
    /// Whether each candidate is in the answer: accepted and not narrowed away.
    pub kept: Vec<bool>,
    /// The region of the pod's gang; `None` for a pod in none.
    pub group: Option<GroupChoice>,
}

/// Judges the candidates.
#[must_use]
pub fn filter(
    question: &Question<'_>,
    rung: Option<Rung>,
    candidates: &[Candidate<'_>],
    costs: &[Option<NodeCost>],
) -> Verdict {
    let snapshot = question.snapshot;
    let mut refused: Vec<Option<Refusal>> = candidates
        .iter()
        .map(|candidate| by_zone(candidate.node(snapshot)?, question))
        .collect();
    let rooms = Rooms::of(question);
    if let Some(rooms) = &rooms {
        refuse(&mut refused, candidates, |candidate| {
            (!rooms.fit(candidate)).then_some(Refusal::PowerCap)
        });
    }
    // Before the band: the best that counts is the best of the gang's region.
    let out = |place: usize| refused.get(place).is_some_and(Option::is_some);
    let group = choose(question, candidates, out, costs);
    let region = group.filter(GroupChoice::restricts).map(|choice| choice.region);
    let region_of = |candidate: &Candidate<'_>| candidate.node(snapshot).and_then(|node| node.region);
    if region.is_some() {
        refuse(&mut refused, candidates, |candidate| {
            let elsewhere = region_of(candidate).filter(|of| Some(*of) != region);
            elsewhere.map(|_| Refusal::Group)
        });
    }
    if let Some(limit) = strict_limit(question, rung, &refused, costs) {
        refuse(&mut refused, costs, |cost| {
            cost.filter(|cost| cost.total() > limit).map(|_| Refusal::OutsideBand)
        });
    }
    let mut kept: Vec<bool> = refused.iter().map(Option::is_none).collect();
    if let Some(limit) = narrow_limit(question, &refused, costs) {
        for (kept, cost) in kept.iter_mut().zip(costs) {
            *kept &= cost.is_none_or(|cost| cost.total() <= limit);
        }
    }
    if region.is_some() {
        // Nobody knows that they are in another region, so they are not refused; but the gang's region has others.
        for (kept, candidate) in kept.iter_mut().zip(candidates) {
            *kept &= region_of(candidate).is_some();
        }
    }
    if let Some(rooms) = rooms {
        rooms.narrow(candidates, costs, &mut kept);
    }
    Verdict { refused, kept, group }
}

/// Holds a rule against those that no rule has refused yet.
fn refuse<T>(refused: &mut [Option<Refusal>], each: &[T], rule: impl Fn(&T) -> Option<Refusal>) {
    let open = refused.iter_mut().zip(each).filter(|(refused, _)| refused.is_none());
    open.for_each(|(refused, one)| *refused = rule(one));
}

/// The largest cost that strict mode accepts. A figure that is not live or last known ranks nodes, but refuses none.
fn strict_limit(
    question: &Question<'_>,
    rung: Option<Rung>,
    refused: &[Option<Refusal>],
    costs: &[Option<NodeCost>],
) -> Option<f64> {
    let trusted = rung.is_some_and(|rung| rung <= Rung::LastKnown);
    let strict = question.workload.mode == Mode::Strict && trusted;
    let best = || accepted(refused, costs).fold(f64::INFINITY, f64::min);
    strict.then(|| question.policy.within_band(best()))
}

/// The known costs of those not refused.
fn accepted(refused: &[Option<Refusal>], costs: &[Option<NodeCost>]) -> impl Iterator<Item = f64> {
    let accepted = costs.iter().zip(refused).filter(|(_, refused)| refused.is_none());
    accepted.filter_map(|(cost, _)| cost.as_ref().map(NodeCost::total))
}

fn by_zone(node: &NodeState, question: &Question<'_>) -> Option<Refusal> {
    let zone = question.snapshot.zone(node.zone?)?;
    if !question.workload.zones.allows(&zone.id) {
        return Some(Refusal::Zone);
    }
    let trusted = zone.view(Rung::Live).or_else(|| zone.view(Rung::LastKnown))?;
    (trusted.now > question.policy.ceiling?).then_some(Refusal::Ceiling)
}

/// The largest cost that narrowing keeps: the k-th cheapest or the band's edge, whichever is more. Off for pods whose
/// preferences need the wide choice. Nodes of unknown cost are always kept: they are not refused for lack of data.
fn narrow_limit(question: &Question<'_>, refused: &[Option<Refusal>], costs: &[Option<NodeCost>]) -> Option<f64> {
    let Question { policy, workload, .. } = *question;
    let keep = policy.keep.filter(|_| !workload.prefers)?.max(1);
    let mut ranked = Vec::with_capacity(costs.len());
    ranked.extend(accepted(refused, costs));
    if ranked.len() <= keep {
        return None;
    }
    let (below, kth, _) = ranked.select_nth_unstable_by(keep - 1, f64::total_cmp);
    let best = below.iter().copied().fold(*kth, f64::min);
    // Nodes that tie with the k-th by design are kept together with it.
    Some((*kth + kth.abs() * ROUNDING).max(policy.within_band(best)))
}
