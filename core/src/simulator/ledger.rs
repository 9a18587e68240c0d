use super::entries::{AwakeEntry, Board, HostWatts, Offer, PodEntry, Step, steps};
use super::grid::SimulatedZone;
use super::later;
use super::nodes::SimulatedNode;
use super::pods::SimulatedPod;
use super::scheduler::Scored;
use super::work::Work;
use super::world::World;
use crate::gpu::GpuProfile;
use crate::grid::ZoneId;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Joules in a kilowatt-hour.
pub(super) const JOULES_PER_KWH: f64 = 3.6e6;

/// An empty node stays on for this long before an autoscaler removes it: `scale-down-unneeded-time` of cluster-autoscaler.
pub(super) const LINGER: SignedDuration = SignedDuration::from_mins(10);

/// What a day came to under one scheduler.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// Name of the scheduler model.
    pub scheduler: &'static str,
    /// Pods, in the order in which they were bound.
    pub pods: Vec<PodEntry>,
    /// Nodes that were on.
    pub awake: Vec<AwakeEntry>,
    /// Joules and grams of each hour since the day began.
    pub hours: Vec<(f64, f64)>,
}

/// A ledger that is still written.
#[derive(Debug)]
pub(super) struct Book<'w> {
    world: &'w World,
    ledger: Ledger,
    /// Nodes that are on: since when, and when the last of their pods ends.
    awake: BTreeMap<&'w str, (&'w SimulatedNode, Timestamp, Timestamp)>,
}

impl<'w> Book<'w> {
    pub(super) fn new(world: &'w World, scheduler: &'static str) -> Self {
        Self {
            world,
            ledger: Ledger {
                scheduler,
                pods: Vec::new(),
                awake: Vec::new(),
                hours: Vec::new(),
            },
            awake: BTreeMap::new(),
        }
    }

    /// Writes a pod down that starts now on a node.
    pub(super) fn enter(
        &mut self,
        pod: &'w SimulatedPod,
        chosen: Scored<'w>,
        work: Work,
        now: Timestamp,
        (feasible, kept): (&[&SimulatedNode], usize),
    ) {
        let node = chosen.node;
        let Some(zone) = self.world.zone(node) else {
            return;
        };
        self.keep_awake(node, now, later(now, work.span));
        let (facts, around) = (&pod.facts, &self.world.surroundings);
        let steps = steps(&zone.truth, now, work.span);
        let (joules, grams) = cost(work.watts.get() * node.pue, &steps);
        self.spread(now, work.watts.get() * node.pue, &steps);
        let own = GpuProfile {
            bare: node.bare,
            ..node.profile.clone()
        };
        self.ledger.pods.push(PodEntry {
            pod: format!("{}/{}", facts.namespace, facts.name),
            uid: Arc::clone(&facts.uid),
            job: pod.is_job(),
            arrived: pod.arrives,
            bound: now,
            node: Arc::clone(&node.facts.name),
            zone: node.zone.clone(),
            model: node.model,
            offer: Offer {
                feasible: feasible.len(),
                kept,
                greenest_zone: self.greenest(feasible, now).unwrap_or_else(|| node.zone.clone()),
                in_tree: chosen.in_tree,
                extender: chosen.extender,
                total: chosen.total,
            },
            gpus: pod.gpus(),
            vcpus: facts.cpu_milli as f64 / 1000.0,
            memory_gib: facts.memory_bytes as f64 / super::UNITS_PER_GIB as f64,
            utilisation: pod.utilisation,
            board: Board::of(&own),
            profile: Board::of(&node.profile),
            reference: Board::of(&self.world.reference),
            host: HostWatts::of(&around.host),
            pue: node.pue,
            reference_seconds: pod.runs_for.as_secs_f64(),
            seconds: work.span.as_secs_f64(),
            steps,
            watts: work.watts.get(),
            joules,
            grams,
        });
    }

    fn greenest(&self, feasible: &[&SimulatedNode], now: Timestamp) -> Option<ZoneId> {
        let offered = |zone: &&SimulatedZone| feasible.iter().any(|node| node.zone == zone.id);
        let zones = self.world.zones.iter().filter(offered);
        let best = zones.min_by(|a, b| {
            let at = |zone: &SimulatedZone| zone.truth.at(now).map_or(f64::INFINITY, f64::from);
            at(a).total_cmp(&at(b))
        })?;
        Some(best.id.clone())
    }

    fn keep_awake(&mut self, node: &'w SimulatedNode, now: Timestamp, until: Timestamp) {
        let name = node.facts.name.as_ref();
        match self.awake.get_mut(name) {
            Some((_, _, last)) if now <= later(*last, LINGER) => *last = (*last).max(until),
            _ => {
                if let Some(stretch) = self.awake.insert(name, (node, now, until)) {
                    self.sleep(stretch);
                }
            }
        }
    }

    fn sleep(&mut self, (node, from, last): (&SimulatedNode, Timestamp, Timestamp)) {
        let Some(zone) = self.world.zone(node) else {
            return;
        };
        let span = later(last, LINGER).duration_since(from);
        let steps = steps(&zone.truth, from, span);
        let host = &self.world.surroundings.host;
        let watts = node.bare * f64::from(node.boards) + host.idle(node.facts.cpu_milli);
        let (joules, grams) = cost(watts.get() * node.pue, &steps);
        self.spread(from, watts.get() * node.pue, &steps);
        self.ledger.awake.push(AwakeEntry {
            node: Arc::clone(&node.facts.name),
            zone: node.zone.clone(),
            model: node.model,
            from,
            seconds: span.as_secs_f64(),
            boards: node.boards,
            bare_watts: node.bare.get(),
            vcpus: node.facts.cpu_milli as f64 / 1000.0,
            idle_per_vcpu: host.idle_per_vcpu.get(),
            pue: node.pue,
            steps,
            watts: watts.get(),
            joules,
            grams,
        });
    }

    /// Spreads a draw over the hours. No step crosses an hour: intensities change with the half hours.
    fn spread(&mut self, from: Timestamp, watts: f64, steps: &[Step]) {
        let mut second = from.duration_since(self.world.start).as_secs_f64();
        let mut hour = 0_usize;
        let mut end = 3600.0;
        for step in steps {
            while second >= end {
                hour += 1;
                end += 3600.0;
            }
            if self.ledger.hours.len() <= hour {
                self.ledger.hours.resize(hour + 1, (0.0, 0.0));
            }
            let (joules, grams) = cost(watts, std::slice::from_ref(step));
            if let Some(at) = self.ledger.hours.get_mut(hour) {
                at.0 += joules;
                at.1 += grams;
            }
            second += step.seconds;
        }
    }

    /// Everything, once the last pod has been bound.
    pub(super) fn close(mut self) -> Ledger {
        for (_, stretch) in std::mem::take(&mut self.awake) {
            self.sleep(stretch);
        }
        self.ledger
    }
}

/// Joules and grams of a constant draw, facility overhead included in it.
fn cost(watts: f64, steps: &[Step]) -> (f64, f64) {
    let seconds: f64 = steps.iter().map(|step| step.seconds).sum();
    let weighted: f64 = steps.iter().map(|step| step.seconds * step.grams_per_kwh).sum();
    (watts * seconds, watts * weighted / JOULES_PER_KWH)
}

/// Hours of the simulated day.
pub(super) const HOURS: usize = 24;
