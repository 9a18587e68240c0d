//! What telemetry says of a node, and what it showed when the node was empty.

use super::*;

fn sampled(node: &str, at: i64, boards: &[f64]) -> PowerReport {
    let boards = boards.iter().enumerate().map(|(i, drawn)| BoardPower {
        uuid: Arc::from(format!("GPU-{i}")),
        watts: watts(*drawn),
        observed_at: second(at),
        model: None,
        utilisation: None,
        pods: Vec::new(),
    });
    PowerReport {
        source: Source::new("dcgm"),
        nodes: vec![NodePower {
            host: None,
            node: Arc::from(node),
            boards: boards.collect(),
        }],
    }
}

/// A node, and all pods known at second zero.
fn empty_node() -> SnapshotBuilder {
    let mut builder = builder();
    observe(
        &mut builder,
        second(0),
        [ClusterEvent::Node(facts("n")), ClusterEvent::PodsListed],
    );
    builder
}

fn bare(builder: &mut SnapshotBuilder, at: i64) -> (f64, CoefficientSource) {
    let bare = node_at(builder, "n", second(at)).bare.unwrap();
    (bare.watts.get(), bare.source)
}

/// Three samples, a second apart, the last one at that second: as many as a floor needs.
fn thrice(builder: &mut SnapshotBuilder, node: &str, at: i64, boards: &[f64]) {
    for at in at - 2..=at {
        builder.apply_power(sampled(node, at, boards));
    }
}

const PROFILE: (f64, CoefficientSource) = (10.0, CoefficientSource::Profile);

#[test]
fn a_sample_is_fresh_then_stale_then_missing() {
    let mut builder = empty_node();
    builder.apply_power(sampled("n", 100, &[50.0, 70.0]));
    for (at, rung) in [
        (100, PowerRung::Fresh),
        (190, PowerRung::Fresh),
        (191, PowerRung::Stale),
        (400, PowerRung::Stale),
        (401, PowerRung::Model),
        // A clock that runs ahead is as doubtful as one that lags.
        (10, PowerRung::Fresh),
        (9, PowerRung::Stale),
        (-201, PowerRung::Model),
    ] {
        let power = node_at(&mut builder, "n", second(at)).power;
        assert_eq!(power.rung, rung, "second {at}");
        let measured = (rung != PowerRung::Model).then_some((watts(120.0), second(100)));
        assert_eq!(power.watts.zip(power.observed_at), measured, "second {at}");
    }
}

#[test]
fn a_node_is_as_old_as_its_oldest_board() {
    let mut builder = empty_node();
    let mut report = sampled("n", 100, &[50.0, 70.0]);
    report.nodes[0].boards[1].observed_at = second(40);
    builder.apply_power(report);
    let power = node_at(&mut builder, "n", second(100)).power;
    assert_eq!((power.boards, power.observed_at), (2, Some(second(40))));
}

#[test]
fn a_node_without_boards_was_not_measured() {
    let mut builder = empty_node();
    builder.apply_power(sampled("n", 100, &[]));
    assert_eq!(node_at(&mut builder, "n", second(100)).power, NodePowerView::modelled());
    assert_eq!(bare(&mut builder, 100), PROFILE);
}

#[test]
fn an_empty_node_shows_its_floor_the_least_of_what_was_seen() {
    let mut builder = empty_node();
    let told = [
        (60, 30.0, PROFILE),
        (61, 30.0, PROFILE),
        (61, 29.0, PROFILE),
        (62, 31.0, (30.0, CoefficientSource::Observed)),
        (90, 28.0, (28.0, CoefficientSource::Observed)),
        (120, 40.0, (28.0, CoefficientSource::Observed)),
    ];
    for (at, drawn, floor) in told {
        // The second board's reading fails, and the sample of second 61 is told twice.
        builder.apply_power(sampled("n", at, &[drawn, 0.0]));
        assert_eq!(bare(&mut builder, at), floor, "second {at}");
    }
    assert_eq!(
        bare(&mut builder, 9000),
        (28.0, CoefficientSource::Observed),
        "a floor outlives its sample"
    );
    assert_eq!(node_at(&mut builder, "n", second(9000)).power.rung, PowerRung::Model);
}

#[test]
fn before_all_pods_were_listed_no_node_is_known_to_be_empty() {
    let mut builder = builder();
    observe(&mut builder, second(0), [ClusterEvent::Node(facts("n"))]);
    thrice(&mut builder, "n", 600, &[30.0]);
    assert_eq!(bare(&mut builder, 600), PROFILE);
    observe(&mut builder, second(600), [ClusterEvent::PodsListed]);
    thrice(&mut builder, "n", 659, &[30.0]);
    assert_eq!(bare(&mut builder, 659), PROFILE, "and a minute must pass");
    thrice(&mut builder, "n", 662, &[30.0]);
    assert_eq!(bare(&mut builder, 662), (30.0, CoefficientSource::Observed));
}

#[test]
fn a_node_with_work_shows_no_floor_and_boards_settle_after_it() {
    let mut builder = empty_node();
    observe(&mut builder, second(10), [is_pod(pod("a", Some("n")))]);
    thrice(&mut builder, "n", 100, &[90.0]);
    assert_eq!(bare(&mut builder, 100), PROFILE);
    observe(&mut builder, second(200), [is_gone("a")]);
    for (at, seen) in [(259, PROFILE), (262, (20.0, CoefficientSource::Observed))] {
        thrice(&mut builder, "n", at, &[20.0]);
        assert_eq!(bare(&mut builder, at), seen, "second {at}");
    }
}

#[test]
fn what_belongs_to_the_node_does_not_hide_its_floor() {
    let mut builder = empty_node();
    let agent = PodFacts {
        owner: Owner {
            kind: OwnerKind::DaemonSet,
            name: Arc::from("agent"),
        },
        ..pod("agent", Some("n"))
    };
    observe(&mut builder, second(0), [is_pod(agent.clone())]);
    // It is told of again and again, and the node stays empty all the same.
    observe(&mut builder, second(59), [is_pod(agent)]);
    thrice(&mut builder, "n", 62, &[20.0]);
    assert_eq!(bare(&mut builder, 62), (20.0, CoefficientSource::Observed));
}

#[test]
fn a_floor_is_learnt_anew_each_time_the_node_empties() {
    let mut builder = empty_node();
    thrice(&mut builder, "n", 62, &[12.0]);
    observe(&mut builder, second(100), [is_pod(pod("a", Some("n"))), is_gone("a")]);
    assert_eq!(
        bare(&mut builder, 100),
        (12.0, CoefficientSource::Observed),
        "until then the old one serves"
    );
    thrice(&mut builder, "n", 162, &[25.0]);
    assert_eq!(
        bare(&mut builder, 162),
        (25.0, CoefficientSource::Observed),
        "boards may have been changed"
    );
}

#[test]
fn zero_watts_are_a_failed_reading() {
    let mut builder = empty_node();
    thrice(&mut builder, "n", 62, &[0.0, 0.0]);
    assert_eq!(bare(&mut builder, 62), PROFILE);
}

#[test]
fn a_node_that_went_takes_its_floor_along() {
    let mut builder = empty_node();
    thrice(&mut builder, "n", 62, &[12.0]);
    assert_eq!(bare(&mut builder, 62), (12.0, CoefficientSource::Observed));
    let anew = [ClusterEvent::NodeGone(Arc::from("n")), ClusterEvent::Node(facts("n"))];
    observe(&mut builder, second(70), anew);
    assert_eq!(bare(&mut builder, 70), PROFILE);
    assert_eq!(node_at(&mut builder, "n", second(70)).power, NodePowerView::modelled());
}

#[test]
fn a_report_may_come_before_its_node_but_a_name_is_not_kept_for_ever() {
    let mut builder = builder();
    builder.apply_power(sampled("n", 0, &[12.0]));
    observe(&mut builder, second(1), [ClusterEvent::Node(facts("n"))]);
    assert_eq!(node_at(&mut builder, "n", second(1)).power.watts, Some(watts(12.0)));
    builder.apply_power(sampled("no node", 0, &[12.0]));
    builder.apply_power(sampled("n", 2, &[12.0]));
    observe(&mut builder, second(3), [ClusterEvent::Node(facts("no node"))]);
    assert_eq!(
        node_at(&mut builder, "no node", second(3)).power,
        NodePowerView::modelled()
    );
}

#[test]
fn a_host_with_a_domain_is_the_node_without_one() {
    let mut builder = empty_node();
    thrice(&mut builder, "n.example.com", 62, &[12.0]);
    assert_eq!(node_at(&mut builder, "n", second(62)).power.watts, Some(watts(12.0)));
    assert_eq!(bare(&mut builder, 62), (12.0, CoefficientSource::Observed));
}

fn host(node: &str, at: i64, scope: HostScope, drawn: f64) -> PowerReport {
    PowerReport {
        source: Source::new("ipmi"),
        nodes: vec![NodePower {
            node: Arc::from(node),
            boards: Vec::new(),
            host: Some(HostReading {
                scope,
                reading: Reading {
                    value: watts(drawn),
                    observed_at: second(at),
                    source: Source::new("ipmi"),
                },
            }),
        }],
    }
}

#[test]
fn a_host_is_measured_beside_its_boards_and_ages_by_itself() {
    let mut builder = builder();
    observe(&mut builder, second(0), [ClusterEvent::Node(facts("n"))]);
    assert_eq!(node_at(&mut builder, "n", second(0)).host_watts, None);
    builder.apply_power(sampled("n", 0, &[50.0]));
    builder.apply_power(host("n", 10, HostScope::Machine, 900.0));
    let node = node_at(&mut builder, "n", second(10));
    let reading = node.host_watts.unwrap();
    assert_eq!(
        (reading.scope, reading.reading.value),
        (HostScope::Machine, watts(900.0))
    );
    assert_eq!(
        (node.power.watts, node.power.boards),
        (Some(watts(50.0)), 1),
        "boards are no host"
    );
    // What the boards say later does not erase it, and past its bound it is gone.
    builder.apply_power(sampled("n", 300, &[60.0]));
    let later = node_at(&mut builder, "n", second(310));
    assert!(later.host_watts.is_some() && later.power.rung == PowerRung::Fresh);
    assert_eq!(node_at(&mut builder, "n", second(311)).host_watts, None);
}

#[test]
fn a_host_alone_says_nothing_of_boards() {
    let mut builder = builder();
    observe(
        &mut builder,
        second(0),
        [ClusterEvent::Node(facts("n")), ClusterEvent::PodsListed],
    );
    builder.apply_power(host("n.example.com", 100, HostScope::Packages, 120.0));
    let node = node_at(&mut builder, "n", second(100));
    assert_eq!(node.power.rung, PowerRung::Model);
    assert_eq!(
        node.bare.unwrap().source,
        CoefficientSource::Profile,
        "and sets no floor"
    );
    assert!(node.host_watts.is_some());
}
