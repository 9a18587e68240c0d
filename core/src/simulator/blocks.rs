use super::entries::PodEntry;
use super::later;
use super::ledger::{HOURS, Ledger};
use super::world::World;
use jiff::SignedDuration;
use serde::Serialize;

/// A part of the simulated day: how clean each zone was, and where the work that began in it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// First hour, UTC.
    pub from_hour: usize,
    /// The hour that it ends with.
    pub to_hour: usize,
    /// Mean true intensity of each zone in g/kWh, in the order of the zones.
    pub grams_per_kwh: Vec<f64>,
    /// For each ledger, the share of the GPU hours that began in it by zone.
    pub shares: Vec<Vec<f64>>,
}

/// Cuts the day into blocks of some hours.
#[must_use]
pub fn blocks(world: &World, ledgers: &[&Ledger], hours: usize) -> Vec<Block> {
    (0..HOURS)
        .step_by(hours.max(1))
        .map(|from_hour| {
            let to_hour = (from_hour + hours.max(1)).min(HOURS);
            let at = |hour: usize| {
                later(
                    world.start,
                    SignedDuration::from_secs(3600) * i32::try_from(hour).unwrap_or(0),
                )
            };
            let (from, to) = (at(from_hour), at(to_hour));
            let zones = world.zones.iter();
            let shares = |ledger: &&Ledger| -> Vec<f64> {
                let begun: Vec<&PodEntry> = ledger
                    .pods
                    .iter()
                    .filter(|pod| (from..to).contains(&pod.bound))
                    .collect();
                let work = |pod: &&PodEntry| f64::from(pod.gpus) * pod.seconds;
                let all: f64 = begun.iter().map(work).sum();
                let of = |zone| begun.iter().filter(|pod| pod.zone == zone).map(work).sum::<f64>();
                let share = |part: f64| if all > 0.0 { part / all } else { 0.0 };
                world.zones.iter().map(|zone| share(of(zone.id.clone()))).collect()
            };
            Block {
                from_hour,
                to_hour,
                grams_per_kwh: zones
                    .map(|zone| zone.truth.mean(from, to.duration_since(from)).get())
                    .collect(),
                shares: ledgers.iter().map(shares).collect(),
            }
        })
        .collect()
}
