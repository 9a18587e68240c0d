//! What the snapshot says about where the replicas run: the grid, and the power that is left.

use crate::cluster::ScaledPod;
use heliotrope_core::grid::ZoneId;
use heliotrope_core::quantity::{Grams, GramsPerKwh, Ratio, Rung, Watts};
use heliotrope_core::rightsizing::Signal;
use heliotrope_core::snapshot::{CarbonView, NodeState, Snapshot, ZoneIx, ZoneState};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Rungs on which a replica is held back: an average of past days or of a year says nothing about this hour.
const COUNTS: [Rung; 3] = [Rung::Live, Rung::LastKnown, Rung::Forecast];
/// How busy a board is taken to be where replicas are ranked; it is the same for all of them.
const UTILISATION: f64 = 0.7;

/// Where the replicas run.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// Intensity now.
    pub(super) now: Signal<GramsPerKwh>,
    /// What is expected.
    pub(super) ahead: Vec<(Timestamp, GramsPerKwh)>,
    /// Until when.
    pub(super) until: Timestamp,
    /// What one replica was learned to draw.
    pub(super) replica_watts: Signal<Watts>,
    /// What the power domains have left.
    pub(super) power_room: Signal<Watts>,
}

pub(super) fn look(snapshot: &Snapshot, zone: Option<&ZoneId>, pods: &[ScaledPod], now: Timestamp) -> Surroundings {
    let nodes: Vec<&NodeState> = running(pods).filter_map(|(_, node)| find(snapshot, node)).collect();
    let zone = match zone {
        Some(zone) => snapshot.find_zone(zone).and_then(|ix| snapshot.zone(ix)),
        None => most_of(&nodes).and_then(|ix| snapshot.zone(ix)),
    };
    let view = zone.and_then(counted);
    let (mut ahead, mut until) = (Vec::new(), Timestamp::MIN);
    if let Some(view) = view {
        let later = view.series.points().iter().filter(|point| point.from > now);
        ahead.extend(later.map(|point| (point.from, point.value)));
        until = view.series.end();
    }
    Surroundings {
        now: view.map_or(Signal::Absent, |view| Signal::Fresh(view.now)),
        ahead,
        until,
        replica_watts: learned(snapshot, pods),
        power_room: room(snapshot, &nodes),
    }
}

fn running(pods: &[ScaledPod]) -> impl Iterator<Item = (&ScaledPod, &str)> {
    let bound = pods.iter().filter(|pod| !pod.facts.deleting);
    bound.filter_map(|pod| Some((pod, pod.node.as_deref()?)))
}

fn find<'s>(snapshot: &'s Snapshot, node: &str) -> Option<&'s NodeState> {
    snapshot.find(node).and_then(|ix| snapshot.node(ix))
}

/// The zone that most of them stand in; of equals the first by its place.
fn most_of(nodes: &[&NodeState]) -> Option<ZoneIx> {
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    for zone in nodes.iter().filter_map(|node| node.zone) {
        *counts.entry(zone.0).or_default() += 1;
    }
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(zone, _)| ZoneIx(zone))
}

fn counted(zone: &ZoneState) -> Option<&CarbonView> {
    COUNTS.into_iter().find_map(|rung| zone.view(rung))
}

/// The mean of what its pods were seen to draw, where most of them were.
fn learned(snapshot: &Snapshot, pods: &[ScaledPod]) -> Signal<Watts> {
    let (mut seen, mut count, mut milliwatts) = (0_u32, 0_u32, 0.0);
    for (pod, node) in running(pods) {
        count += 1;
        let Some(node) = find(snapshot, node) else { continue };
        let place = node.loads.iter().position(|load| load.uid.as_ref() == pod.uid);
        if let Some(drawn) = place.and_then(|place| node.expected.get(place).copied().flatten()) {
            seen += 1;
            milliwatts += drawn as f64;
        }
    }
    if seen == 0 || seen * 2 < count {
        return Signal::Absent;
    }
    Signal::Fresh(Watts::saturating(milliwatts / 1000.0 / f64::from(seen)))
}

/// What is left below the caps of the domains that the replicas stand in. Not known where one of them stands in none: more
/// could come there.
fn room(snapshot: &Snapshot, nodes: &[&NodeState]) -> Signal<Watts> {
    let mut domains = BTreeSet::new();
    for node in nodes {
        let mut stands = node.domains.iter().peekable();
        if stands.peek().is_none() {
            return Signal::Absent;
        }
        domains.extend(stands.map(|ix| ix.0));
    }
    let held = domains
        .into_iter()
        .filter_map(|ix| snapshot.domain(heliotrope_core::snapshot::DomainIx(ix)));
    let left: Vec<f64> = held
        .map(|domain| (domain.cap.get() - domain.committed.get()).max(0.0))
        .collect();
    if left.is_empty() {
        return Signal::Absent;
    }
    Signal::Fresh(Watts::saturating(left.iter().sum()))
}

/// What a replica adds to the emissions of its node in an hour, and what it fails together with. Where the GPUs of one of them
/// are not known, all are told by their grid alone, as if each drew a kilowatt.
pub(super) fn hourly<'s>(snapshot: &'s Snapshot, pods: &[ScaledPod]) -> Vec<(Option<String>, Option<Grams>)> {
    let nodes: Vec<Option<&'s NodeState>> = pods
        .iter()
        .map(|pod| pod.node.as_deref().and_then(|node| find(snapshot, node)))
        .collect();
    let busy = Ratio::new(UTILISATION).unwrap_or(Ratio::ONE);
    let known = nodes.iter().flatten().all(|node| node.active(busy).is_some());
    let of = |node: Option<&'s NodeState>| {
        let Some(node) = node else { return (None, None) };
        let zone = node.zone.and_then(|ix| snapshot.zone(ix));
        let place = snapshot.fails_with(node);
        let watts = if known {
            node.active(busy).map_or(0.0, Watts::get)
        } else {
            1000.0
        };
        let grams = zone
            .and_then(counted)
            .map(|view| watts / 1000.0 * node.pue * view.now.get());
        (place, grams.map(Grams::saturating))
    };
    nodes.into_iter().map(of).collect()
}
