use super::body::{self, Args};
use super::caller::{Caller, Latencies};
use super::edges::Edges;
use super::expected::Expected;
use heliotrope_core::simulator::{self, Ledger, Random, Run, SchedulerModel, SimulatedNode, SimulatedPod, World};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How far a day is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Simulated time.
    pub at: Timestamp,
    /// Share of the day, 0 to 1.
    pub share: f64,
    /// Pods bound.
    pub bound: usize,
    /// Pods of the day.
    pub pods: usize,
    /// Zones with their intensity now, in g/kWh.
    pub zones: Vec<(String, f64)>,
}

/// A day that was played.
pub(super) struct Played {
    pub(super) ledger: Ledger,
    pub(super) expected: HashMap<Arc<str>, Expected>,
    pub(super) latency: Latencies,
    pub(super) took: Duration,
}

/// Plays a day in rounds: tells the edges' news, then schedules every pod that waits, one after another, asking the extender
/// over HTTP where kube-scheduler would.
pub(super) async fn play<'w>(
    world: &'w World,
    mut edges: Edges<'w>,
    caller: Caller,
    (round, wall): (SignedDuration, Duration),
    mut progress: impl FnMut(&Progress),
) -> anyhow::Result<Played> {
    let mut run = Run::new(world, SchedulerModel::SHIPPED.name);
    let mut scheduler = Scheduler {
        caller,
        random: Random::of(world.seed, 300),
    };
    let mut expected = HashMap::new();
    let started = Instant::now();
    while let Some(at) = run.next_round(round) {
        let share = (at.duration_since(world.start).as_secs_f64() / simulator::DAY.as_secs_f64()).min(1.0);
        let due = started + wall.mul_f64(share);
        tokio::time::sleep_until(due.into()).await;
        run.advance(at);
        let snapshot = edges.tell(&mut run, at).await?;
        let mut placed = Vec::new();
        while let Some((pod, feasible)) = run.next_ready() {
            match scheduler.place(&mut run, pod, &feasible).await? {
                Some(node) => placed.push((pod, node)),
                None => run.hold(pod),
            }
        }
        edges.recorded().await?;
        let decisions = edges.world().decisions();
        for (pod, node) in placed {
            let name = format!("{}/{}", pod.facts.namespace, pod.facts.name);
            let known = decisions
                .find(&name)
                .and_then(|decision| Expected::of(decision, node, &snapshot));
            expected.extend(known.map(|known| (Arc::clone(&pod.facts.uid), known)));
        }
        drop(decisions);
        progress(&Progress {
            at,
            share,
            bound: run.bound(),
            pods: world.pods.len(),
            zones: world
                .zones
                .iter()
                .map(|zone| (zone.id.to_string(), zone.truth.at(at).map_or(f64::NAN, f64::from)))
                .collect(),
        });
    }
    Ok(Played {
        ledger: run.finish(),
        expected,
        latency: scheduler.caller.latencies,
        took: started.elapsed(),
    })
}

/// Plays kube-scheduler with the shipped profile: the in-tree part is a model, the extender is real.
struct Scheduler {
    caller: Caller,
    random: Random,
}

impl Scheduler {
    /// One scheduling cycle: filter; then, of several nodes, prioritize, add up, and take the best. `None` when the
    /// extender left no node.
    async fn place<'w>(
        &mut self,
        run: &mut Run<'w>,
        pod: &'w SimulatedPod,
        feasible: &[&'w SimulatedNode],
    ) -> anyhow::Result<Option<&'w SimulatedNode>> {
        let profile = SchedulerModel::SHIPPED;
        let body = body::pod(pod)?;
        let offered: Vec<&str> = feasible.iter().map(|node| node.facts.name.as_ref()).collect();
        let args = |names| Args {
            pod: &body,
            nodes: None,
            node_names: names,
        };
        let kept = self.caller.filter(&args(&offered)).await?;
        let nodes: Vec<&'w SimulatedNode> = kept.iter().filter_map(|name| run.capacity().node(name)).collect();
        let scores = if nodes.len() > 1 {
            self.caller.prioritize(&args(&kept)).await?
        } else {
            Vec::new()
        };
        let totals = profile.score(run.capacity(), pod, &nodes, &scores);
        let chosen = SchedulerModel::select(&totals, &mut self.random);
        if let Some(chosen) = chosen {
            run.bind(pod, chosen, feasible, nodes.len());
        }
        Ok(chosen.map(|chosen| chosen.node))
    }
}
