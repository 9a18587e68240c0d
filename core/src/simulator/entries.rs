use super::later;
use crate::gpu::GpuProfile;
use crate::grid::{IntensitySeries, ZoneId};
use crate::quantity::Ratio;
use crate::snapshot::HostModel;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::sync::Arc;

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
    pub(super) fn of(profile: &GpuProfile) -> Self {
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
    pub(super) fn of(host: &HostModel) -> Self {
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
