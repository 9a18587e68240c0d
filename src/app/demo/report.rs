use super::caller::Latencies;
use heliotrope_core::simulator::{Block, Ledger, Saved, Totals, World, blocks};
use jiff::SignedDuration;
use serde::Serialize;
use std::time::Duration;

/// What the figures are, and what they are not.
const NOTE: &str =
    "simulated cluster, grids, power and pods; kube-scheduler is a model; the extender and its HTTP answers are real";
/// Hours of a block of the day.
const BLOCK_HOURS: usize = 4;

/// Figures of a played day. All of them were computed in that run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Always.
    pub simulated: bool,
    /// What is simulated, what is a model, what is real.
    pub note: &'static str,
    /// What the world was made from.
    pub seed: u64,
    /// How long it took.
    pub wall_seconds: f64,
    /// Simulated time between two rounds of scheduling, the same on all sides.
    pub round_seconds: f64,
    /// Nodes of the cluster.
    pub nodes: usize,
    /// GPUs of the cluster.
    pub gpus: u32,
    /// Grid zones, in the order of the blocks' lists.
    pub zones: Vec<String>,
    /// The model of the default scheduler.
    pub default_model: Totals,
    /// The model of the shipped scheduler profile without an extender: packing alone.
    pub packing_model: Totals,
    /// The shipped profile with the real extender.
    pub heliotrope: Totals,
    /// Heliotrope against the default model.
    pub saved: Saved,
    /// The part of it that packing alone saves: the packing model against the default model.
    pub saved_by_packing: Saved,
    /// The rest: heliotrope against the packing model.
    pub saved_by_extender: Saved,
    /// Parts of the day. Shares are of the default model, then of heliotrope.
    pub blocks: Vec<Block>,
    /// Mean true intensity of each hour and zone, in g/kWh.
    pub intensity: Vec<Vec<f64>>,
    /// The extender's answers.
    pub latency: Answers,
    /// Decisions of which the extender told what each node would cost.
    pub decisions_priced: usize,
}

/// The extender's answers by call.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Answers {
    /// `/filter`.
    pub filter: Latency,
    /// `/prioritize`.
    pub prioritize: Latency,
}

/// How long answers took over HTTP on loopback, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Answers.
    pub count: usize,
    /// Median.
    pub p50_ms: f64,
    /// 99 of 100 were faster.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Latency {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let rank = |percent: usize| {
            let place = (took.len() * percent).div_ceil(100).saturating_sub(1);
            took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
        };
        Self {
            count: took.len(),
            p50_ms: rank(50),
            p99_ms: rank(99),
            max_ms: rank(100),
        }
    }
}

impl Report {
    pub(super) fn new(
        world: &World,
        ledgers: &[Ledger; 3],
        (round, took): (SignedDuration, Duration),
        latencies: Latencies,
        decisions_priced: usize,
    ) -> Self {
        let [default, packing, ours] = ledgers.each_ref().map(Totals::of);
        let [of_default, _, of_ours] = ledgers;
        Self {
            simulated: true,
            note: NOTE,
            seed: world.seed,
            wall_seconds: took.as_secs_f64(),
            round_seconds: round.as_secs_f64(),
            nodes: world.nodes.len(),
            gpus: world.nodes.iter().map(|node| node.boards).sum(),
            zones: world.zones.iter().map(|zone| zone.id.to_string()).collect(),
            saved: Saved::against(&default, &ours),
            saved_by_packing: Saved::against(&default, &packing),
            saved_by_extender: Saved::against(&packing, &ours),
            blocks: blocks(world, &[of_default, of_ours], BLOCK_HOURS),
            intensity: blocks(world, &[], 1)
                .into_iter()
                .map(|block| block.grams_per_kwh)
                .collect(),
            default_model: default,
            packing_model: packing,
            heliotrope: ours,
            latency: Answers {
                filter: Latency::of(latencies.filter),
                prioritize: Latency::of(latencies.prioritize),
            },
            decisions_priced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_nearest_rank() {
        let took = (1..=200).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(took);
        assert_eq!((latency.p50_ms, latency.p99_ms, latency.max_ms), (100.0, 198.0, 200.0));
        assert_eq!(Latency::of(Vec::new()), Latency::default());
    }
}
