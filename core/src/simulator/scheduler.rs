//! Models of kube-scheduler: how it comes from feasible nodes and an extender's scores to one node.

use super::capacity::Capacity;
use super::nodes::SimulatedNode;
use super::pods::SimulatedPod;
use super::points::{MAX_NODE_SCORE, points};
use super::random::Random;
use super::spread;

/// `MaxExtenderPriority`: what an extender gives at most.
const MAX_EXTENDER_PRIORITY: i64 = 10;

/// How NodeResourcesFit scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// The emptier the better: kube-scheduler's default, which spreads.
    LeastAllocated,
    /// The fuller the better: packing.
    MostAllocated,
}

/// A scheduler profile, as far as simulated pods notice: they have no taints, no affinity, no constraints of their own
/// and no large images, so the other score plugins give all nodes the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchedulerModel {
    /// Its name in ledgers and figures.
    pub name: &'static str,
    /// How NodeResourcesFit scores (weight 1).
    pub strategy: Strategy,
    /// Weights of GPUs, CPU and memory in it.
    pub resources: [i64; 3],
    /// Whether NodeResourcesBalancedAllocation scores (weight 1).
    pub balanced: bool,
    /// Whether the built-in default constraints of PodTopologySpread score (weight 2).
    pub spread: bool,
    /// Weight of the extender.
    pub extender_weight: i64,
}

/// A node with the points it got.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'w> {
    /// The node.
    pub node: &'w SimulatedNode,
    /// Points of the in-tree plugins.
    pub in_tree: i64,
    /// The extender's score, 0 to 10, before its weight.
    pub extender: i64,
    /// What kube-scheduler compares.
    pub total: i64,
}

impl SchedulerModel {
    /// The default profile without an extender. NodeResourcesFit and BalancedAllocation see CPU and memory only.
    pub const DEFAULT: Self = Self {
        name: "default-model",
        strategy: Strategy::LeastAllocated,
        resources: [0, 1, 1],
        balanced: true,
        spread: true,
        extender_weight: 0,
    };

    /// The profile that Heliotrope ships: `config/scheduler/kube-scheduler-config.yaml`.
    pub const SHIPPED: Self = Self {
        name: "heliotrope",
        strategy: Strategy::MostAllocated,
        resources: [5, 1, 1],
        balanced: false,
        spread: false,
        extender_weight: 5,
    };

    /// The shipped profile without its extender: what packing alone does.
    pub const PACKING: Self = Self {
        name: "packing-model",
        extender_weight: 0,
        ..Self::SHIPPED
    };

    /// Scores nodes that passed all filters. `extender` gives a score for each of them, in their order; what is missing
    /// counts as 0, as kube-scheduler counts it.
    ///
    /// `total = NodeResourcesFit + BalancedAllocation + 2 · PodTopologySpread + extender · weight · 100/10`
    #[must_use]
    pub fn score<'w>(
        &self,
        capacity: &Capacity<'w>,
        pod: &SimulatedPod,
        nodes: &[&'w SimulatedNode],
        extender: &[i64],
    ) -> Vec<Scored<'w>> {
        let spread = if self.spread {
            spread::scores(capacity, pod, nodes)
        } else {
            vec![0; nodes.len()]
        };
        let of_extender = extender.iter().copied().chain(std::iter::repeat(0));
        let scored = nodes.iter().zip(spread).zip(of_extender);
        scored
            .map(|((node, spread), extender)| {
                let in_tree = self.fit(capacity, pod, node) + self.balance(capacity, pod, node) + 2 * spread;
                Scored {
                    node,
                    in_tree,
                    extender,
                    total: in_tree + extender * self.extender_weight * (MAX_NODE_SCORE / MAX_EXTENDER_PRIORITY),
                }
            })
            .collect()
    }

    /// The node that a scored list leads to: the highest total, and one of the highest at random.
    #[must_use]
    pub fn select<'w>(scored: &[Scored<'w>], random: &mut Random) -> Option<Scored<'w>> {
        let best = scored.iter().map(|scored| scored.total).max()?;
        let ties: Vec<&Scored<'w>> = scored.iter().filter(|scored| scored.total == best).collect();
        ties.get(random.below(ties.len())).map(|scored| **scored)
    }

    fn fit(&self, capacity: &Capacity<'_>, pod: &SimulatedPod, node: &SimulatedNode) -> i64 {
        let Some(used) = Used::with(capacity, pod, node) else {
            return 0;
        };
        let score = |(asked, of): (u64, u64)| -> i64 {
            let share = match self.strategy {
                Strategy::MostAllocated => asked,
                Strategy::LeastAllocated => of.saturating_sub(asked),
            };
            i64::try_from((share * 100).checked_div(of).unwrap_or(0)).unwrap_or(0)
        };
        let weighted: i64 = used
            .0
            .into_iter()
            .zip(self.resources)
            .map(|(of, weight)| score(of) * weight)
            .sum();
        weighted / self.resources.iter().sum::<i64>().max(1)
    }

    /// `100 · (1 − deviation of the shares in use)`; of two shares, the deviation is half their distance.
    fn balance(&self, capacity: &Capacity<'_>, pod: &SimulatedPod, node: &SimulatedNode) -> i64 {
        let used = Used::with(capacity, pod, node).filter(|_| self.balanced);
        let Some(Used([_, cpu, memory])) = used else {
            return 0;
        };
        let share = |(asked, of): (u64, u64)| {
            if of == 0 {
                1.0
            } else {
                (asked as f64 / of as f64).min(1.0)
            }
        };
        points(MAX_NODE_SCORE as f64 * (1.0 - (share(cpu) - share(memory)).abs() / 2.0))
    }
}

/// What would be requested of a node with the pod on it, and what is allocatable: GPUs, CPU, memory in MiB.
struct Used([(u64, u64); 3]);

impl Used {
    fn with(capacity: &Capacity<'_>, pod: &SimulatedPod, node: &SimulatedNode) -> Option<Self> {
        const MIB: u64 = 1024 * 1024;
        let room = capacity.room(node)?;
        let taken = |of: u64, free: u64, asked: u64| (of.saturating_sub(free) + asked, of);
        let (facts, gpus) = (&node.facts, u64::from(node.boards));
        Some(Self([
            taken(gpus, u64::from(room.gpus), u64::from(pod.gpus())),
            taken(facts.cpu_milli, room.cpu_milli, pod.facts.cpu_milli),
            taken(
                facts.memory_bytes / MIB,
                room.memory_bytes / MIB,
                pod.facts.memory_bytes / MIB,
            ),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::world;
    use super::*;

    fn pods_of(world: &super::super::World, gpus: u32, job: bool) -> Vec<&SimulatedPod> {
        let wanted = |pod: &&SimulatedPod| pod.gpus() == gpus && pod.is_job() == job;
        world.pods.iter().filter(wanted).collect()
    }

    #[test]
    fn the_default_profile_spreads_and_the_shipped_one_packs() {
        let world = world(1);
        let mut capacity = Capacity::new(&world.nodes);
        let jobs = pods_of(&world, 1, true);
        let used = capacity.feasible(jobs[0])[3];
        capacity.take(jobs[0], used);
        let nodes: Vec<_> = capacity
            .feasible(jobs[1])
            .into_iter()
            .filter(|node| node.model == used.model)
            .collect();
        let best = |model: SchedulerModel| {
            let scored = model.score(&capacity, jobs[1], &nodes, &[]);
            SchedulerModel::select(&scored, &mut Random::new(1))
                .unwrap()
                .node
                .facts
                .name
                .clone()
        };
        assert_eq!(best(SchedulerModel::SHIPPED), used.facts.name);
        assert_ne!(best(SchedulerModel::DEFAULT), used.facts.name);
    }

    #[test]
    fn one_level_of_the_extender_is_fifty_points() {
        let world = world(1);
        let capacity = Capacity::new(&world.nodes);
        let job = pods_of(&world, 1, true)[0];
        let nodes = capacity.feasible(job);
        let scored = SchedulerModel::SHIPPED.score(&capacity, job, &nodes, &[0, 1, 10]);
        let given: Vec<i64> = scored.iter().take(4).map(|s| s.total - s.in_tree).collect();
        assert_eq!(given, [0, 50, 500, 0]);
    }

    #[test]
    fn replicas_are_spread_over_regions_by_the_default_profile_only() {
        let world = world(1);
        let mut capacity = Capacity::new(&world.nodes);
        let first = pods_of(&world, 1, false)[0];
        let siblings: Vec<_> = world
            .pods
            .iter()
            .filter(|pod| pod.facts.owner == first.facts.owner)
            .collect();
        let node = capacity.feasible(first)[0];
        capacity.take(first, node);
        let nodes = capacity.feasible(siblings[1]);
        let scores = spread::scores(&capacity, siblings[1], &nodes);
        let of = |wanted: bool| -> Vec<i64> {
            let same = nodes
                .iter()
                .zip(&scores)
                .filter(|(n, _)| (n.zone == node.zone) == wanted);
            same.map(|(_, score)| *score).collect()
        };
        assert!(
            of(true).iter().max() < of(false).iter().min(),
            "{:?} {:?}",
            of(true),
            of(false)
        );
        assert!(
            spread::scores(&capacity, pods_of(&world, 1, true)[0], &nodes)
                .iter()
                .all(|s| *s == 0)
        );
    }
}
