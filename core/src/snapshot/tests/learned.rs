//! What samples teach about boards and owners, and what they must not.

use super::*;
use proptest::prelude::*;

/// One sample of one board of node `n`: when, watts, utilisation, and the pods that the exporter names.
pub(super) fn sample(at: i64, drawn: f64, busy: Option<f64>, pods: &[&str]) -> PowerReport {
    reported(vec![board("GPU-1", at, drawn, busy, pods)])
}

/// A pod that draws what it will.
fn long_running(uid: &str, node: &str) -> PodFacts {
    PodFacts {
        started_at: Some(second(-3600)),
        ..pod(uid, Some(node))
    }
}

/// Node `n` with pod `p` of Job `job` on it.
fn busy_node() -> SnapshotBuilder {
    let mut builder = builder();
    let events = [
        ClusterEvent::Node(facts("n")),
        ClusterEvent::Node(facts("m")),
        ClusterEvent::NodesListed,
        is_pod(long_running("p", "n")),
        ClusterEvent::PodsListed,
    ];
    observe(&mut builder, second(0), events);
    builder
}

fn owner() -> OwnerKey {
    OwnerKey::of(&pod("p", None)).unwrap()
}

fn p95(builder: &mut SnapshotBuilder) -> Option<P95> {
    builder.build(second(0)).learned.p95(&owner(), "T")
}

/// Watts, source and samples.
fn told(of: Option<Coefficient>) -> (f64, CoefficientSource, u32) {
    let of = of.unwrap();
    (of.watts.get(), of.source, of.samples)
}

#[test]
fn an_owner_is_known_by_its_p95_once_there_are_samples_enough() {
    let mut builder = busy_node();
    for at in 0..19 {
        builder.apply_power(sample(at, 80.0, None, &["p"]));
    }
    assert_eq!(p95(&mut builder), None);
    builder.apply_power(sample(19, 100.0, None, &["p"]));
    let known = p95(&mut builder).unwrap();
    assert_eq!((known.samples, known.over), (20, SignedDuration::from_secs(19)));
    assert!((80.0..80.0 * 1.04).contains(&known.per_board.get()), "{known:?}");
    for at in 20..30 {
        builder.apply_power(sample(at, 100.0, None, &["p"]));
    }
    assert!((100.0..104.0).contains(&p95(&mut builder).unwrap().per_board.get()));
}

#[test]
fn a_sample_told_twice_counts_once() {
    let mut builder = busy_node();
    for _ in 0..100 {
        builder.apply_power(sample(1, 80.0, None, &["p"]));
    }
    assert_eq!(p95(&mut builder), None);
}

#[test]
fn a_board_that_pods_share_teaches_nothing_of_either() {
    let mut builder = busy_node();
    observe(&mut builder, second(0), [is_pod(long_running("q", "n"))]);
    for at in 0..100 {
        builder.apply_power(sample(at, 80.0, None, &["p", "q"]));
    }
    assert_eq!(p95(&mut builder), None);
}

/// An exporter that shows one value for a board names one of the pods in its time slices alone.
#[test]
fn a_board_that_is_handed_out_in_shares_teaches_nothing_of_an_owner() {
    let mut builder = busy_node();
    let sharing = GpuSharing {
        replicas: 4,
        ..GpuSharing::default()
    };
    let sliced = NodeFacts {
        gpu_sharing: sharing,
        ..facts("n")
    };
    observe(&mut builder, second(0), [ClusterEvent::Node(sliced)]);
    for at in 0..100 {
        builder.apply_power(sample(at, 80.0, None, &["p"]));
    }
    assert_eq!(p95(&mut builder), None);
}

/// While a model is loaded a board draws less than at work: such samples would make an owner's figure too low.
#[test]
fn samples_before_a_pod_draws_what_it_will_teach_nothing_of_its_owner() {
    let mut builder = busy_node();
    let started = |at: Option<i64>| {
        is_pod(PodFacts {
            started_at: at.map(second),
            ..pod("p", Some("n"))
        })
    };
    let ramp = BookingBounds::default().ramp.as_secs();
    observe(&mut builder, second(0), [started(None)]);
    for at in 0..50 {
        builder.apply_power(sample(at, 80.0, None, &["p"]));
    }
    assert_eq!(p95(&mut builder), None, "a pod that has not started");
    observe(&mut builder, second(50), [started(Some(50))]);
    for at in 51..50 + ramp {
        builder.apply_power(sample(at, 80.0, None, &["p"]));
    }
    assert_eq!(p95(&mut builder), None, "and one whose power rises");
    for at in 0..20 {
        builder.apply_power(sample(50 + ramp + at, 80.0, None, &["p"]));
    }
    assert_eq!(p95(&mut builder).unwrap().samples, 20);
}

/// With `honor_labels: false` the series of an idle board bear the name of the exporter's own pod.
#[test]
fn an_exporters_own_pod_holds_no_board() {
    let mut builder = busy_node();
    let exporter = PodFacts {
        gpus: None,
        owner: Owner {
            kind: OwnerKind::DaemonSet,
            name: Arc::from("dcgm-exporter"),
        },
        ..long_running("dcgm", "n")
    };
    observe(&mut builder, second(0), [is_pod(exporter)]);
    for at in 0..100 {
        builder.apply_power(sample(at, 11.0, Some(0.0), &["dcgm"]));
    }
    assert_eq!(
        told(node_at(&mut builder, "n", second(100)).context).1,
        CoefficientSource::Profile
    );
}

#[test]
fn the_exporter_s_own_pod_holds_no_board() {
    let mut builder = builder();
    let mut exporter = pod("exporter", Some("n"));
    exporter.owner.kind = OwnerKind::DaemonSet;
    let events = [
        ClusterEvent::Node(facts("n")),
        ClusterEvent::NodesListed,
        is_pod(exporter),
    ];
    observe(&mut builder, second(0), events);
    for at in 0..100 {
        builder.apply_power(sample(at, 25.0, Some(0.0), &["exporter"]));
    }
    let context = node_at(&mut builder, "n", second(99)).context;
    assert_eq!(told(context).1, CoefficientSource::Profile);
    assert_eq!(builder.build(second(99)).learned.owners(), 0);
}

#[test]
fn a_pod_of_another_node_or_nobody_teaches_nothing() {
    let mut builder = busy_node();
    observe(&mut builder, second(0), [is_pod(long_running("q", "m"))]);
    for at in 0..100 {
        builder.apply_power(sample(at, 80.0, None, &["q"]));
        builder.apply_power(sample(at, 80.0, None, &["stranger"]));
    }
    assert_eq!(builder.build(second(0)).learned.owners(), 0);
}

#[test]
fn a_board_held_and_not_used_shows_its_context_and_a_busy_one_its_slope() {
    let mut builder = busy_node();
    for at in 0..20 {
        builder.apply_power(sample(at, 25.0, Some(0.0), &["p"]));
    }
    let node = node_at(&mut builder, "n", second(20));
    assert_eq!(told(node.context), (15.0, CoefficientSource::Observed, 20));
    assert_eq!(told(node.slope), (70.0, CoefficientSource::Profile, 0));
    for at in 20..80 {
        let share = if at % 2 == 0 { 0.5 } else { 1.0 };
        builder.apply_power(sample(at, 25.0 + 40.0 * share, Some(share), &["p"]));
    }
    let node = node_at(&mut builder, "n", second(80));
    let (slope, source, samples) = told(node.slope);
    assert!((slope - 40.0).abs() < 1e-9, "{slope}");
    assert_eq!((source, samples), (CoefficientSource::Observed, 60));
    assert!((node.active(Ratio::saturating(0.5)).unwrap().get() - 35.0).abs() < 1e-9);
}

#[test]
fn what_one_node_shows_counts_for_its_like_until_the_operator_says_otherwise() {
    let mut builder = busy_node();
    for at in 0..20 {
        builder.apply_power(sample(at, 25.0, Some(0.0), &["p"]));
    }
    let of_m = |builder: &mut SnapshotBuilder| told(node_at(builder, "m", second(20)).context);
    assert_eq!(of_m(&mut builder), (15.0, CoefficientSource::ObservedModel, 20));
    let mut around = surroundings();
    let catalogue = Arc::make_mut(&mut around.catalogue);
    catalogue.originate(
        "T",
        [FigureOrigin::Table, FigureOrigin::Override, FigureOrigin::RuleOfThumb],
    );
    builder.surround(around);
    assert_eq!(of_m(&mut builder), (20.0, CoefficientSource::Override, 0));
    let n = node_at(&mut builder, "n", second(20));
    assert_eq!(
        told(n.context).1,
        CoefficientSource::Observed,
        "a node's own comes first"
    );
    assert_eq!(told(n.slope).1, CoefficientSource::RuleOfThumb);
}

#[test]
fn boards_of_another_model_are_learned_anew() {
    let mut builder = busy_node();
    for at in 0..20 {
        builder.apply_power(sample(at, 25.0, Some(0.0), &["p"]));
    }
    let other = NodeFacts {
        gpu_product: Some(Arc::from("other")),
        ..facts("n")
    };
    observe(&mut builder, second(20), [ClusterEvent::Node(other)]);
    builder.apply_power(sample(21, 25.0, Some(0.0), &["p"]));
    observe(&mut builder, second(22), [ClusterEvent::Node(facts("n"))]);
    assert_eq!(
        told(node_at(&mut builder, "n", second(22)).context).1,
        CoefficientSource::Profile
    );
}

#[test]
fn more_than_a_board_can_draw_is_refused_and_counted() {
    let mut builder = busy_node();
    // 1.3 times the 100 W of the model.
    for (at, drawn, refused) in [(1, 130.0, 0), (2, 130.1, 1), (3, 3001.0, 1)] {
        assert_eq!(builder.apply_power(sample(at, drawn, None, &["p"])), refused, "{drawn}");
    }
    let power = node_at(&mut builder, "n", second(3)).power;
    assert_eq!(
        (power.watts, power.observed_at),
        (Some(watts(130.0)), Some(second(1))),
        "the last good one ages"
    );
}

#[test]
fn zero_watts_of_a_held_board_teach_nothing() {
    let mut builder = busy_node();
    for at in 0..100 {
        builder.apply_power(sample(at, 0.0, Some(0.0), &["p"]));
    }
    assert_eq!(p95(&mut builder), None);
    assert_eq!(
        told(node_at(&mut builder, "n", second(99)).context).1,
        CoefficientSource::Profile
    );
}

#[test]
fn g9_owners_that_come_and_go_do_not_pile_up() {
    let mut builder = busy_node();
    for round in 0..5000 {
        let uid = format!("p{round}");
        let mut fresh = long_running(&uid, "n");
        fresh.owner.name = Arc::from(format!("job-{round}"));
        observe(&mut builder, second(round), [is_pod(fresh)]);
        builder.apply_power(sample(round, 80.0, Some(0.0), &[&uid]));
        observe(&mut builder, second(round), [is_gone(&uid)]);
    }
    let held = builder.build(second(5000)).learned.owners();
    assert!((1000..=2048).contains(&held), "{held}");
}

proptest! {
    /// Whatever a sensor says, figures stay within what a board can draw.
    #[test]
    fn figures_never_leave_their_bounds(
        samples in prop::collection::vec((0.0_f64..4000.0, 0.0_f64..=1.0), 0..400), empties in prop::collection::vec(0.0_f64..4000.0, 0..5),
    ) {
        let mut builder = busy_node();
        for ((drawn, share), at) in samples.iter().zip(0..) {
            builder.apply_power(sample(at, *drawn, Some(*share), &["p"]));
        }
        observe(&mut builder, second(500), [is_gone("p")]);
        for (drawn, at) in empties.iter().zip(600..) {
            builder.apply_power(sample(at, *drawn, None, &[]));
        }
        for name in ["n", "m"] {
            let node = node_at(&mut builder, name, second(700));
            let (bare, context, slope) = (node.bare.unwrap(), node.context.unwrap(), node.slope.unwrap());
            let all = bare.watts + context.watts + slope.watts;
            prop_assert!(bare.watts > Watts::ZERO && all.get() <= 130.0 + 1e-9, "{bare:?} {context:?} {slope:?}");
            let needed = |figure: Coefficient, least| figure.samples >= least || figure.samples == 0;
            prop_assert!(needed(bare, 3) && needed(context, 20) && needed(slope, 60));
        }
    }

    /// The order in which samples of one emptiness and one load come does not matter.
    #[test]
    fn figures_do_not_depend_on_the_order_of_samples(
        samples in prop::collection::vec((1.0_f64..120.0, prop_oneof![Just(0.0), 0.2_f64..=1.0]), 1..150),
    ) {
        let figures = |samples: &mut dyn Iterator<Item = (f64, f64)>| {
            let mut builder = busy_node();
            for ((drawn, share), at) in samples.zip(0..) {
                builder.apply_power(sample(at, drawn, Some(share), &["p"]));
            }
            let node = node_at(&mut builder, "n", second(0));
            (node.context.unwrap(), node.slope.unwrap(), p95(&mut builder))
        };
        let one = figures(&mut samples.iter().copied());
        let other = figures(&mut samples.iter().rev().copied());
        let near = |a: Coefficient, b: Coefficient| (a.watts.get() - b.watts.get()).abs() < 1e-6 && a.samples == b.samples;
        prop_assert!(near(one.0, other.0) && near(one.1, other.1) && one.2 == other.2, "{one:?} {other:?}");
    }
}
