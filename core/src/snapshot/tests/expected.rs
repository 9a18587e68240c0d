//! What is committed where the watts of owners are known: caps hold when telemetry is gone, and no owner can make itself small.

use super::*;
use crate::workload::{Namespaces, Workload};
use proptest::prelude::*;

/// Two boards of 10 W idle and 100 W at most: a whole board rises by 90 W.
const IDLE: f64 = 20.0;
const RISE: f64 = 90.0;

fn around(figure: BookingFigure) -> Surroundings {
    let rule = DomainRule {
        name: Arc::from("node"),
        label: None,
        gpu_watts: Some(watts(1000.0)),
        values: std::collections::BTreeMap::new(),
        shares: Vec::new(),
    };
    Surroundings {
        bookings: BookingBounds {
            figure,
            learned_after: SignedDuration::from_mins(10),
            ..BookingBounds::default()
        },
        domains: vec![rule],
        ..surroundings()
    }
}

fn ramp() -> i64 {
    BookingBounds::default().ramp.as_secs()
}

/// A pod of the Job on node `n`, started then.
fn running(uid: &str, started: i64) -> PodFacts {
    PodFacts {
        started_at: Some(second(started)),
        ..pod(uid, Some("n"))
    }
}

/// Both boards of node `n`: watts of the first, which these pods hold, and of the second, which is idle.
fn sample(at: i64, drawn: f64, pods: &[&str]) -> PowerReport {
    let board = |uuid, drawn, pods| board(uuid, at, drawn, None, pods);
    reported(vec![board("GPU-1", drawn, pods), board("GPU-2", 10.0, &[])])
}

/// A node whose Job was seen to draw so many watts for twenty minutes up to second 1200.
fn taught(figure: BookingFigure, drawn: f64) -> SnapshotBuilder {
    let mut builder = SnapshotBuilder::new(around(figure));
    let events = [
        ClusterEvent::Node(facts("n")),
        ClusterEvent::NodesListed,
        is_pod(running("p", -3600)),
        ClusterEvent::PodsListed,
    ];
    observe(&mut builder, second(0), events);
    for at in 0..=40 {
        builder.apply_power(sample(at * 30, drawn, &["p"]));
    }
    builder
}

fn committed(builder: &mut SnapshotBuilder, at: i64) -> f64 {
    node_at(builder, "n", second(at)).commitment.watts.get()
}

/// What another pod of the Job is booked at.
fn booked(builder: &mut SnapshotBuilder, at: i64, figure: BookingFigure) -> f64 {
    let snapshot = builder.build(second(at));
    let asking = pod("asks", None);
    let mut workload = Workload::parse(&asking, &Namespaces::default()).unwrap();
    workload.draws = snapshot.draws(&asking);
    let node = snapshot.node(snapshot.find("n").unwrap()).unwrap();
    node.booked(&workload, figure).unwrap().get()
}

/// The edge of the bin: at most 4 % above.
fn near(told: f64, drawn: f64) -> bool {
    (drawn - 10.0..drawn * 1.04 - 10.0).contains(&told)
}

#[test]
fn g5_a_cap_holds_by_what_owners_draw_when_telemetry_is_gone() {
    let mut builder = taught(BookingFigure::Max, 60.0);
    assert!(near(committed(&mut builder, 1200) - IDLE, 60.0), "fresh");
    assert!(near(committed(&mut builder, 1200 + 200) - IDLE, 60.0), "stale");
    assert!(near(committed(&mut builder, 1200 + 4000) - IDLE, 60.0), "gone");
    let mut stranger = running("q", -3600);
    stranger.owner.name = Arc::from("other");
    observe(&mut builder, second(1200), [is_pod(stranger)]);
    let both = committed(&mut builder, 1200 + 4000) - IDLE;
    assert!(near(both - RISE, 60.0), "nothing is known of the other: {both}");
}

#[test]
fn what_is_measured_counts_where_it_is_more() {
    let mut builder = taught(BookingFigure::Max, 60.0);
    builder.apply_power(sample(1230, 95.0, &["p"]));
    assert!((committed(&mut builder, 1230) - 105.0).abs() < 1e-9);
    builder.apply_power(sample(1260, 12.0, &["p"]));
    let idles = committed(&mut builder, 1260) - IDLE;
    assert!(
        near(idles, 60.0),
        "a pod that idles for a moment keeps its room: {idles}"
    );
}

#[test]
fn a_pod_counts_for_the_most_until_telemetry_shows_it_unless_the_operator_says_otherwise() {
    for (figure, least) in [(BookingFigure::Max, RISE), (BookingFigure::P95, 0.0)] {
        let mut builder = taught(figure, 70.0);
        observe(&mut builder, second(1200), [is_pod(running("q", 1190))]);
        let unseen = node_at(&mut builder, "n", second(1210)).commitment.unseen.get();
        let asked = booked(&mut builder, 1210, figure);
        for told in [unseen, asked] {
            assert!(
                if least > 0.0 {
                    (told - least).abs() < 1e-9
                } else {
                    near(told, 70.0)
                },
                "{figure:?}: {told}"
            );
        }
        builder.apply_power(sample(1190 + ramp(), 70.0, &["p"]));
        let seen = node_at(&mut builder, "n", second(1190 + ramp())).commitment;
        assert_eq!(seen.unseen, Watts::ZERO, "{figure:?}");
        assert!(
            seen.watts.get() - IDLE < 2.0 * 63.0,
            "{figure:?}: both as they were seen"
        );
    }
}

/// Whoever idles for an hour on one board does not get ten times the pods past a cap with the next hundred.
#[test]
fn an_owner_cannot_make_itself_small() {
    let mut builder = taught(BookingFigure::P95, 11.0);
    assert!((booked(&mut builder, 1200, BookingFigure::P95) - RISE / 2.0).abs() < 1e-9);
    let steady = committed(&mut builder, 1200 + 4000) - IDLE;
    assert!(
        (steady - 20.0).abs() < 1e-6,
        "a pod that runs has a context open: {steady}"
    );
}

#[test]
fn a_figure_counts_once_it_was_learned_for_long_enough() {
    let mut builder = taught(BookingFigure::P95, 60.0);
    let long = Surroundings {
        bookings: BookingBounds {
            learned_after: SignedDuration::from_secs(1201),
            ..around(BookingFigure::P95).bookings
        },
        ..around(BookingFigure::P95)
    };
    builder.surround(long);
    assert!((booked(&mut builder, 1200, BookingFigure::P95) - RISE).abs() < 1e-9);
    assert!((committed(&mut builder, 1200 + 4000) - IDLE - RISE).abs() < 1e-9);
    builder.apply_power(sample(1230, 60.0, &["p"]));
    assert!(near(committed(&mut builder, 1230 + 4000) - IDLE, 60.0));
}

#[test]
fn shares_of_boards_are_booked_by_the_most() {
    let mut builder = taught(BookingFigure::P95, 60.0);
    let sliced = NodeFacts {
        gpu_sharing: GpuSharing {
            replicas: 4,
            ..GpuSharing::default()
        },
        ..facts("n")
    };
    observe(&mut builder, second(1200), [ClusterEvent::Node(sliced)]);
    assert!(
        (booked(&mut builder, 1200, BookingFigure::P95) - RISE).abs() < 1e-9,
        "a replica may have its board for itself"
    );
}

#[test]
fn victims_take_what_was_expected_of_them_along() {
    let mut builder = taught(BookingFigure::Max, 60.0);
    let mut stranger = running("q", -3600);
    stranger.owner.name = Arc::from("other");
    observe(&mut builder, second(1200), [is_pod(stranger)]);
    let node = node_at(&mut builder, "n", second(1200 + 4000));
    let around = around(BookingFigure::Max);
    let left = |victim| node.without(&[victim], &around).commitment.watts.get() - IDLE;
    assert!((left("p") - RISE).abs() < 1e-9);
    assert!(near(left("q"), 60.0), "{}", left("q"));
}

proptest! {
    /// Whatever an owner was seen to draw, a pod of its counts for no more than its board can draw, and for no less than what
    /// is documented; and with a fresh sample what is committed is never less than what was measured.
    #[test]
    fn what_is_learned_stays_within_its_bounds(
        drawn in prop::collection::vec(0.0_f64..130.0, 40..80), last in 0.0_f64..130.0, p95 in any::<bool>(), gap in 0_i64..4000,
    ) {
        let figure = if p95 { BookingFigure::P95 } else { BookingFigure::Max };
        let mut builder = taught(figure, 50.0);
        for (drawn, at) in drawn.iter().zip(1..) {
            builder.apply_power(sample(1200 + at * 30, *drawn, &["p"]));
        }
        let end = 1200 + 30 * (i64::try_from(drawn.len()).unwrap() + 1);
        builder.apply_power(sample(end, last, &["p"]));
        let booked = booked(&mut builder, end, figure);
        prop_assert!(booked <= RISE + 1e-9 && booked >= RISE * if p95 { 0.5 } else { 1.0 } - 1e-9, "{booked}");
        prop_assert!(committed(&mut builder, end) + 1e-9 >= last + 10.0);
        let held = committed(&mut builder, end + gap) - IDLE;
        prop_assert!(held + 1e-6 >= 20.0 && held <= RISE.max(last - 10.0) + 1e-6, "{held} after {gap} s");
    }

    /// In whatever order pods came, their sum is the same to the last bit.
    #[test]
    fn g3_the_order_of_pods_does_not_matter_to_what_is_committed(turned in Just((0..6_i64).collect::<Vec<_>>()).prop_shuffle()) {
        let of = |order: &[i64]| {
            let mut builder = taught(BookingFigure::P95, 71.3);
            observe(&mut builder, second(1200), [is_gone("p")]);
            for place in order {
                let mut pod = running(&format!("q{place}"), 1000 + 200 * (place % 2));
                if place % 3 == 0 {
                    pod.owner.name = Arc::from("other");
                }
                observe(&mut builder, second(1200), [is_pod(pod)]);
            }
            node_at(&mut builder, "n", second(1200)).commitment
        };
        prop_assert_eq!(of(&[0, 1, 2, 3, 4, 5]), of(&turned));
    }
}
