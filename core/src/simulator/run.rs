use super::capacity::Capacity;
use super::later;
use super::ledger::{Book, Ledger};
use super::nodes::SimulatedNode;
use super::pods::SimulatedPod;
use super::random::Random;
use super::scheduler::{SchedulerModel, Scored};
use super::work::Work;
use super::world::World;
use crate::snapshot::ClusterEvent;
use crate::workload::{PodFacts, PodPhase};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// A pod that runs, by when it ends; the number keeps pods apart that end at once.
type Ends<'w> = BTreeMap<(Timestamp, usize), (&'w SimulatedPod, &'w SimulatedNode)>;

/// One scheduler's day: which pod is next, what fits it, and what follows from where it is put.
///
/// A pod starts the moment it is bound, and gives its resources back when it ends. A pod that fits nowhere waits until
/// another one ends, and is then tried again in its turn; what the queue's backoff adds in seconds is left out.
#[derive(Debug)]
pub struct Run<'w> {
    world: &'w World,
    capacity: Capacity<'w>,
    arriving: std::slice::Iter<'w, SimulatedPod>,
    ready: VecDeque<&'w SimulatedPod>,
    waiting: VecDeque<&'w SimulatedPod>,
    running: Ends<'w>,
    events: Vec<ClusterEvent>,
    book: Book<'w>,
    bound: usize,
    now: Timestamp,
}

impl<'w> Run<'w> {
    /// The beginning of the day.
    #[must_use]
    pub fn new(world: &'w World, scheduler: &'static str) -> Self {
        Self {
            world,
            capacity: Capacity::new(&world.nodes),
            arriving: world.pods.iter(),
            ready: VecDeque::new(),
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            events: Vec::new(),
            book: Book::new(world, scheduler),
            bound: 0,
            now: world.start,
        }
    }

    /// The moment that the run stands at.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How many pods were bound.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// What is free where.
    #[must_use]
    pub fn capacity(&self) -> &Capacity<'w> {
        &self.capacity
    }

    /// When something happens next; `None` when every pod was bound.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        let arrival = self.arriving.as_slice().first().map(|pod| pod.arrives);
        let end = self.running.keys().next().map(|(at, _)| *at);
        let any_left = arrival.is_some() || !self.waiting.is_empty() || !self.ready.is_empty();
        any_left.then(|| arrival.into_iter().chain(end).min()).flatten()
    }

    /// The next full round in which there is something to do. Whoever plays a day faster than it passes schedules in rounds:
    /// what happened since the last one is done at its end, in order.
    #[must_use]
    pub fn next_round(&self, round: SignedDuration) -> Option<Timestamp> {
        let since = self.next_at()?.duration_since(self.world.start);
        let seconds = since.as_secs() + i64::from(since.subsec_nanos() > 0);
        let length = round.as_secs().max(1);
        let rounds = (seconds + length - 1).div_euclid(length);
        Some(later(self.world.start, SignedDuration::from_secs(rounds * length)))
    }

    /// Goes on to a moment: pods end and arrive.
    pub fn advance(&mut self, to: Timestamp) {
        self.now = to;
        let mut freed = false;
        while let Some(entry) = self.running.first_entry().filter(|entry| entry.key().0 <= to) {
            let (pod, node) = entry.remove();
            self.capacity.give_back(pod, node);
            self.events.push(ClusterEvent::PodGone {
                uid: pod.facts.uid.clone(),
            });
            freed = true;
        }
        if freed {
            self.ready.append(&mut self.waiting);
        }
        while let Some(pod) = self.arriving.as_slice().first().filter(|pod| pod.arrives <= to) {
            self.arriving.next();
            self.events.push(ClusterEvent::Pod(Box::new(pod.facts.clone())));
            self.ready.push_back(pod);
        }
    }

    /// The next pod to be scheduled, with the nodes that pass the in-tree filters. A pod without any waits on, and
    /// extenders are not asked about it.
    pub fn next_ready(&mut self) -> Option<(&'w SimulatedPod, Vec<&'w SimulatedNode>)> {
        while let Some(pod) = self.ready.pop_front() {
            let feasible = self.capacity.feasible(pod);
            if !feasible.is_empty() {
                return Some((pod, feasible));
            }
            self.hold(pod);
        }
        None
    }

    /// Puts a pod back that no node was found for.
    pub fn hold(&mut self, pod: &'w SimulatedPod) {
        self.waiting.push_back(pod);
    }

    /// Binds a pod. `feasible` are the nodes that passed the in-tree filters, `kept` is how many of them an extender left.
    pub fn bind(&mut self, pod: &'w SimulatedPod, chosen: Scored<'w>, feasible: &[&SimulatedNode], kept: usize) {
        let node = chosen.node;
        let work = Work::of(pod, node, &self.world.reference, &self.world.surroundings.host);
        self.capacity.take(pod, node);
        self.running
            .insert((later(self.now, work.span), self.bound), (pod, node));
        self.events.push(ClusterEvent::Pod(Box::new(PodFacts {
            node: Some(node.facts.name.clone()),
            ran: None,
            volume_claims: Vec::new(),
            phase: PodPhase::Running,
            ..pod.facts.clone()
        })));
        self.book.enter(pod, chosen, work, self.now, (feasible, kept));
        self.bound += 1;
    }

    /// What watches would have told since the last time.
    pub fn take_events(&mut self) -> Vec<ClusterEvent> {
        std::mem::take(&mut self.events)
    }

    /// Closes the books. Every pod is accounted to its end, also those that end after the day.
    #[must_use]
    pub fn finish(self) -> Ledger {
        self.book.close()
    }
}

/// Runs a whole day with a scheduler that has no extender, in rounds (see [`Run::next_round`]).
#[must_use]
pub fn place_all(world: &World, scheduler: SchedulerModel, round: SignedDuration) -> Ledger {
    let mut run = Run::new(world, scheduler.name);
    let mut random = Random::of(world.seed, 300);
    while let Some(at) = run.next_round(round) {
        run.advance(at);
        while let Some((pod, feasible)) = run.next_ready() {
            let scored = scheduler.score(run.capacity(), pod, &feasible, &[]);
            match SchedulerModel::select(&scored, &mut random) {
                Some(chosen) => run.bind(pod, chosen, &feasible, feasible.len()),
                None => run.hold(pod),
            }
        }
    }
    run.finish()
}
