//! Tests of the snapshot room.
//!
//! Owns the few lines that make readings, one file of tests for each part of the room. Everything goes in through
//! [`SnapshotBuilder`] as the edges' readings do, and is looked at in the snapshot that comes out. Must never hold a
//! second copy of a rule that is under test; where an oracle is needed, it is the rule's definition over bare times.

mod cluster;
mod devices;
mod devices_counted;
mod expected;
mod kept;
mod ladder;
mod ladder_bounds;
mod learned;
mod nodes;
mod power;

use super::*;
use crate::gpu::{FigureOrigin, GpuCatalogue, GpuProfile, GpuResource, GpuSharing};
use crate::grid::{Basis, IntensityKind, IntensityPoint, RegionTable, Signal, ZoneId};
use crate::quantity::{GramsPerKwh, Ratio, Reading, Source, Watts};
use crate::workload::{Annotations, GpuAsk, Owner, OwnerKey, OwnerKind, PodFacts, PodPhase};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

const KIND: IntensityKind = IntensityKind {
    signal: Signal::Average,
    basis: Basis::Lifecycle,
};

/// Seconds after an arbitrary hour.
fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Minutes after the same hour.
fn minute(minute: i64) -> Timestamp {
    second(minute * 60)
}

fn grams(value: f64) -> GramsPerKwh {
    GramsPerKwh::new(value).unwrap()
}

fn watts(value: f64) -> Watts {
    Watts::new(value).unwrap()
}

fn point(minutes: i64, value: f64) -> IntensityPoint {
    IntensityPoint {
        from: minute(minutes),
        value: grams(value),
    }
}

fn zone(name: &str) -> ZoneId {
    name.parse().unwrap()
}

/// A report about zone A from the first provider of its chain, which says nothing yet.
fn report() -> CarbonReport {
    CarbonReport {
        zone: zone("A"),
        kind: KIND,
        source: Source::new("first"),
        priority: 0,
        latest: None,
        forecast: None,
        history: Vec::new(),
        fixed: None,
    }
}

/// A value for a period given in minutes.
fn latest(value: f64, from: i64, until: i64) -> LatestIntensity {
    LatestIntensity {
        value: grams(value),
        from: minute(from),
        until: minute(until),
        estimated: false,
    }
}

/// Two boards of 10 W bare; what else a node needs is absent.
fn facts(name: &str) -> NodeFacts {
    NodeFacts {
        name: Arc::from(name),
        region: None,
        provider: None,
        zone: Some(zone("A")),
        gpu_product: Some(Arc::from("T")),
        gpus: vec![(GpuResource::NVIDIA, 2)],
        gpu_sharing: GpuSharing::default(),
        devices: None,
        cpu_milli: 8000,
        memory_bytes: 1 << 36,
        topology_zone: None,
        domain_labels: Vec::new(),
        pool: None,
        schedulable: true,
    }
}

/// A board as an exporter tells of it: when, watts, utilisation, and the pods that it names.
fn board(uuid: &str, at: i64, drawn: f64, busy: Option<f64>, pods: &[&str]) -> BoardPower {
    let pods = pods.iter().map(|name| PodName {
        namespace: Arc::from("ml"),
        name: Arc::from(*name),
    });
    BoardPower {
        uuid: Arc::from(uuid),
        watts: watts(drawn),
        observed_at: second(at),
        model: None,
        utilisation: busy.map(|share| Ratio::new(share).unwrap()),
        pods: pods.collect(),
    }
}

/// Boards of node `n`.
fn reported(boards: Vec<BoardPower>) -> PowerReport {
    PowerReport {
        source: Source::new("dcgm"),
        nodes: vec![NodePower {
            host: None,
            node: Arc::from("n"),
            boards,
        }],
    }
}

/// A pod of a Job that asks for one GPU, one core and 1 GiB.
fn pod(uid: &str, node: Option<&str>) -> PodFacts {
    PodFacts {
        uid: Arc::from(uid),
        namespace: Arc::from("ml"),
        name: Arc::from(uid),
        resource_version: Arc::from("1"),
        owner: Owner {
            kind: OwnerKind::Job,
            name: Arc::from("job"),
        },
        group: None,
        priority: 0,
        system_priority: false,
        gpus: Some(GpuAsk {
            resource: GpuResource::NVIDIA,
            units: 1,
        }),
        claims: None,
        cpu_milli: 1000,
        memory_bytes: 1 << 30,
        annotations: Annotations::default(),
        prefers: false,
        gated: false,
        node: node.map(Arc::from),
        ran: None,
        volume_claims: Vec::new(),
        nominated: None,
        started_at: None,
        unschedulable: false,
        phase: PodPhase::Pending,
    }
}

fn surroundings() -> Surroundings {
    let profile = GpuProfile {
        model: "T".into(),
        bare: watts(10.0),
        context: watts(20.0),
        max: watts(100.0),
        rated_throughput: None,
        measured_throughput: None,
    };
    Surroundings {
        kind: KIND,
        regions: RegionTable::default(),
        catalogue: Arc::new(GpuCatalogue::new(vec![(profile, vec![])]).unwrap()),
        ladder: LadderBounds::default(),
        power: PowerBounds::default(),
        bookings: BookingBounds::default(),
        domains: Vec::new(),
        pue: Pue::default(),
        wake: WakeWeights::default(),
        host: HostModel::default(),
    }
}

fn builder() -> SnapshotBuilder {
    SnapshotBuilder::new(surroundings())
}

/// Applies events at one instant.
fn observe(builder: &mut SnapshotBuilder, now: Timestamp, events: impl IntoIterator<Item = ClusterEvent>) {
    for event in events {
        builder.apply_cluster(event, now);
    }
}

fn is_pod(pod: PodFacts) -> ClusterEvent {
    ClusterEvent::Pod(Box::new(pod))
}

fn is_gone(uid: &str) -> ClusterEvent {
    ClusterEvent::PodGone { uid: Arc::from(uid) }
}

/// One node with that name in a fresh snapshot.
fn node_at(builder: &mut SnapshotBuilder, name: &str, now: Timestamp) -> NodeState {
    let snapshot = builder.build(now);
    let ix = snapshot.find(name).unwrap();
    snapshot.node(ix).unwrap().clone()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}
