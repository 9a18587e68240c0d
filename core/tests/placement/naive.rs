//! The same decision, written as one would at first: strings for names, a map look-up and a record cloned for every
//! node, a walk along the forecast for every node, everything sorted. A second opinion for the tests and the base line
//! of the benchmark.

use heliotrope_core::gpu::{GpuProfile, GpuVendor};
use heliotrope_core::placement::{Policy, Throughput};
use heliotrope_core::quantity::Rung;
use heliotrope_core::snapshot::{GpuSlots, NodeState, PodClass, Snapshot};
use heliotrope_core::workload::{Horizon, Mode, Workload};
use jiff::Timestamp;
use std::collections::HashMap;

/// Seconds from now and g/kWh of each step, and where the last one ends.
type Steps = (Vec<(f64, f64)>, f64);

#[derive(Debug, Clone)]
struct Node {
    zone: Option<String>,
    model: Option<String>,
    state: NodeState,
}

/// A cluster by names.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    snapshot: &'a Snapshot,
    nodes: HashMap<String, Node>,
    zones: HashMap<String, HashMap<Rung, Steps>>,
    models: HashMap<String, GpuProfile>,
}

/// What one node costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    pub(crate) grams: f64,
    pub(crate) stranded: f64,
    pub(crate) joules: f64,
}

impl Cost {
    pub(crate) fn total(&self) -> f64 {
        self.grams + self.stranded
    }
}

/// Names of the nodes kept with their scores, in the order offered.
pub(crate) type Answer = Vec<(String, u8)>;

impl<'a> Cluster<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, now: Timestamp) -> Self {
        let seconds = |when: Timestamp| when.duration_since(now).as_secs_f64();
        let catalogue = &snapshot.surroundings.catalogue;
        let zones = snapshot.zones().iter().map(|zone| {
            let view = |rung| {
                let series = &zone.view(rung)?.series;
                let steps = series.points().iter().map(|p| (seconds(p.from), p.value.get()));
                Some((rung, (steps.collect(), seconds(series.end()))))
            };
            (zone.id.to_string(), Rung::ALL.into_iter().filter_map(view).collect())
        });
        let nodes = snapshot.nodes().iter().map(|state| {
            let node = Node {
                zone: state.zone.map(|zone| snapshot.zone(zone).unwrap().id.to_string()),
                model: state
                    .model
                    .map(|model| catalogue.profile(model).unwrap().model.to_string()),
                state: state.clone(),
            };
            (state.name.to_string(), node)
        });
        let models = catalogue.profiles().iter().map(|p| (p.model.to_string(), p.clone()));
        Self {
            snapshot,
            nodes: nodes.collect(),
            zones: zones.collect(),
            models: models.collect(),
        }
    }

    /// Filter over the nodes offered, then prioritize over those kept.
    pub(crate) fn decide(&self, ask: &Workload, policy: &Policy, names: &[String]) -> Answer {
        let kept = self.filter(ask, policy, names);
        let scores = self.prioritize(ask, policy, &kept);
        kept.into_iter().zip(scores).collect()
    }

    fn node(&self, name: &str) -> Option<Node> {
        self.nodes.get(name).cloned()
    }

    fn rung(&self, ask: &Workload, names: &[String]) -> Option<Rung> {
        let voting = names.iter().filter_map(|name| self.node(name)?.zone);
        let voting: Vec<String> = voting
            .filter(|zone| ask.zones.allows(&zone.parse().unwrap()) && !self.zones[zone].is_empty())
            .collect();
        let mut order: Vec<Rung> = Rung::ALL.to_vec();
        if ask.duration.horizon == Horizon::Service {
            order.sort_by_key(|rung| *rung != Rung::Climatology);
        }
        let support = |rung: Rung| {
            voting
                .iter()
                .filter(|zone| self.zones[*zone].contains_key(&rung))
                .count()
        };
        let most = order.iter().map(|rung| support(*rung)).max().filter(|most| *most > 0)?;
        order.into_iter().find(|rung| support(*rung) == most)
    }

    pub(crate) fn costs(&self, ask: &Workload, policy: &Policy, names: &[String]) -> HashMap<String, Cost> {
        let rung = self.rung(ask, names);
        let cost = |name: &String| Some((name.clone(), self.cost(&self.node(name)?, ask, policy, rung?)?));
        names.iter().filter_map(cost).collect()
    }

    fn cost(&self, node: &Node, ask: &Workload, policy: &Policy, rung: Rung) -> Option<Cost> {
        let steps = self.zones[node.zone.as_ref()?].get(&rung)?;
        let model = &self.models[node.model.as_ref()?];
        let host = self
            .snapshot
            .surroundings
            .host
            .share(ask.cpu_milli, ask.memory_bytes)
            .get();
        let gpus = f64::from(ask.gpus.milli()) / 1000.0;
        let active = |p: &GpuProfile| {
            let slope = p.max.get() - p.bare.get() - p.context.get();
            gpus * (p.context.get() + slope * ask.utilisation.get()) + host
        };
        let reference = self.models.get(&policy.reference_model);
        let ratio = match policy.throughput {
            Throughput::Neutral => {
                let first = self.snapshot.surroundings.catalogue.profiles().first();
                active(reference.or(first)?) / active(model)
            }
            Throughput::Rated => reference?.rated_throughput? / model.rated_throughput?,
            Throughput::Measured => reference?.measured_throughput? / model.measured_throughput?,
        };
        let seconds = ask.duration.span.as_secs_f64() * ratio;
        let joules = (wake(node, gpus, self.waiting()) + active(model)) * seconds * node.state.pue;
        let classes = &self.snapshot.classes;
        Some(Cost {
            grams: joules / 3.6e6 * mean(steps, seconds),
            stranded: policy.stranded.get()
                * (stranded(&taken(&node.state, ask), classes) - stranded(&node.state, classes)),
            joules,
        })
    }

    fn waiting(&self) -> f64 {
        f64::from(self.snapshot.pending.of(GpuVendor::Nvidia)) / 1000.0
    }

    fn filter(&self, ask: &Workload, policy: &Policy, names: &[String]) -> Vec<String> {
        let rung = self.rung(ask, names);
        let costs = self.costs(ask, policy, names);
        let allowed = |name: &String| {
            let Some(zone) = self.node(name).and_then(|node| node.zone) else {
                return true;
            };
            let (steps, views) = (|(steps, _): &Steps| steps.clone(), &self.zones[&zone]);
            let trusted = views
                .get(&Rung::Live)
                .or_else(|| views.get(&Rung::LastKnown))
                .map(steps);
            let now = trusted.map(|steps| steps.iter().rev().find(|(from, _)| *from <= 0.0).unwrap().1);
            let above = policy
                .ceiling
                .zip(now)
                .is_some_and(|(ceiling, now)| now > ceiling.get());
            ask.zones.allows(&zone.parse().unwrap()) && !above
        };
        let mut kept: Vec<String> = names.iter().filter(|name| allowed(name)).cloned().collect();
        if ask.mode == Mode::Strict && rung.is_some_and(|rung| rung <= Rung::LastKnown) {
            let edge = edge(&ranked(&kept, &costs), policy);
            kept.retain(|name| costs.get(name).is_none_or(|cost| cost.total() <= edge));
        }
        let ranked = ranked(&kept, &costs);
        if let Some(keep) = policy.keep.filter(|keep| !ask.prefers && ranked.len() > *keep) {
            let kth = ranked[keep - 1];
            let limit = (kth + kth.abs() * 1e-9).max(edge(&ranked, policy));
            kept.retain(|name| costs.get(name).is_none_or(|cost| cost.total() <= limit));
        }
        kept
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "levels are whole and at most 10"
    )]
    fn prioritize(&self, ask: &Workload, policy: &Policy, names: &[String]) -> Vec<u8> {
        let costs = self.costs(ask, policy, names);
        let carbon_free = costs.values().all(|cost| cost.grams <= 0.0);
        let of = |cost: &Cost| if carbon_free { cost.joules } else { cost.total() };
        let mut sorted: Vec<f64> = names.iter().filter_map(|name| costs.get(name)).map(of).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100) - 1];
        let level = |cost: f64| {
            let (best, c90, edge) = (sorted[0], at(90), edge(&sorted, policy));
            if c90 <= edge {
                return 0.0;
            }
            let top = (10.0 * ((c90 - best) / best.abs() / policy.full_spread).min(1.0)).round();
            let part = if best > 0.0 {
                (c90.ln() - cost.ln()) / (c90.ln() - best.ln())
            } else {
                (c90 - cost) / (c90 - best)
            };
            let scaled = (top * part).floor().clamp(0.0, top);
            if cost <= edge { top } else { scaled }
        };
        let score = |name: &String| match costs.get(name) {
            _ if sorted.is_empty() => 0.0,
            Some(cost) => level(of(cost)),
            None => level(at(50)),
        };
        names.iter().map(|name| score(name) as u8).collect()
    }
}

fn ranked(names: &[String], costs: &HashMap<String, Cost>) -> Vec<f64> {
    let mut ranked: Vec<f64> = names.iter().filter_map(|name| Some(costs.get(name)?.total())).collect();
    ranked.sort_by(f64::total_cmp);
    ranked
}

fn edge(ranked: &[f64], policy: &Policy) -> f64 {
    let best = ranked.first().copied().unwrap_or(f64::INFINITY);
    best + best.abs() * (policy.band.get() + 1e-9)
}

fn wake(node: &Node, gpus: f64, waiting: f64) -> f64 {
    let sharing = gpus.max(waiting).min(node.state.slots.boards() as f64).max(gpus);
    if node.state.awake {
        0.0
    } else {
        node.state.wake().get() * gpus / sharing
    }
}

/// The mean over the first seconds, step by step; after the end the mean of all steps.
fn mean((steps, end): &Steps, seconds: f64) -> f64 {
    let ends = steps.iter().skip(1).map(|(from, _)| *from).chain([*end]);
    let stretch = |from: f64, until: f64| {
        let parts = steps.iter().zip(ends.clone());
        parts
            .map(|((start, value), stop)| value * (until.min(stop) - from.max(*start)).max(0.0))
            .sum::<f64>()
    };
    let (first, overall) = (steps[0].0, stretch(steps[0].0, *end) / (end - steps[0].0));
    let outside = (seconds - end.max(0.0)).max(0.0) + first.min(seconds).max(0.0);
    (stretch(0.0, seconds) + outside * overall) / seconds
}

fn taken(node: &NodeState, ask: &Workload) -> NodeState {
    let mut node = node.clone();
    node.slots.take(ask.gpus);
    node.cpu_free_milli -= i64::try_from(ask.cpu_milli).unwrap();
    node.memory_free -= i64::try_from(ask.memory_bytes).unwrap();
    node
}

fn stranded(node: &NodeState, classes: &[PodClass]) -> f64 {
    let lost = |class: &PodClass| {
        let starved = i128::from(class.cpu_milli) > i128::from(node.cpu_free_milli)
            || i128::from(class.memory_bytes) > i128::from(node.memory_free);
        let slots: &GpuSlots = &node.slots;
        let milli = if starved {
            slots.free_milli()
        } else {
            slots.unusable_milli(class.gpus)
        };
        class.share * f64::from(milli) / 1000.0
    };
    classes.iter().map(lost).sum()
}

/// The names of all nodes of a snapshot.
pub(crate) fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.nodes().iter().map(|node| node.name.to_string()).collect()
}
