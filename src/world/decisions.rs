use super::bindings::BindOutcome;
use super::record::{Asked, Offered, PodId, Record, Stage};
use heliotrope_core::accounting::{Choice, Offered as Acceptable};
use heliotrope_core::grid::ZoneId;
use heliotrope_core::placement::{GroupChoice, GroupOutcome, NodeCost, Policy, Refusal, edge};
use heliotrope_core::quantity::{Rung, Source, Watts};
use heliotrope_core::snapshot::{
    Coefficient, DomainIx, DomainKey, HostScope, NodeIx, NodeRegion, PowerRung, Snapshot,
};
use heliotrope_core::workload::{Exemption, GroupKey, Workload};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Pods remembered.
const MAX_PODS: usize = 4096;
/// Candidate rows kept over all pods: about 25 MB.
const MAX_ROWS: usize = 200_000;
/// Rows that a decision keeps when the budget is spent: the cheapest.
const TRIMMED_ROWS: usize = 16;

/// One candidate of a recorded decision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    /// Node name.
    pub node: Arc<str>,
    /// Grid zone.
    pub zone: Option<ZoneId>,
    /// Where it stands, as far as a gang must not be split over it; only told of candidates for members of gangs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<NodeRegion>,
    /// GPU model.
    pub model: Option<Arc<str>>,
    /// Whether it ran anything.
    pub awake: bool,
    /// How good its power figure was.
    pub power_rung: Option<PowerRung>,
    /// Watts measured on its boards.
    pub measured_watts: Option<f64>,
    /// Idle watts of one of its boards, with their source.
    pub bare: Option<Coefficient>,
    /// What the first context adds.
    pub context: Option<Coefficient>,
    /// What full use adds to that.
    pub slope: Option<Coefficient>,
    /// Watts measured of its host.
    pub host_watts: Option<f64>,
    /// What is in them.
    pub host_scope: Option<HostScope>,
    /// Who said what the intensity is.
    pub carbon_source: Option<Source>,
    /// Whether its provider estimated it.
    pub carbon_estimated: Option<bool>,
    /// The power domains that it stands in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<DomainView>,
    /// Watts by which the pod may raise what is committed of its GPUs, which must fit under caps; `None` where the model is
    /// unknown.
    pub booked_gpu_watts: Option<f64>,
    /// Samples of its owner's pods behind that, where it is not by the most that boards can draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booked_samples: Option<u32>,
    /// What it costs.
    pub cost: Option<NodeCost>,
    /// The rule that refused it.
    pub refused: Option<Refusal>,
    /// Whether filter offered it.
    pub offered: bool,
    /// Its score; `None` until prioritize was called.
    pub score: Option<u8>,
}

/// A power domain of a candidate as it stood when the pod was judged, in watts of GPUs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainView {
    /// Which.
    #[serde(flatten)]
    pub key: Arc<DomainKey>,
    /// Its cap.
    pub cap_gpu_watts: f64,
    /// What pods of this one's priority may fill of it.
    pub usable_gpu_watts: f64,
    /// What was drawn, or might come to be by what was bound.
    pub committed_gpu_watts: f64,
    /// The part of it that telemetry could not show yet.
    pub unseen_gpu_watts: f64,
    /// What other pods were promised that were not bound yet.
    pub reserved_gpu_watts: f64,
}

/// The gang of a pod, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupView {
    /// Which gang.
    pub key: GroupKey,
    /// The region chosen for the pod.
    pub region: NodeRegion,
    /// How it was found.
    pub outcome: GroupOutcome,
    /// Members that were still to be bound, this one among them.
    pub to_come: u32,
}

/// Grams where a pod is and where it should have gone, if both are known.
type GramsHereAndThere = Option<(f64, f64)>;

/// One recorded decision: the last attempt to place a pod.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionView {
    /// `namespace/name`.
    pub pod: String,
    /// UID.
    pub uid: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// Number of the snapshot.
    pub generation: u64,
    /// Why nothing was decided.
    pub exempt: Option<Exemption>,
    /// The pod as read.
    pub workload: Option<Workload>,
    /// The rung of the comparison.
    pub rung: Option<Rung>,
    /// The pod's gang and its region; nothing for a pod in none.
    pub group: Option<GroupView>,
    /// Candidates, cheapest first, unknown last; only the cheapest when the log was full.
    pub candidates: Vec<CandidateView>,
    /// How many candidates there were.
    pub offered_to_us: usize,
    /// What there was to choose from; whatever rows are cut, it stays.
    pub choice: Option<Choice>,
    /// Whether rows were cut.
    #[serde(skip)]
    pub(super) cut: bool,
    /// What the administrator had decided; nothing for a pod that was exempt.
    #[serde(skip)]
    pub(super) policy: Option<Arc<Policy>>,
    /// Candidates that the snapshot did not know, by name, and how many more of them there were.
    #[serde(skip)]
    pub(super) unknown: (Vec<Arc<str>>, usize),
    /// Where it was bound.
    pub bound: Option<Arc<str>>,
    /// Where that node stood.
    pub outcome: Option<BindOutcome>,
}

impl DecisionView {
    /// The cheapest node offered.
    #[must_use]
    pub fn preferred(&self) -> Option<&CandidateView> {
        self.candidates
            .iter()
            .find(|candidate| candidate.offered && candidate.cost.is_some())
    }

    /// A filter call, `band` being the share within which costs are equal; `None` for another one.
    pub(super) fn filtered(record: &Record, band: f64) -> Option<Self> {
        let Stage::Filter {
            asked,
            offered,
            weighed,
            refused,
            kept,
            reserved,
            group,
        } = &record.stage
        else {
            return None;
        };
        let answers = weighed.costs.iter().zip(refused).zip(kept);
        let rows = offered.places.iter().zip(answers);
        let mut candidates: Vec<CandidateView> = rows
            .filter_map(|(ix, ((cost, refused), kept))| {
                Some(CandidateView {
                    refused: *refused,
                    offered: *kept,
                    ..row(asked, reserved, (*ix)?, weighed.rung, *cost)?
                })
            })
            .collect();
        let key = |view: &CandidateView| view.cost.map_or(f64::INFINITY, |cost| cost.total());
        candidates.sort_by(|a, b| key(a).total_cmp(&key(b)));
        Some(Self {
            generation: asked.snapshot.generation,
            group: group.and_then(|choice| group_view(&asked.snapshot, &asked.workload, choice)),
            workload: Some(asked.workload.clone()),
            rung: weighed.rung,
            policy: Some(Arc::clone(&asked.policy)),
            unknown: unknown(offered),
            offered_to_us: offered.places.len(),
            choice: Some(choice(&candidates, band)),
            candidates,
            ..empty(&record.pod, record.at)
        })
    }

    /// Where the pod should have gone and what it costs in grams here and there, if it was steered and strayed. A node as good as the
    /// preferred one is no straying, and of a pod that was not steered nobody promised anything.
    pub(super) fn strayed(&self, node: &str) -> Option<(Arc<str>, GramsHereAndThere)> {
        let steered = self.workload.as_ref()?.mode.steers();
        let strayed = matches!(self.outcome?, BindOutcome::Outvoted | BindOutcome::NotOffered);
        let preferred = self.preferred().filter(|preferred| preferred.node.as_ref() != node)?;
        let grams = |row: &CandidateView| row.cost.map(|cost| cost.grams);
        let here = self
            .candidates
            .iter()
            .find(|row| row.node.as_ref() == node)
            .and_then(grams);
        (steered && strayed).then(|| (Arc::clone(&preferred.node), here.zip(grams(preferred))))
    }

    /// Where a node stood, `band` being the share within which costs are equal.
    pub(super) fn outcome(&self, node: &str, band: f64) -> BindOutcome {
        if self.exempt.is_some() {
            return BindOutcome::Exempt;
        }
        let Some(chosen) = self.candidates.iter().find(|candidate| candidate.node.as_ref() == node) else {
            // A node that the snapshot did not know has no row, and the log may have been trimmed.
            let complete = self.candidates.len() == self.offered_to_us;
            return if complete {
                BindOutcome::NotOffered
            } else {
                BindOutcome::Unpriced
            };
        };
        if !chosen.offered {
            return BindOutcome::NotOffered;
        }
        let (Some(cost), Some(best)) = (chosen.cost, self.preferred().and_then(|best| best.cost)) else {
            return BindOutcome::Unpriced;
        };
        match cost.total() {
            total if total <= edge(best.total(), 0.0) => BindOutcome::Top,
            total if total <= edge(best.total(), band) => BindOutcome::InBand,
            _ => BindOutcome::Outvoted,
        }
    }
}

/// The last decisions, bounded in pods and in candidate rows.
#[derive(Debug, Default)]
pub struct DecisionLog {
    by_uid: HashMap<Arc<str>, DecisionView>,
    order: VecDeque<Arc<str>>,
    rows: usize,
}

impl DecisionLog {
    /// The decision about a pod, by `namespace/name`; the latest when a name was used again.
    #[must_use]
    pub fn find(&self, pod: &str) -> Option<&DecisionView> {
        self.by_uid
            .values()
            .filter(|decision| decision.pod == pod)
            .max_by_key(|decision| decision.at)
    }

    /// Every decision remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &DecisionView> {
        self.order.iter().filter_map(|uid| self.by_uid.get(uid))
    }

    /// The decision about a pod.
    pub(super) fn get(&self, uid: &str) -> Option<&DecisionView> {
        self.by_uid.get(uid)
    }

    /// Takes a record in; `band` is the share within which costs are equal.
    pub(super) fn record(&mut self, record: &Record, band: f64) {
        let Record { pod, at, stage } = record;
        match stage {
            Stage::Exempt(exemption) => {
                let mut view = empty(pod, *at);
                view.exempt = Some(*exemption);
                self.put(view);
            }
            Stage::Filter { .. } => {
                if let Some(view) = DecisionView::filtered(record, band) {
                    self.put(view);
                }
            }
            Stage::Prioritize {
                asked, offered, scores, ..
            } => {
                let Some(view) = self.by_uid.get_mut(&pod.uid) else {
                    return;
                };
                let places = offered.places.iter();
                let names = places.map(|ix| Some(asked.snapshot.node((*ix)?)?.name.as_ref()));
                let by_name: HashMap<&str, u8> =
                    names.zip(scores).filter_map(|(name, s)| Some((name?, *s))).collect();
                for candidate in &mut view.candidates {
                    candidate.score = by_name.get(candidate.node.as_ref()).copied();
                }
            }
            // Who may be evicted says nothing about where the pod goes.
            Stage::Preempt { .. } => {}
        }
    }

    /// Notes where a pod was bound; tells where that node stood, the first time only. `None` for a pod seen bound before.
    pub(super) fn bound(&mut self, uid: &str, node: &Arc<str>, band: f64) -> Option<BindOutcome> {
        let Some(view) = self.by_uid.get_mut(uid) else {
            return Some(BindOutcome::Bypassed);
        };
        if view.bound.is_some() {
            return None;
        }
        let outcome = view.outcome(node, band);
        view.bound = Some(Arc::clone(node));
        view.outcome = Some(outcome);
        Some(outcome)
    }

    fn put(&mut self, view: DecisionView) {
        self.rows += view.candidates.len();
        let uid = Arc::clone(&view.uid);
        if let Some(old) = self.by_uid.insert(Arc::clone(&uid), view) {
            self.rows -= old.candidates.len();
        } else {
            self.order.push_back(uid);
        }
        while self.order.len() > MAX_PODS {
            let oldest = self.order.pop_front().and_then(|uid| self.by_uid.remove(&uid));
            self.rows -= oldest.map_or(0, |view| view.candidates.len());
        }
        if self.rows > MAX_ROWS {
            self.trim();
        }
    }

    /// Cuts the oldest decisions to their cheapest candidates until half the budget is free, so that this is rare.
    fn trim(&mut self) {
        for uid in &self.order {
            if self.rows <= MAX_ROWS / 2 {
                return;
            }
            if let Some(view) = self.by_uid.get_mut(uid) {
                self.rows -= view.candidates.len().saturating_sub(TRIMMED_ROWS);
                view.cut |= view.candidates.len() > TRIMMED_ROWS;
                view.unknown.1 += std::mem::take(&mut view.unknown.0).len();
                view.candidates.truncate(TRIMMED_ROWS);
                view.candidates.shrink_to_fit();
            }
        }
    }
}

fn group_view(snapshot: &Snapshot, workload: &Workload, choice: GroupChoice) -> Option<GroupView> {
    Some(GroupView {
        key: workload.group.as_ref()?.key.clone(),
        region: snapshot.region(choice.region)?.clone(),
        outcome: choice.outcome,
        to_come: choice.to_come,
    })
}

fn empty(pod: &PodId, at: Timestamp) -> DecisionView {
    DecisionView {
        pod: format!("{}/{}", pod.namespace, pod.name),
        uid: Arc::clone(&pod.uid),
        at,
        generation: 0,
        exempt: None,
        workload: None,
        rung: None,
        group: None,
        candidates: Vec::new(),
        offered_to_us: 0,
        choice: None,
        cut: false,
        policy: None,
        unknown: (Vec::new(), 0),
        bound: None,
        outcome: None,
    }
}

/// Names that meant nothing, and how many more there were.
fn unknown(offered: &Offered) -> (Vec<Arc<str>>, usize) {
    let whole = offered.templates.iter().flatten().count();
    let known = offered.places.iter().flatten().count() + whole;
    let unknown = offered.places.len().saturating_sub(known);
    (offered.unknown.clone(), unknown.saturating_sub(offered.unknown.len()))
}

fn domains(snapshot: &Snapshot, ix: NodeIx, reserved: &[Watts], priority: i32) -> Vec<DomainView> {
    let view = |ix: &DomainIx| {
        let domain = snapshot.domain(*ix)?;
        let reserved = usize::try_from(ix.0).ok().and_then(|ix| reserved.get(ix));
        let rule = snapshot.surroundings.domains.get(domain.rule);
        let share = rule.map_or(1.0, |rule| rule.share(priority).get());
        Some(DomainView {
            key: Arc::clone(&domain.key),
            cap_gpu_watts: domain.cap.get(),
            usable_gpu_watts: domain.cap.get() * share,
            committed_gpu_watts: domain.committed.get(),
            unseen_gpu_watts: domain.unseen.get(),
            reserved_gpu_watts: reserved.map_or(0.0, |watts| watts.get()),
        })
    };
    let standing = snapshot.node(ix).map(|node| node.domains.iter());
    standing.into_iter().flatten().filter_map(view).collect()
}

/// What the candidates that no rule refuses amount to.
fn choice(candidates: &[CandidateView], band: f64) -> Choice {
    let acceptable = candidates.iter().filter(|candidate| candidate.refused.is_none());
    let offered = acceptable.map(|candidate| Acceptable {
        zone: candidate.zone.as_ref().map(ZoneId::as_str),
        model: candidate.model.as_deref(),
        cost: candidate.cost.as_ref(),
    });
    Choice::of(offered, band)
}

/// One candidate; `reserved` is what was promised to others in each power domain.
fn row(
    asked: &Asked,
    reserved: &[Watts],
    ix: NodeIx,
    rung: Option<Rung>,
    cost: Option<NodeCost>,
) -> Option<CandidateView> {
    let snapshot = &asked.snapshot;
    let node = snapshot.node(ix)?;
    let zone = node.zone.and_then(|zone| snapshot.zone(zone));
    let profile = node
        .model
        .and_then(|model| snapshot.surroundings.catalogue.profile(model));
    let view = rung.and_then(|rung| zone?.view(rung));
    let figure = snapshot.surroundings.bookings.figure;
    let in_gang = asked.workload.group.is_some();
    let region = node
        .region
        .filter(|_| in_gang)
        .and_then(|region| snapshot.region(region));
    Some(CandidateView {
        node: Arc::clone(&node.name),
        zone: zone.map(|zone| zone.id.clone()),
        region: region.cloned(),
        model: profile.map(|profile| Arc::clone(&profile.model)),
        awake: node.awake,
        power_rung: Some(node.power.rung),
        measured_watts: node.power.watts.map(f64::from),
        bare: node.bare,
        context: node.context,
        slope: node.slope,
        host_watts: node.host_watts.as_ref().map(|host| host.reading.value.get()),
        host_scope: node.host_watts.as_ref().map(|host| host.scope),
        carbon_source: view.map(|view| view.source.clone()),
        carbon_estimated: view.map(|view| view.estimated),
        domains: domains(snapshot, ix, reserved, asked.workload.priority),
        booked_gpu_watts: node.gain_of(&asked.workload, figure).map(f64::from),
        booked_samples: node.draw(&asked.workload, figure).map(|draw| draw.samples),
        cost,
        refused: None,
        offered: false,
        score: None,
    })
}
