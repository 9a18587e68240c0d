use super::candidate::Candidate;
use super::policy::{Policy, Throughput};
use super::question::Question;
use super::stranded;
use crate::gpu::ModelIx;
use crate::quantity::{GramsPerKwh, JOULES_PER_KWH, Rung, Watts};
use crate::snapshot::{CoefficientSource, GpuSlots, NodeState, Snapshot, ZoneIx};
use crate::workload::{Horizon, Workload};
use jiff::SignedDuration;
use serde::Serialize;

/// What a workload costs on one node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NodeCost {
    /// Carbon over the work's duration.
    pub grams: f64,
    /// λ · Δ stranded GPUs.
    pub stranded_grams: f64,
    /// Energy over the work's duration, facility overhead included.
    pub joules: f64,
    /// Watts added, wake share included, facility overhead left out.
    pub watts: Watts,
    /// The part of `watts` that waking the node costs.
    pub wake: Watts,
    /// How surely another pod was promised the node, from 0 to 1: by so much it is awake already.
    pub promised: f64,
    /// Run time on this node.
    pub seconds: f64,
    /// Mean intensity over the run time.
    pub intensity: GramsPerKwh,
    /// Where the idle watts come from.
    pub coefficient: CoefficientSource,
}

impl NodeCost {
    /// What nodes are ranked by while any grid has carbon in it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.grams + self.stranded_grams
    }
}

/// The rung that most candidates' zones have, and of several the best: that is the best one that all have, where they
/// have one in common. Zones that the workload may not use do not vote, and those that have no rung at all cannot: they
/// must not drag the others down to a rung of their own. For services the usual day comes before the hour, and for
/// what a volume pins the usual year before the day.
#[must_use]
pub fn common_rung(question: &Question<'_>, candidates: &[Candidate<'_>]) -> Option<Rung> {
    const JOB: [Rung; 5] = Rung::ALL;
    const SERVICE: [Rung; 5] = [
        Rung::Climatology,
        Rung::Live,
        Rung::LastKnown,
        Rung::Forecast,
        Rung::Static,
    ];
    const VOLUME: [Rung; 5] = [
        Rung::Static,
        Rung::Climatology,
        Rung::Forecast,
        Rung::LastKnown,
        Rung::Live,
    ];
    let Question { snapshot, workload, .. } = *question;
    let mut votes = vec![0_usize; snapshot.zones().len()];
    for zone in candidates.iter().filter_map(|candidate| candidate.node(snapshot)?.zone) {
        if let Some(count) = votes.get_mut(usize::from(zone.0)) {
            *count += 1;
        }
    }
    let support = |rung: Rung| -> usize {
        let voting = snapshot.zones().iter().zip(&votes);
        voting
            .filter(|(zone, count)| **count > 0 && zone.view(rung).is_some() && workload.zones.allows(&zone.id))
            .map(|(_, count)| count)
            .sum()
    };
    let order = match workload.duration.horizon {
        Horizon::Job => JOB,
        Horizon::Service => SERVICE,
        Horizon::Volume => VOLUME,
    };
    let supported = order.map(|rung| (rung, support(rung)));
    // `max_by_key` takes the last of equals, and the best rung must win: hence the reversal.
    let (rung, votes) = supported.into_iter().rev().max_by_key(|(_, votes)| *votes)?;
    (votes > 0).then_some(rung)
}

/// What the workload costs on each candidate, in their order. `None` where zone, model or intensity is not known.
#[must_use]
pub fn weigh(question: &Question<'_>, rung: Option<Rung>, candidates: &[Candidate<'_>]) -> Vec<Option<NodeCost>> {
    let Some(rung) = rung else {
        return vec![None; candidates.len()];
    };
    let mut scale = Scale::new(question, rung);
    candidates
        .iter()
        .map(|candidate| scale.weigh(candidate.node(question.snapshot)?))
        .collect()
}

/// What is the same for all nodes of one model, and for all nodes of one model in one zone: computed once a request.
struct Scale<'a> {
    question: &'a Question<'a>,
    rung: Rung,
    /// Boards asked for, as long as no node is known.
    gpus: f64,
    /// What pending pods ask for over what this one does.
    pending: f64,
    /// Watts that the pod adds on the host.
    host: Watts,
    /// The model that durations are stated on.
    reference: Option<ModelIx>,
    /// Run time by model for the boards asked for. It is the model's and not the node's: nodes with one model do the work
    /// in one time.
    spans: Vec<Option<SignedDuration>>,
    /// Mean intensity by zone and model, looked up when first needed.
    means: Vec<Option<GramsPerKwh>>,
}

impl<'a> Scale<'a> {
    fn new(question: &'a Question<'a>, rung: Rung) -> Self {
        let Question {
            snapshot,
            workload,
            policy,
            ..
        } = *question;
        let around = &snapshot.surroundings;
        let profiles = around.catalogue.profiles();
        let host = around.host.share(workload.cpu_milli, workload.memory_bytes);
        let gpus = GpuSlots::default().share(workload.gpus);
        let waiting = f64::from(snapshot.pending.of(workload.gpus.resource.vendor));
        let mut scale = Self {
            question,
            rung,
            gpus,
            pending: waiting / f64::from(workload.gpus.milli().max(1)),
            host,
            reference: around.catalogue.find(&policy.reference_model),
            spans: Vec::new(),
            means: vec![None; profiles.len() * snapshot.zones().len()],
        };
        let models = (0..).map(ModelIx).take(profiles.len());
        scale.spans = models.map(|model| scale.span(model, gpus)).collect();
        scale
    }

    /// How long the work takes on boards of a model. A share of a board is compared with the same share of a board of the
    /// reference model.
    fn span(&self, model: ModelIx, gpus: f64) -> Option<SignedDuration> {
        let Question {
            snapshot,
            workload,
            policy,
            ..
        } = *self.question;
        let ratio = slowness(snapshot, workload, policy, (self.reference, model), gpus)?;
        SignedDuration::try_from_secs_f64(workload.duration.span.as_secs_f64() * ratio).ok()
    }

    /// How long the work takes on a node, and the mean intensity meanwhile. Nodes that hand out whole boards share what
    /// was computed by model.
    fn on(&mut self, node: &NodeState, gpus: f64) -> Option<(SignedDuration, GramsPerKwh)> {
        let (zone, model) = (node.zone?, node.model?);
        if gpus.total_cmp(&self.gpus).is_eq() {
            let span = (*self.spans.get(usize::from(model.0))?)?;
            return Some((span, self.mean(zone, model, span)?));
        }
        let span = self.span(model, gpus)?;
        let series = &self.question.snapshot.zone(zone)?.view(self.rung)?.series;
        Some((span, series.mean(self.question.now, span)))
    }

    fn weigh(&mut self, node: &NodeState) -> Option<NodeCost> {
        let bare = node.bare?;
        let gpus = node.slots.share(self.question.workload.gpus);
        let (span, intensity) = self.on(node, gpus)?;
        let wake = self.wake_share(node, gpus);
        let watts = wake + node.active(self.question.workload.utilisation)? * gpus + self.host;
        let seconds = span.as_secs_f64();
        let joules = watts.get() * seconds * node.pue;
        let stranded = self.question.policy.stranded.get();
        let cost = NodeCost {
            grams: joules * intensity.get() / JOULES_PER_KWH,
            stranded_grams: if stranded > 0.0 {
                stranded * stranded::added(node, self.question)
            } else {
                0.0
            },
            joules,
            watts,
            wake,
            promised: self.promised(node),
            seconds,
            intensity,
            coefficient: bare.source,
        };
        // An ask beyond all measure overflows; such a cost is not known, rather than infinite.
        (cost.total().is_finite() && cost.joules.is_finite()).then_some(cost)
    }

    /// Waking a node serves all that will run on it: the pod pays the share of the GPUs it asks for among those asked
    /// for now, by it and by the pods that wait, up to what the node has. A node promised to another pod is awake by then.
    fn wake_share(&self, node: &NodeState, gpus: f64) -> Watts {
        if node.awake || gpus <= 0.0 {
            return Watts::ZERO;
        }
        // A node that reports no boards (they are handed out another way) is woken for this pod alone.
        let boards = node.slots.boards() as f64;
        let sharing = boards.min(gpus.max(self.pending * gpus)).max(gpus);
        node.wake() * (gpus / sharing) * (1.0 - self.promised(node))
    }

    fn promised(&self, node: &NodeState) -> f64 {
        self.question.bookings.share_of(&node.name, self.question.uid)
    }

    fn mean(&mut self, zone: ZoneIx, model: ModelIx, span: SignedDuration) -> Option<GramsPerKwh> {
        let at = usize::from(zone.0) * self.spans.len() + usize::from(model.0);
        let slot = self.means.get_mut(at)?;
        if slot.is_none() {
            let zone = self.question.snapshot.zone(zone)?;
            *slot = Some(zone.view(self.rung)?.series.mean(self.question.now, span));
        }
        *slot
    }
}

/// Run time of the work on the second model over that on the first, the reference model, on the same share of a board of each.
pub(super) fn slowness(
    snapshot: &Snapshot,
    workload: &Workload,
    policy: &Policy,
    (reference, model): (Option<ModelIx>, ModelIx),
    gpus: f64,
) -> Option<f64> {
    let around = &snapshot.surroundings;
    let host = around.host.share(workload.cpu_milli, workload.memory_bytes);
    let active_of = |model| Some(snapshot.figures(model)?.active(workload.utilisation) * gpus + host);
    match policy.throughput {
        // Any model will do as the unit of neutral run times; without one, watts would be ranked bare.
        Throughput::Neutral => Some(neutral_ratio(
            active_of(reference.unwrap_or(ModelIx(0)))?,
            active_of(model)?,
        )),
        mode => {
            let throughput = |model| mode.of(around.catalogue.profile(model)?);
            Some(throughput(reference?)? / throughput(model)?)
        }
    }
}

/// Neutral run time ratio: the energy of the work is the same on both.
fn neutral_ratio(reference: Watts, own: Watts) -> f64 {
    if own > Watts::ZERO {
        reference.get() / own.get()
    } else {
        1.0
    }
}
