use super::entries::{AwakeEntry, PodEntry};
use super::ledger::{HOURS, JOULES_PER_KWH, Ledger};
use serde::Serialize;
use std::collections::BTreeMap;

/// A part of a total: a zone or a GPU model.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Which.
    pub name: String,
    /// Pods put there.
    pub pods: usize,
    /// GPUs times hours.
    pub gpu_hours: f64,
    /// Energy, facility overhead and idle nodes included.
    pub kwh: f64,
    /// Carbon.
    pub grams: f64,
}

/// What pods had to wait for a node, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waits {
    /// Over all pods.
    pub mean_seconds: f64,
    /// Nearest rank.
    pub p99_seconds: f64,
    /// The longest.
    pub longest_seconds: f64,
}

/// What a day came to under one scheduler.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Name of the scheduler model.
    pub scheduler: &'static str,
    /// Pods placed.
    pub pods: usize,
    /// Carbon of everything, to the end of the last pod.
    pub grams: f64,
    /// The part of `grams` that the pods' work drew.
    pub work_grams: f64,
    /// The part of `grams` that nodes drew for being on.
    pub idle_grams: f64,
    /// Energy of everything, to the end of the last pod.
    pub kwh: f64,
    /// The part of `kwh` that nodes drew for being on.
    pub idle_kwh: f64,
    /// Mean intensity of that energy.
    pub grams_per_kwh: f64,
    /// Mean draw over the simulated day.
    pub mean_watts: f64,
    /// Mean draw in the highest hour of the simulated day.
    pub peak_watts: f64,
    /// How often a node was switched on.
    pub nodes_woken: usize,
    /// How long nodes were on, summed.
    pub node_hours: f64,
    /// GPUs given times hours.
    pub gpu_hours: f64,
    /// Share of pods in the zone that was the greenest at that moment among the nodes that had room.
    pub greenest_share: f64,
    /// Waiting.
    pub waits: Waits,
    /// Mean run time of Jobs: it depends on the GPU models they got.
    pub job_seconds: f64,
    /// By grid zone.
    pub zones: Vec<Part>,
    /// By GPU model.
    pub models: Vec<Part>,
    /// Grams in each hour of the simulated day.
    pub hours: Vec<f64>,
}

impl Totals {
    /// Sums a ledger up.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Self {
        let count = ledger.pods.len();
        let work_grams: f64 = ledger.pods.iter().map(|pod| pod.grams).sum();
        let idle_grams: f64 = ledger.awake.iter().map(|node| node.grams).sum();
        let work_kwh = ledger.pods.iter().map(|pod| pod.joules).sum::<f64>() / JOULES_PER_KWH;
        let idle_kwh = ledger.awake.iter().map(|node| node.joules).sum::<f64>() / JOULES_PER_KWH;
        let (grams, kwh) = (work_grams + idle_grams, work_kwh + idle_kwh);
        let day = || ledger.hours.iter().take(HOURS);
        let in_greenest = ledger.pods.iter().filter(|pod| pod.zone == pod.offer.greenest_zone);
        let jobs: Vec<f64> = ledger
            .pods
            .iter()
            .filter(|pod| pod.job)
            .map(|pod| pod.seconds)
            .collect();
        let mut hours: Vec<f64> = day().map(|(_, grams)| *grams).collect();
        hours.resize(HOURS, 0.0);
        Self {
            scheduler: ledger.scheduler,
            pods: count,
            grams,
            work_grams,
            idle_grams,
            kwh,
            idle_kwh,
            grams_per_kwh: ratio(grams, kwh),
            mean_watts: day().map(|(joules, _)| joules).sum::<f64>() / (HOURS as f64 * 3600.0),
            peak_watts: day().map(|(joules, _)| joules / 3600.0).fold(0.0, f64::max),
            nodes_woken: ledger.awake.len(),
            node_hours: ledger.awake.iter().map(|node| node.seconds).sum::<f64>() / 3600.0,
            gpu_hours: ledger.pods.iter().map(gpu_hours).sum(),
            greenest_share: ratio(in_greenest.count() as f64, count as f64),
            waits: waits(&ledger.pods),
            job_seconds: ratio(jobs.iter().sum(), jobs.len() as f64),
            zones: parts(ledger, |pod| pod.zone.as_str(), |node| node.zone.as_str()),
            models: parts(ledger, |pod| pod.model, |node| node.model),
            hours,
        }
    }
}

/// What one side saved against another, and why.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    /// Carbon.
    pub grams: f64,
    /// The same, as a share of the other side's.
    pub share: f64,
    /// Energy.
    pub kwh: f64,
    /// The part of `grams` that is from cleaner energy: `kWh of this side · difference of the mean intensities`.
    pub grams_by_cleaner_energy: f64,
    /// The part that is from nodes drawing less for being on: `kWh less · mean intensity of the other side`.
    pub grams_by_idle_energy: f64,
    /// The same for the pods' work: it draws less where a data centre's overhead and a node's boards do.
    pub grams_by_work_energy: f64,
    /// Mean draw over the simulated day.
    pub mean_watts: f64,
}

impl Saved {
    /// What `side` saved against `other`. Negative where it cost more.
    #[must_use]
    pub fn against(other: &Totals, side: &Totals) -> Self {
        let kwh = other.kwh - side.kwh;
        let idle_kwh = other.idle_kwh - side.idle_kwh;
        Self {
            grams: other.grams - side.grams,
            share: ratio(other.grams - side.grams, other.grams),
            kwh,
            grams_by_cleaner_energy: side.kwh * (other.grams_per_kwh - side.grams_per_kwh),
            grams_by_idle_energy: idle_kwh * other.grams_per_kwh,
            grams_by_work_energy: (kwh - idle_kwh) * other.grams_per_kwh,
            mean_watts: other.mean_watts - side.mean_watts,
        }
    }
}

/// Nothing of nothing is zero.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn gpu_hours(pod: &PodEntry) -> f64 {
    f64::from(pod.gpus) * pod.seconds / 3600.0
}

fn waits(pods: &[PodEntry]) -> Waits {
    let mut seconds: Vec<f64> = pods
        .iter()
        .map(|pod| pod.bound.duration_since(pod.arrived).as_secs_f64())
        .collect();
    seconds.sort_unstable_by(f64::total_cmp);
    let rank = (seconds.len() * 99).div_ceil(100);
    Waits {
        mean_seconds: ratio(seconds.iter().sum(), seconds.len() as f64),
        p99_seconds: seconds.get(rank.saturating_sub(1)).copied().unwrap_or(0.0),
        longest_seconds: seconds.last().copied().unwrap_or(0.0),
    }
}

fn parts<'l>(
    ledger: &'l Ledger,
    of_pod: impl Fn(&'l PodEntry) -> &'l str,
    of_node: impl Fn(&'l AwakeEntry) -> &'l str,
) -> Vec<Part> {
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    for pod in &ledger.pods {
        let part = parts.entry(of_pod(pod)).or_default();
        part.pods += 1;
        part.gpu_hours += gpu_hours(pod);
        part.kwh += pod.joules / JOULES_PER_KWH;
        part.grams += pod.grams;
    }
    for node in &ledger.awake {
        let part = parts.entry(of_node(node)).or_default();
        part.kwh += node.joules / JOULES_PER_KWH;
        part.grams += node.grams;
    }
    let named = |(name, part): (&str, Part)| Part {
        name: name.to_owned(),
        ..part
    };
    parts.into_iter().map(named).collect()
}
