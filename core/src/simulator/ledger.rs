use super::grid::SimulatedZone;
use super::nodes::SimulatedNode;
use super::pods::SimulatedPod;
use super::scheduler::Scored;
use super::work::Work;
use super::world::World;
use super::{DAY, later};
use crate::gpu::GpuProfile;
use crate::grid::{IntensitySeries, ZoneId};
use crate::quantity::Ratio;
use crate::snapshot::HostModel;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Joules in a kilowatt-hour.
pub(super) const JOULES_PER_KWH: f64 = 3.6e6;

/// An empty node stays on for this long before an autoscaler removes it: `scale-down-unneeded-time` of cluster-autoscaler.
pub(super) const LINGER: SignedDuration = SignedDuration::from_mins(10);

/// A stretch of constant intensity: its length in seconds and its g/kWh. Written as a pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(into = "(f64, f64)")]
pub struct Step {
    /// How long.
    pub seconds: f64,
    /// At which intensity.
    pub grams_per_kwh: f64,
}

impl From<Step> for (f64, f64) {
    fn from(step: Step) -> Self {
        (step.seconds, step.grams_per_kwh)
    }
}

/// The form of a GPU's draw: `context + (max − bare − context) · utilisation` above `bare`. Watts for one board.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    /// Idle with no process.
    pub bare_watts: f64,
    /// The step of the first open context.
    pub context_watts: f64,
    /// At full use.
    pub max_watts: f64,
}

impl Board {
    fn of(profile: &GpuProfile) -> Self {
        Self {
            bare_watts: profile.bare.get(),
            context_watts: profile.context.get(),
            max_watts: profile.max.get(),
        }
    }
}

/// What the host around the GPUs draws for what a pod asks of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostWatts {
    /// Each vCPU, idle.
    pub idle_per_vcpu: f64,
    /// Each vCPU, at full use.
    pub max_per_vcpu: f64,
    /// Each GiB asked for.
    pub per_gib: f64,
}

impl HostWatts {
    fn of(host: &HostModel) -> Self {
        Self {
            idle_per_vcpu: host.idle_per_vcpu.get(),
            max_per_vcpu: host.max_per_vcpu.get(),
            per_gib: host.per_gib.get(),
        }
    }
}

/// How a choice stood.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// Nodes that passed the in-tree filters.
    pub feasible: usize,
    /// Nodes left by the extender's filter; all of them where there is no extender.
    pub kept: usize,
    /// The zone with the lowest true intensity at that moment among the feasible nodes.
    pub greenest_zone: ZoneId,
    /// Points of the in-tree plugins for the chosen node.
    pub in_tree: i64,
    /// The extender's score for it, 0 to 10, before its weight.
    pub extender: i64,
    /// What the scheduler compared.
    pub total: i64,
}

/// One pod: where it was put, and what its work truly drew above the idle node, with every input.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodEntry {
    /// `namespace/name`.
    pub pod: String,
    /// UID.
    pub uid: Arc<str>,
    /// Whether it is a Job; else it is a replica of a service.
    pub job: bool,
    /// When it was created.
    pub arrived: Timestamp,
    /// When it was bound and started.
    pub bound: Timestamp,
    /// Where.
    pub node: Arc<str>,
    /// Grid zone of the node.
    pub zone: ZoneId,
    /// GPU model of the node.
    pub model: &'static str,
    /// How the choice stood.
    pub offer: Offer,
    /// GPUs asked for.
    pub gpus: u32,
    /// vCPUs asked for.
    pub vcpus: f64,
    /// Memory asked for.
    pub memory_gib: f64,
    /// How busy the GPUs are.
    pub utilisation: Ratio,
    /// The node's boards as they truly are.
    pub board: Board,
    /// The node's boards as its profile says: what run times are made from.
    pub profile: Board,
    /// The reference model's boards.
    pub reference: Board,
    /// Host coefficients.
    pub host: HostWatts,
    /// Facility power over computing power.
    pub pue: f64,
    /// Run time on the reference model; of a service, its run time anywhere.
    pub reference_seconds: f64,
    /// Run time here.
    pub seconds: f64,
    /// True intensity over the run time.
    pub steps: Vec<Step>,
    /// Draw of the GPUs and the host share, facility overhead left out.
    pub watts: f64,
    /// Energy, facility overhead included.
    pub joules: f64,
    /// Carbon.
    pub grams: f64,
}

/// One stretch in which a node was on: what it drew idle, under its pods and for a while after them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AwakeEntry {
    /// Which.
    pub node: Arc<str>,
    /// Its grid zone.
    pub zone: ZoneId,
    /// Its GPU model.
    pub model: &'static str,
    /// Since when.
    pub from: Timestamp,
    /// How long.
    pub seconds: f64,
    /// Boards.
    pub boards: u32,
    /// Idle draw of each.
    pub bare_watts: f64,
    /// vCPUs.
    pub vcpus: f64,
    /// Idle draw of each.
    pub idle_per_vcpu: f64,
    /// Facility power over computing power.
    pub pue: f64,
    /// True intensity over the stretch.
    pub steps: Vec<Step>,
    /// Idle draw, facility overhead left out.
    pub watts: f64,
    /// Energy, facility overhead included.
    pub joules: f64,
    /// Carbon.
    pub grams: f64,
}

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

/// An intensity from a moment on, in stretches of one value. Outside the series it is what [`IntensitySeries::mean`] says.
#[must_use]
pub fn steps(series: &IntensitySeries, from: Timestamp, span: SignedDuration) -> Vec<Step> {
    let end = later(from, span);
    let mut at = from;
    let mut steps = Vec::new();
    while at < end {
        let known = series.at(at).zip(series.next_change(at));
        let (value, until) = known.map_or_else(
            || (series.mean(at, end.duration_since(at)), end),
            |(value, next)| (value, next.min(end)),
        );
        steps.push(Step {
            seconds: until.duration_since(at).as_secs_f64(),
            grams_per_kwh: value.get(),
        });
        at = until;
    }
    steps
}

/// Joules and grams of a constant draw, facility overhead included in it.
fn cost(watts: f64, steps: &[Step]) -> (f64, f64) {
    let seconds: f64 = steps.iter().map(|step| step.seconds).sum();
    let weighted: f64 = steps.iter().map(|step| step.seconds * step.grams_per_kwh).sum();
    (watts * seconds, watts * weighted / JOULES_PER_KWH)
}

/// Hours of the simulated day.
pub(super) const HOURS: usize = DAY.as_hours().unsigned_abs() as usize;
