use super::answer::VictimMap;
use super::memo::{Costs, Key, Memo};
use super::neutral::Neutral;
use super::offer::{Offer, candidates};
use super::placement::Placement;
use super::preempt;
use super::settings::ExtenderSettings;
use crate::cluster::Labels;
use crate::telemetry::{Clock, Metrics};
use crate::world::{PodId, Record, Stage, World};
use arc_swap::ArcSwap;
use heliotrope_core::placement::{
    Bookings, Groups, NodeCost, Question, Verdict, common_rung, expect, filter, score, weigh,
};
use heliotrope_core::quantity::Rung;
use heliotrope_core::snapshot::{NodeIx, NodeState, Snapshot};
use heliotrope_core::workload::{Exemption, Mode, PodFacts, Workload};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::mpsc;

/// A snapshot older than this means that the writer is stuck.
const STALE: SignedDuration = SignedDuration::from_secs(60);

/// Where members of gangs were sent.
static NO_GROUPS: Groups = Groups::none();

/// What every request shares.
pub struct Extender {
    pub(super) world: Arc<World>,
    pub(super) placement: Arc<ArcSwap<Placement>>,
    pub(super) labels: Labels,
    pub(super) limits: ExtenderSettings,
    pub(super) metrics: Metrics,
    pub(super) in_flight: AtomicUsize,
    clock: Clock,
    records: mpsc::Sender<Record>,
    memo: Memo,
}

impl std::fmt::Debug for Extender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extender")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why a pod is not judged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unjudged {
    /// It is none of ours.
    Exempt(Exemption),
    /// It cannot be now.
    Neutral(Neutral),
}

impl Unjudged {
    pub(super) fn outcome(self) -> &'static str {
        match self {
            Self::Exempt(exemption) => exemption.name(),
            Self::Neutral(neutral) => neutral.name(),
        }
    }
}

/// A pod with everything that it is judged by.
pub(super) struct Case {
    pub(super) pod: PodFacts,
    pub(super) workload: Workload,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) placement: Arc<Placement>,
    pub(super) now: Timestamp,
}

impl Case {
    /// Whether answers steer the scheduler; else they are recorded only.
    pub(super) fn steers(&self) -> bool {
        self.workload.mode >= Mode::Prefer
    }

    /// What placement is asked.
    pub(super) fn question<'a>(&'a self, bookings: &'a Bookings) -> Question<'a> {
        Question {
            uid: &self.pod.uid,
            snapshot: &self.snapshot,
            workload: &self.workload,
            policy: &self.placement.policy,
            bookings,
            groups: &NO_GROUPS,
            now: self.now,
        }
    }

    pub(super) fn outcome(&self) -> &'static str {
        if self.steers() { "applied" } else { "shadow" }
    }
}

/// The candidates of a case with their costs.
pub(super) struct Weighed {
    pub(super) places: Vec<Option<NodeIx>>,
    templates: Vec<Option<NodeState>>,
    pub(super) rung: Option<Rung>,
    pub(super) costs: Arc<Vec<Option<NodeCost>>>,
}

impl Extender {
    /// An extender over a world.
    #[must_use]
    pub fn new(
        world: Arc<World>,
        placement: Arc<ArcSwap<Placement>>,
        labels: Labels,
        limits: ExtenderSettings,
        (clock, metrics): (Clock, Metrics),
        records: mpsc::Sender<Record>,
    ) -> Self {
        let (in_flight, memo) = (AtomicUsize::new(0), Memo::new());
        Self {
            world,
            placement,
            labels,
            limits,
            metrics,
            in_flight,
            clock,
            records,
            memo,
        }
    }

    /// Opens a case: reads the pod, and takes one snapshot and one placement for all that follows.
    pub(super) fn open(&self, mut pod: PodFacts) -> Result<Case, Unjudged> {
        let placement = self.placement.load_full();
        // A pod that says nothing of claims and asks for no GPU is answered without a look at anything.
        if pod.claims.is_some() {
            pod.gpus = self.world.snapshot().devices.ask(&pod);
        }
        let mut workload = match Workload::parse(&pod, &placement.namespaces) {
            Ok(workload) => workload,
            Err(exemption) => {
                self.record_exempt(&pod, exemption);
                return Err(Unjudged::Exempt(exemption));
            }
        };
        if !self.world.readiness().is_ready() {
            return Err(Unjudged::Neutral(Neutral::NotReady));
        }
        let (snapshot, now) = (self.world.snapshot(), (self.clock)());
        if now.duration_since(snapshot.taken_at) > STALE {
            return Err(Unjudged::Neutral(Neutral::StaleSnapshot));
        }
        let rules = placement.namespaces.rules(&pod.namespace);
        expect(&mut workload, &pod, rules, &snapshot, &placement.policy);
        Ok(Case {
            pod,
            workload,
            snapshot,
            placement,
            now,
        })
    }

    /// What each offered node costs, from the memo where the same question was asked before.
    pub(super) fn weigh(&self, case: &Case, offer: &Offer<'_>) -> Weighed {
        let Case {
            pod,
            snapshot,
            placement,
            ..
        } = case;
        let bookings = Bookings::none();
        let question = case.question(&bookings);
        let places = offer.places(snapshot);
        let templates = offer.templates(snapshot, &places);
        let candidates = candidates(&places, &templates);
        let rung = common_rung(&question, &candidates);
        let key = Key {
            uid: Arc::clone(&pod.uid),
            resource_version: Arc::clone(&pod.resource_version),
            snapshot: snapshot.generation,
            placement: placement.generation,
            rung,
        };
        // Without a version nothing tells one state of the pod from the next, as in what-if questions of other callers.
        let versioned = !key.resource_version.is_empty();
        let remembered = versioned.then(|| self.memo.get(&key, &places)).flatten();
        let costs = remembered.unwrap_or_else(|| {
            let costs = Arc::new(weigh(&question, rung, &candidates));
            if versioned && templates.is_empty() {
                self.memo
                    .put(key, Costs::new(snapshot.nodes().len(), &places, Arc::clone(&costs)));
            }
            costs
        });
        Weighed {
            places,
            templates,
            rung,
            costs,
        }
    }

    /// Filter's verdict, recorded.
    pub(super) fn filter(&self, case: &Case, weighed: &Weighed) -> Verdict {
        let candidates = candidates(&weighed.places, &weighed.templates);
        let bookings = Bookings::none();
        let verdict = filter(&case.question(&bookings), weighed.rung, &candidates, &weighed.costs);
        self.metrics.decided(weighed.rung.map_or("none", Rung::name));
        self.metrics.expected(case.workload.duration.source.name());
        if case.steers() {
            count_refusals(&self.metrics, &verdict);
            if let Some(group) = verdict.group {
                self.metrics.grouped(group.outcome.name());
            }
        }
        self.record(
            case,
            Stage::Filter {
                snapshot: Arc::clone(&case.snapshot),
                workload: Box::new(case.workload.clone()),
                rung: weighed.rung,
                candidates: weighed.places.clone(),
                costs: Arc::clone(&weighed.costs),
                refused: verdict.refused.clone(),
                kept: verdict.kept.clone(),
                group: verdict.group,
            },
        );
        verdict
    }

    /// Which nodes preemption may empty, in the map's order.
    pub(super) fn preempt(case: &Case, victims: &VictimMap<'_>) -> Vec<bool> {
        preempt::judge(case, &Bookings::none(), victims)
    }

    /// Prioritize's scores, recorded.
    pub(super) fn score(&self, case: &Case, weighed: &Weighed) -> Vec<u8> {
        let scores = score(&case.placement.policy, &weighed.costs);
        self.record(
            case,
            Stage::Prioritize {
                snapshot: Arc::clone(&case.snapshot),
                candidates: weighed.places.clone(),
                scores: scores.clone(),
            },
        );
        scores
    }

    fn record(&self, case: &Case, stage: Stage) {
        self.send(&case.pod, case.now, stage);
    }

    /// Notes that a GPU pod was none of ours, so that its binding is not taken for one that passed us by.
    fn record_exempt(&self, pod: &PodFacts, exemption: Exemption) {
        if pod.gpus.is_some() {
            self.send(pod, (self.clock)(), Stage::Exempt(exemption));
        }
    }

    fn send(&self, pod: &PodFacts, at: Timestamp, stage: Stage) {
        let id = PodId {
            uid: Arc::clone(&pod.uid),
            namespace: Arc::clone(&pod.namespace),
            name: Arc::clone(&pod.name),
        };
        if self.records.try_send(Record { pod: id, at, stage }).is_err() {
            self.metrics.record_dropped();
        }
    }
}

fn count_refusals(metrics: &Metrics, verdict: &Verdict) {
    use heliotrope_core::placement::Refusal;
    for rule in Refusal::ALL {
        let nodes = verdict.refused.iter().filter(|refused| **refused == Some(rule)).count();
        if nodes > 0 {
            metrics.refused(rule.name(), u64::try_from(nodes).unwrap_or(u64::MAX));
        }
    }
}
