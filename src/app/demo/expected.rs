use crate::world::DecisionView;
use heliotrope_core::gpu::{GpuVendor, WHOLE_GPU};
use heliotrope_core::simulator::{SimulatedNode, Step, steps};
use heliotrope_core::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// What the extender expected of the chosen node when it decided, with every input.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Expected {
    /// When it decided.
    at: Timestamp,
    /// The rung that the candidates were compared on, and who said the intensity.
    rung: &'static str,
    carbon_source: Option<String>,
    /// Candidates, and the cheapest of them.
    candidates: usize,
    cheapest_node: Option<String>,
    cheapest_grams: Option<f64>,
    score: Option<u8>,
    /// The pod as the extender read it.
    gpus: f64,
    vcpus: f64,
    memory_gib: f64,
    utilisation: f64,
    reference_seconds: f64,
    /// Waking the node: all of it, and who shares it. Zero watts when it is awake.
    node_wake_watts: f64,
    boards: usize,
    pending_gpus: f64,
    /// How surely another pod was promised the node: by so much it was awake already.
    promised: f64,
    wake_watts: f64,
    pue: f64,
    /// Intensity over the run time as expected.
    steps: Vec<Step>,
    /// The results.
    watts: f64,
    seconds: f64,
    joules: f64,
    grams: f64,
}

impl Expected {
    /// `None` where the extender could not tell what the node costs.
    pub(super) fn of(decision: &DecisionView, node: &SimulatedNode, snapshot: &Snapshot) -> Option<Self> {
        const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
        let name = node.facts.name.as_ref();
        let chosen = decision
            .candidates
            .iter()
            .find(|candidate| candidate.node.as_ref() == name)?;
        let (cost, workload, rung) = (chosen.cost?, decision.workload.as_ref()?, decision.rung?);
        let state = snapshot.node(snapshot.find(name)?)?;
        let series = &snapshot.zone(state.zone?)?.view(rung)?.series;
        let cheapest = decision.preferred();
        let span = SignedDuration::try_from_secs_f64(cost.seconds).ok()?;
        Some(Self {
            at: decision.at,
            rung: rung.name(),
            carbon_source: chosen.carbon_source.as_ref().map(ToString::to_string),
            candidates: decision.offered_to_us,
            cheapest_node: cheapest.map(|candidate| candidate.node.to_string()),
            cheapest_grams: cheapest.and_then(|candidate| Some(candidate.cost?.grams)),
            score: chosen.score,
            gpus: f64::from(workload.gpus.milli()) / f64::from(WHOLE_GPU),
            vcpus: workload.cpu_milli as f64 / 1000.0,
            memory_gib: workload.memory_bytes as f64 / GIB,
            utilisation: workload.utilisation.get(),
            reference_seconds: workload.duration.span.as_secs_f64(),
            node_wake_watts: state.wake().get(),
            boards: state.slots.boards(),
            pending_gpus: f64::from(snapshot.pending.of(GpuVendor::Nvidia)) / f64::from(WHOLE_GPU),
            promised: cost.promised,
            wake_watts: cost.wake.get(),
            pue: state.pue,
            steps: steps(series, decision.at, span),
            watts: cost.watts.get(),
            seconds: cost.seconds,
            joules: cost.joules,
            grams: cost.grams,
        })
    }
}
