//! Boards shared in time under caps: one replica may draw all of its board, and all of them together no more than that.

use crate::domains::{Floor, RACK, asked, asking, filtered, nodes, promised, racks, running, sample};
use crate::world::{NodeSpec, World, ZoneSpec, all, facts, node_name, now, pod, policy};
use heliotrope_core::gpu::{GpuResource, GpuSharing};
use heliotrope_core::placement::{Bookings, Refusal};
use heliotrope_core::snapshot::{ClusterEvent, NodeFacts, Snapshot, SnapshotBuilder};
use jiff::SignedDuration;
use std::sync::Arc;

/// Watts of a large board at rest, and what it can draw beyond.
const IDLE: f64 = 70.0;
const RISE: f64 = 630.0;

/// One node of large boards, four replicas each, under a cap of its own.
fn sliced(boards: u32, cap: f64) -> SnapshotBuilder {
    let floor = Floor {
        world: World {
            zones: vec![ZoneSpec::flat(100.0)],
            nodes: vec![NodeSpec {
                boards,
                ..NodeSpec::in_zone(0)
            }],
            pending: Vec::new(),
        },
        racks: 1,
        rules: vec![nodes(cap)],
    };
    let mut builder = floor.builder();
    let node = in_slices(0, &floor.world.nodes[0]);
    builder.apply_cluster(ClusterEvent::Node(node), now());
    builder
}

/// A node in the one rack, four replicas to a board.
fn in_slices(place: usize, spec: &NodeSpec) -> NodeFacts {
    let mut node = facts(place, spec);
    node.gpus = vec![(GpuResource::NVIDIA, spec.boards * 4)];
    node.gpu_sharing = GpuSharing {
        replicas: 4,
        ..GpuSharing::default()
    };
    node.domain_labels = vec![(Arc::from(RACK), Arc::from("r0"))];
    node
}

fn replica(builder: &mut SnapshotBuilder, uid: &str, settled: bool) {
    let since = settled.then(|| now() - SignedDuration::from_hours(1));
    builder.apply_cluster(ClusterEvent::Pod(Box::new(running(uid, 1, 0, since))), now());
}

fn refused(snapshot: &Snapshot, replicas: u32, bookings: &Bookings) -> bool {
    let (ask, policy) = (asking(replicas), policy());
    let question = asked(("asks", now()), snapshot, &ask, &policy, bookings);
    filtered(&question, &all(snapshot)).refused == [Some(Refusal::PowerCap)]
}

fn committed(snapshot: &Snapshot) -> f64 {
    snapshot.domains()[0].committed.get()
}

#[test]
fn one_replica_is_booked_as_the_board_that_it_may_have_for_itself() {
    for (cap, left_out) in [(2.0 * IDLE + RISE, false), (2.0 * IDLE + RISE - 1.0, true)] {
        let snapshot = sliced(2, cap).build(now());
        assert_eq!(refused(&snapshot, 1, &Bookings::none()), left_out, "{cap} W");
    }
    let mut builder = sliced(2, 1e5);
    replica(&mut builder, "a", false);
    assert!((committed(&builder.build(now())) - (2.0 * IDLE + RISE)).abs() < 1e-6);
}

#[test]
fn replicas_of_a_board_are_committed_no_more_than_the_board_can_draw() {
    let mut builder = sliced(1, IDLE + RISE);
    for (n, uid) in ["a", "b", "c"].into_iter().enumerate() {
        replica(&mut builder, uid, false);
        let snapshot = builder.build(now());
        assert!((committed(&snapshot) - (IDLE + RISE)).abs() < 1e-6, "{uid}");
        assert!(
            !refused(&snapshot, 1, &Bookings::none()),
            "the board is counted whole already, one of {} more adds nothing",
            n + 1
        );
    }
    // Settled, and telemetry is gone: the same.
    let mut builder = sliced(1, IDLE + RISE);
    for uid in ["a", "b", "c"] {
        replica(&mut builder, uid, true);
    }
    builder.apply_power(sample(0, 1, 300.0, now()));
    let later = now() + SignedDuration::from_hours(2);
    assert!((committed(&builder.build(later)) - (IDLE + RISE)).abs() < 1e-6);
}

/// Until they are seen bound, each may be the one on a board of its own.
#[test]
fn replicas_in_flight_are_promised_a_board_each() {
    let snapshot = sliced(2, 2.0 * IDLE + 1.5 * RISE).build(now());
    let (ask, policy) = (asking(1), policy());
    let none = Bookings::none();
    let question = asked(("first", now()), &snapshot, &ask, &policy, &none);
    let mut bookings = Bookings::none();
    bookings.promise(promised(&question, &all(&snapshot), &[true]));
    assert!(refused(&snapshot, 1, &bookings));
}

/// What a replica that ended may have drawn is taken off only as far as the others could not draw it.
#[test]
fn a_replica_that_ended_leaves_its_board_to_the_others() {
    let mut builder = sliced(1, 1e5);
    replica(&mut builder, "a", true);
    replica(&mut builder, "b", true);
    builder.apply_power(sample(0, 1, 690.0, now()));
    let both = committed(&builder.build(now()));
    builder.apply_cluster(ClusterEvent::PodGone { uid: Arc::from("a") }, now());
    let left = committed(&builder.build(now()));
    assert!(
        (both - 690.0).abs() < 1e-6 && (left - 690.0).abs() < 1e-6,
        "{both} W, {left} W"
    );
}

/// Where a board may draw the most already, a pod that was promised room there frees none of it elsewhere.
#[test]
fn room_made_on_a_full_board_is_not_room_in_its_domain() {
    let spec = |boards| NodeSpec {
        boards,
        ..NodeSpec::in_zone(0)
    };
    let floor = Floor {
        world: World {
            zones: vec![ZoneSpec::flat(100.0)],
            nodes: vec![spec(1), spec(1)],
            pending: Vec::new(),
        },
        racks: 1,
        rules: vec![racks(2.0 * IDLE + 2.0 * RISE - 1.0)],
    };
    let mut builder = floor.builder();
    builder.apply_cluster(ClusterEvent::Node(in_slices(0, &spec(1))), now());
    replica(&mut builder, "a", false);
    let mut nominee = pod("asks", 1, None);
    nominee.nominated = Some(Arc::from(node_name(0)));
    builder.apply_cluster(ClusterEvent::Pod(Box::new(nominee)), now());
    let snapshot = builder.build(now());
    let (ask, policy, none) = (asking(1), policy(), Bookings::none());
    let question = asked(("asks", now()), &snapshot, &ask, &policy, &none);
    let refused = filtered(&question, &all(&snapshot)).refused;
    assert_eq!(
        refused,
        [None, Some(Refusal::PowerCap)],
        "the full board, and one that is free"
    );
}
