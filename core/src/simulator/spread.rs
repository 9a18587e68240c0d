//! A model of the PodTopologySpread score under its built-in default constraints.

use super::capacity::Capacity;
use super::nodes::SimulatedNode;
use super::pods::SimulatedPod;
use super::points::{MAX_NODE_SCORE, points};

use std::collections::BTreeMap;

/// The built-in constraints: spread over zones with a skew of 5, over nodes with a skew of 3, both as a wish.
const ZONE_SKEW: f64 = 5.0;
const NODE_SKEW: f64 = 3.0;

/// Scores for nodes, in their order. They apply to pods of sets (ReplicaSet, StatefulSet, Service), not to Jobs: those
/// get equal scores.
///
/// A topology counts `pods of the same owner there · ln(topologies + 2) + skew − 1`; the node with the lowest sum gets the
/// highest score. An approximation: the real plugin counts nodes with the plugin's own filters and rounds as it goes.
pub(super) fn scores(capacity: &Capacity<'_>, pod: &SimulatedPod, nodes: &[&SimulatedNode]) -> Vec<i64> {
    if pod.is_job() {
        return vec![0; nodes.len()];
    }
    let siblings = |node: &SimulatedNode| -> usize {
        capacity.room(node).map_or(0, |room| {
            let same = |held: &&&SimulatedPod| held.facts.owner == pod.facts.owner;
            room.pods.iter().filter(same).count()
        })
    };
    let mut by_region: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes {
        by_region.entry(region(node)).or_default();
    }
    for room in capacity.rooms() {
        if let Some(count) = by_region.get_mut(region(room.node)) {
            *count += siblings(room.node);
        }
    }
    let weight = |topologies: usize| (topologies as f64 + 2.0).ln();
    let (zones, hosts) = (weight(by_region.len()), weight(nodes.len()));
    let raw: Vec<f64> = nodes
        .iter()
        .map(|node| {
            let in_region = by_region.get(region(node)).copied().unwrap_or(0);
            let over_zones = in_region as f64 * zones + ZONE_SKEW - 1.0;
            let over_nodes = siblings(node) as f64 * hosts + NODE_SKEW - 1.0;
            over_zones + over_nodes
        })
        .collect();
    let most = raw.iter().copied().fold(0.0, f64::max);
    let least = raw.iter().copied().fold(f64::INFINITY, f64::min);
    raw.iter()
        .map(|raw| points(MAX_NODE_SCORE as f64 * (most + least - raw) / most))
        .collect()
}

fn region(node: &SimulatedNode) -> &str {
    node.facts.region.as_ref().map_or("", |region| region.as_str())
}
