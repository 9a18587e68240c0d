//! What dcgm-exporter and Prometheus would show of the simulated boards.

use super::capacity::{Capacity, Room};
use super::random::Random;
use crate::quantity::{Ratio, Source, Watts};
use crate::snapshot::{BoardPower, NodePower, PowerReport};
use jiff::Timestamp;
use std::sync::Arc;

/// Collect interval of dcgm-exporter, in seconds: a sample is up to this old.
const COLLECT: i64 = 30;
/// What a power sensor is off, as a share (one deviation).
const SENSOR_ERROR: f64 = 0.02;

/// One round over all boards. Boards are given to pods in order; a board without a pod idles.
pub(super) fn report(seed: u64, capacity: &Capacity<'_>, now: Timestamp) -> PowerReport {
    let round = now.as_second().div_euclid(COLLECT);
    let mut random = Random::of(seed ^ 0x5045, round.unsigned_abs());
    let observed_at = Timestamp::from_second(round * COLLECT).unwrap_or(now);
    PowerReport {
        source: Source::new("simulated-dcgm"),
        nodes: capacity
            .rooms()
            .map(|room| NodePower {
                host: None,
                node: Arc::clone(&room.node.facts.name),
                boards: boards(room, observed_at, &mut random),
            })
            .collect(),
    }
}

fn boards(room: &Room<'_>, observed_at: Timestamp, random: &mut Random) -> Vec<BoardPower> {
    let node = room.node;
    let busy = room
        .pods
        .iter()
        .flat_map(|pod| std::iter::repeat_n(Some(pod.utilisation), pod.gpus() as usize));
    let model: Arc<str> = Arc::from(node.model.replace('-', " "));
    node.uuids
        .iter()
        .zip(busy.chain(std::iter::repeat(None)))
        .map(|(uuid, busy)| BoardPower {
            uuid: Arc::clone(uuid),
            watts: draw(room, busy) * (1.0 + SENSOR_ERROR * random.normal()),
            observed_at,
            model: Some(Arc::clone(&model)),
            utilisation: None,
            pods: Vec::new(),
        })
        .collect()
}

fn draw(room: &Room<'_>, busy: Option<Ratio>) -> Watts {
    let own = crate::gpu::GpuProfile {
        bare: room.node.bare,
        ..room.node.profile.clone()
    };
    own.bare + busy.map_or(Watts::ZERO, |utilisation| own.active(utilisation))
}
