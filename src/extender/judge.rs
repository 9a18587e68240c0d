use super::answer::VictimMap;
use super::memo::{Costs, Key, Memo};
use super::neutral::Neutral;
use super::offer::Offer;
use super::placement::Placement;
use super::preempt;
use super::settings::{ExtenderSettings, Unjudgeable};
use crate::cluster::Labels;
use crate::telemetry::{Clock, Metrics};
use crate::world::{Asked, InFlight, Offered, PodId, Record, Stage, Weighed as WeighedRecord, World};
use arc_swap::ArcSwap;
use heliotrope_core::placement::{
    Bookings, Candidate, GroupChoice, Groups, NodeCost, Promise, Question, Refusal, Verdict, common_rung, expect,
    filter, preempt as judge_victims, score, weigh,
};
use heliotrope_core::quantity::{Rung, Watts};
use heliotrope_core::snapshot::{DomainState, Snapshot};
use heliotrope_core::workload::{Exemption, PodFacts, Workload};
use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, MutexGuard};
use tokio::sync::mpsc;

/// A snapshot older than this means that the writer is stuck.
const STALE: SignedDuration = SignedDuration::from_secs(60);
/// A binding that the process before this one answered for is on its way for less than this, volumes aside.
const SETTLE: SignedDuration = SignedDuration::from_secs(3);
/// kube-scheduler writes a nomination right after the last extender has agreed.
const NOMINATION: SignedDuration = SignedDuration::from_secs(5);

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
pub(super) struct Case<'a> {
    pub(super) pod: PodFacts,
    pub(super) workload: Workload,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) placement: Arc<Placement>,
    pub(super) now: Timestamp,
    /// Held for as long as the case is: a snapshot and the answers that it does not show yet belong together.
    pub(super) in_flight: MutexGuard<'a, InFlight>,
}

impl Case<'_> {
    /// Whether answers steer the scheduler; else they are recorded only.
    pub(super) fn steers(&self) -> bool {
        self.workload.mode.steers()
    }

    /// What placement is asked.
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            uid: &self.pod.uid,
            snapshot: &self.snapshot,
            workload: &self.workload,
            policy: &self.placement.policy,
            bookings: &self.in_flight.bookings,
            groups: &self.in_flight.groups,
            now: self.now,
        }
    }

    pub(super) fn outcome(&self) -> &'static str {
        if self.steers() { "applied" } else { "shadow" }
    }
}

impl Case<'_> {
    /// Whether pod and nodes exist, and it is no what-if question.
    fn is_real(&self, weighed: &Weighed) -> bool {
        !self.pod.resource_version.is_empty() && weighed.offered.templates.iter().all(Option::is_none)
    }

    /// Remembers where a member of a gang is sent. What-if questions send nobody anywhere.
    fn send(&mut self, weighed: &Weighed, choice: GroupChoice) {
        if let Some(group) = self
            .workload
            .group
            .as_ref()
            .filter(|_| self.is_real(weighed) && self.steers())
        {
            let gpus = self.workload.gpus.milli();
            self.in_flight
                .groups
                .decide(group, &self.pod.uid, choice, gpus, self.now);
        }
    }

    /// Promises the pod its watts on the nodes that it is answered with. Questions about nodes or pods that do not exist
    /// promise nothing.
    fn promise(&mut self, weighed: &Weighed, candidates: &[Candidate<'_>], kept: impl Fn(usize) -> bool) {
        if !self.is_real(weighed) {
            return;
        }
        if (0..candidates.len()).any(&kept) {
            let pod = (&self.pod.uid, self.pod.unschedulable);
            let promise = Promise::new(&self.question(), candidates, kept, pod);
            self.in_flight.bookings.promise(promise);
        } else {
            self.in_flight.bookings.release(&self.pod.uid);
        }
    }

    /// Shares the promise over the nodes that tied for the best.
    fn promise_tops(&mut self, weighed: &Weighed, scores: &[u8]) {
        if !self.is_real(weighed) {
            return;
        }
        let best = scores.iter().copied().max().unwrap_or(0);
        let tops = weighed
            .offered
            .places
            .iter()
            .zip(scores)
            .filter(|(_, score)| **score == best);
        let tops = tops.filter_map(|(ix, _)| Some(Arc::clone(&self.snapshot.node((*ix)?)?.name)));
        let tops = tops.collect();
        let candidates = weighed.offered.candidates();
        let pod = (&self.pod.uid, self.pod.unschedulable);
        let promise = Promise::new(&self.question(), &candidates, |_| true, pod).shared(tops);
        self.in_flight.bookings.promise(promise);
    }

    /// Holds the room that preemption is about to make until the nomination is seen.
    fn promise_room(&mut self, victims: &VictimMap<'_>, accepted: &[bool]) {
        let places = victims.keys().map(|name| self.snapshot.find(name));
        let candidates: Vec<Candidate<'_>> = places
            .map(|place| place.map_or(Candidate::Unknown, Candidate::Known))
            .collect();
        let kept = |place: usize| accepted.get(place).copied().unwrap_or(false);
        // The pod is marked unschedulable together with its nomination, which says nothing against it.
        let promise = Promise::new(&self.question(), &candidates, kept, (&self.pod.uid, true));
        let until = self.now.saturating_add(NOMINATION).unwrap_or(Timestamp::MAX);
        self.in_flight.bookings.promise(promise.until(until));
    }
}

/// The candidates of a case with their costs.
pub(super) struct Weighed {
    offered: Offered,
    pub(super) rung: Option<Rung>,
    pub(super) costs: Arc<Vec<Option<NodeCost>>>,
    /// The instant that costs were computed for: an earlier one where they were remembered.
    at: Timestamp,
}

impl Weighed {
    fn recorded(&self) -> WeighedRecord {
        WeighedRecord {
            rung: self.rung,
            costs: Arc::clone(&self.costs),
            at: self.at,
        }
    }
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
    pub(super) fn open(&self, mut pod: PodFacts) -> Result<Case<'_>, Unjudged> {
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
        let readiness = self.world.readiness();
        if !readiness.is_ready() {
            return Err(Unjudged::Neutral(Neutral::NotReady));
        }
        let mut in_flight = self.world.in_flight();
        let (snapshot, now) = (self.world.snapshot(), (self.clock)());
        // What the process before this one promised is known once it is bound. Pods wait for that where they may.
        let settled = |since: Timestamp| now.duration_since(since) >= SETTLE || snapshot.domains().is_empty();
        if self.limits.unjudged == Unjudgeable::Fail && !readiness.since.is_some_and(settled) {
            return Err(Unjudged::Neutral(Neutral::NotReady));
        }
        if now.duration_since(snapshot.taken_at) > STALE {
            return Err(Unjudged::Neutral(Neutral::StaleSnapshot));
        }
        let rules = placement.namespaces.rules(&pod.namespace);
        expect(&mut workload, &pod, rules, &snapshot, &placement.policy);
        workload.draws = snapshot.draws(&pod);
        if workload.group.is_some() {
            in_flight.resume(&snapshot, |key| placement.steers_group(key), now);
        }
        Ok(Case {
            pod,
            workload,
            snapshot,
            placement,
            now,
            in_flight,
        })
    }

    /// What each offered node costs, from the memo where the same question was asked before.
    pub(super) fn weigh(&self, case: &Case<'_>, offer: &Offer<'_>) -> Weighed {
        let Case {
            pod,
            snapshot,
            placement,
            ..
        } = case;
        let question = case.question();
        let offered = offer.offered(snapshot);
        let candidates = offered.candidates();
        let rung = common_rung(&question, &candidates);
        let key = Key {
            uid: Arc::clone(&pod.uid),
            resource_version: Arc::clone(&pod.resource_version),
            snapshot: snapshot.generation,
            placement: placement.generation,
            bookings: case.in_flight.bookings.fingerprint_without(&pod.uid),
            rung,
        };
        // Without a version nothing tells one state of the pod from the next, as in what-if questions of other callers.
        let versioned = !key.resource_version.is_empty();
        let remembered = versioned.then(|| self.memo.get(&key, &offered.places)).flatten();
        let (costs, at) = remembered.unwrap_or_else(|| {
            let costs = Arc::new(weigh(&question, rung, &candidates));
            if versioned && offered.templates.is_empty() {
                let held = Costs::new(snapshot.nodes().len(), &offered.places, Arc::clone(&costs), case.now);
                self.memo.put(key, held);
            }
            (costs, case.now)
        });
        Weighed {
            offered,
            rung,
            costs,
            at,
        }
    }

    /// Filter's verdict, recorded.
    pub(super) fn filter(&self, case: &mut Case<'_>, weighed: &Weighed) -> Verdict {
        let candidates = weighed.offered.candidates();
        let verdict = filter(&case.question(), weighed.rung, &candidates, &weighed.costs);
        // As it was when it was asked, before this pod is added.
        let asked = self.asked(case);
        if let Some(choice) = verdict.group {
            case.send(weighed, choice);
        }
        let (steers, reserved) = (case.steers(), reserved(case));
        case.promise(weighed, &candidates, |place| {
            !steers || verdict.kept.get(place).copied().unwrap_or(false)
        });
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
                asked,
                offered: weighed.offered.clone(),
                weighed: weighed.recorded(),
                refused: verdict.refused.clone(),
                kept: verdict.kept.clone(),
                reserved,
                group: verdict.group,
            },
        );
        verdict
    }

    /// Which nodes preemption may empty, in the map's order; recorded.
    pub(super) fn preempt(&self, case: &mut Case<'_>, victims: &VictimMap<'_>) -> Vec<bool> {
        let candidates = preempt::candidates(case, victims);
        let kept = judge_victims(&case.question(), &candidates);
        let asked = self.asked(case);
        let recorded = candidates.iter().map(|candidate| {
            let victims = candidate.victims.iter().map(|uid| (*uid).to_owned());
            (candidate.node, victims.collect())
        });
        let recorded = recorded.collect();
        if case.steers() {
            case.promise_room(victims, &kept);
        }
        self.record(
            case,
            Stage::Preempt {
                asked,
                candidates: recorded,
                kept: kept.clone(),
            },
        );
        kept
    }

    /// Prioritize's scores, recorded.
    pub(super) fn score(&self, case: &mut Case<'_>, weighed: &Weighed) -> Vec<u8> {
        let scores = score(&case.placement.policy, &weighed.costs);
        let asked = self.asked(case);
        case.promise_tops(weighed, &scores);
        self.record(
            case,
            Stage::Prioritize {
                asked,
                offered: weighed.offered.clone(),
                weighed: weighed.recorded(),
                scores: scores.clone(),
            },
        );
        scores
    }

    /// The question with what it refers to, for the record. What changes with every answer is copied only where it is
    /// written down, and no more of it than the answer depended on.
    fn asked(&self, case: &Case<'_>) -> Box<Asked> {
        let (mut bookings, mut groups) = (Bookings::none(), Groups::none());
        if self.world.is_journalled() {
            bookings = case.in_flight.bookings.beside(&case.pod.uid);
            if case.workload.group.is_some() {
                groups = case.in_flight.groups.clone();
            }
        }
        Box::new(Asked {
            snapshot: Arc::clone(&case.snapshot),
            workload: case.workload.clone(),
            policy: Arc::clone(&case.placement.policy),
            bookings,
            groups,
            now: case.now,
        })
    }

    fn record(&self, case: &Case<'_>, stage: Stage) {
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
    for rule in Refusal::ALL {
        let nodes = verdict.refused.iter().filter(|refused| **refused == Some(rule)).count();
        if nodes > 0 {
            metrics.refused(rule.name(), u64::try_from(nodes).unwrap_or(u64::MAX));
        }
    }
}

/// What others were promised in each power domain, for the explanation.
fn reserved(case: &Case<'_>) -> Vec<Watts> {
    let of_domain = |domain: &DomainState| case.in_flight.bookings.reserved_beside(&domain.key, &case.pod.uid);
    case.snapshot.domains().iter().map(of_domain).collect()
}
