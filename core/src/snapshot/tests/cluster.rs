//! What is on each node, as the watches tell it.

use super::*;
use crate::gpu::WHOLE_GPU;
use proptest::prelude::*;

/// A builder that knows one node and all pods.
fn with_node() -> SnapshotBuilder {
    let mut builder = builder();
    observe(
        &mut builder,
        minute(0),
        [ClusterEvent::Node(facts("n")), ClusterEvent::PodsListed],
    );
    builder
}

fn of(kind: OwnerKind, uid: &str) -> PodFacts {
    PodFacts {
        owner: Owner {
            kind,
            name: Arc::from("owner"),
        },
        ..pod(uid, Some("n"))
    }
}

#[test]
fn a_bound_pod_takes_boards_cpu_and_memory_and_gives_them_back() {
    let mut builder = with_node();
    let before = node_at(&mut builder, "n", minute(0));
    observe(&mut builder, minute(1), [is_pod(pod("a", Some("n")))]);
    let node = node_at(&mut builder, "n", minute(1));
    assert_eq!(
        (
            node.slots.whole_free(),
            node.cpu_free_milli,
            node.memory_free,
            node.awake
        ),
        (1, 7000, (1 << 36) - (1 << 30), true)
    );
    observe(&mut builder, minute(2), [is_gone("a")]);
    assert_eq!(node_at(&mut builder, "n", minute(2)), before);
}

#[test]
fn a_pod_told_twice_is_counted_once() {
    let mut builder = with_node();
    observe(
        &mut builder,
        minute(1),
        [is_pod(pod("a", Some("n"))), is_pod(pod("a", Some("n")))],
    );
    let grown = PodFacts {
        cpu_milli: 3000,
        phase: PodPhase::Running,
        ..pod("a", Some("n"))
    };
    observe(&mut builder, minute(2), [is_pod(grown)]);
    let node = node_at(&mut builder, "n", minute(2));
    assert_eq!(
        (node.slots.whole_free(), node.cpu_free_milli, node.loads.len()),
        (1, 5000, 1)
    );
}

#[test]
fn a_finished_pod_holds_nothing() {
    let mut builder = with_node();
    let finished = PodFacts {
        phase: PodPhase::Finished,
        ..pod("a", Some("n"))
    };
    observe(&mut builder, minute(1), [is_pod(pod("a", Some("n"))), is_pod(finished)]);
    let node = node_at(&mut builder, "n", minute(1));
    assert!(!node.awake && node.loads.is_empty() && node.slots.whole_free() == 2);
    assert!(builder.build(minute(1)).classes.is_empty());
}

#[test]
fn what_belongs_to_the_node_does_not_wake_it() {
    let mut builder = with_node();
    observe(
        &mut builder,
        minute(1),
        [
            is_pod(of(OwnerKind::DaemonSet, "agent")),
            is_pod(of(OwnerKind::Node, "mirror")),
        ],
    );
    let node = node_at(&mut builder, "n", minute(1));
    assert!(!node.awake && node.cpu_free_milli == 6000, "they use it all the same");
    for kind in [OwnerKind::None, OwnerKind::Job, OwnerKind::Service] {
        observe(&mut builder, minute(2), [is_pod(of(kind, "work"))]);
        assert!(node_at(&mut builder, "n", minute(2)).awake, "{kind:?}");
        observe(&mut builder, minute(3), [is_gone("work")]);
    }
}

#[test]
fn a_pod_may_be_told_of_before_its_node() {
    let mut builder = builder();
    observe(
        &mut builder,
        minute(0),
        [is_pod(pod("a", Some("n"))), ClusterEvent::Node(facts("n"))],
    );
    assert!(node_at(&mut builder, "n", minute(0)).awake);
}

#[test]
fn an_overcommitted_node_has_less_than_nothing_free_whatever_its_pods_say() {
    let mut builder = with_node();
    let greedy = |uid| PodFacts {
        cpu_milli: u64::MAX,
        memory_bytes: u64::MAX,
        ..pod(uid, Some("n"))
    };
    observe(&mut builder, minute(1), [is_pod(greedy("a")), is_pod(greedy("b"))]);
    let node = node_at(&mut builder, "n", minute(1));
    assert!(node.cpu_free_milli < -1_000_000 && node.memory_free < -1_000_000);
}

#[test]
fn a_watch_that_starts_anew_drops_what_it_does_not_list() {
    let mut builder = builder();
    let known = [
        ClusterEvent::Node(facts("n")),
        ClusterEvent::Node(facts("m")),
        is_pod(pod("a", Some("n"))),
        is_pod(pod("b", Some("n"))),
    ];
    observe(&mut builder, minute(0), known);
    let relisted = [
        ClusterEvent::NodesRelisting,
        ClusterEvent::PodsRelisting,
        ClusterEvent::Node(facts("n")),
        is_pod(pod("b", Some("n"))),
    ];
    observe(&mut builder, minute(1), relisted);
    let half = builder.build(minute(1));
    assert_eq!(half.nodes().len(), 2, "until the list is whole, nothing is gone");
    observe(
        &mut builder,
        minute(2),
        [ClusterEvent::NodesListed, ClusterEvent::PodsListed],
    );
    let snapshot = builder.build(minute(2));
    assert_eq!((snapshot.nodes().len(), snapshot.find("m")), (1, None));
    let node = &snapshot.nodes()[0];
    assert_eq!(
        node.loads.iter().map(|load| load.uid.as_ref()).collect::<Vec<_>>(),
        ["b"]
    );
}

#[test]
fn classes_are_the_kinds_of_pods_that_want_gpus() {
    let mut builder = with_node();
    let two = |uid, node| PodFacts {
        gpus: Some(GpuAsk {
            resource: GpuResource::NVIDIA,
            units: 2,
        }),
        ..pod(uid, node)
    };
    let gated = PodFacts {
        gated: true,
        ..pod("gated", None)
    };
    let none = PodFacts {
        gpus: None,
        ..pod("none", None)
    };
    let pods = [two("a", Some("n")), two("b", None), pod("one", None), gated, none];
    observe(&mut builder, minute(1), pods.map(is_pod));
    let snapshot = builder.build(minute(1));
    let shares: Vec<_> = snapshot.classes.iter().map(|c| (c.gpus.units, c.share)).collect();
    assert_eq!(shares, [(2, 2.0 / 3.0), (1, 1.0 / 3.0)], "most frequent first");
    let pending = |vendor| snapshot.pending.of(vendor) / WHOLE_GPU;
    assert_eq!(
        (
            pending(crate::gpu::GpuVendor::Nvidia),
            pending(crate::gpu::GpuVendor::Amd)
        ),
        (3, 0)
    );
}

#[test]
fn g9_what_comes_and_goes_leaves_nothing_behind() {
    let mut builder = builder();
    for round in 0..200 {
        let (name, uid) = (format!("n{round}"), format!("p{round}"));
        let power = NodePower {
            host: None,
            node: Arc::from(name.as_str()),
            boards: vec![BoardPower {
                uuid: Arc::from("GPU-1"),
                watts: watts(10.0),
                observed_at: minute(round),
                model: None,
                utilisation: None,
                pods: Vec::new(),
            }],
        };
        // Half of the nodes go before their pods do.
        let (first, second) = if round % 2 == 0 {
            (ClusterEvent::NodeGone(Arc::from(name.as_str())), is_gone(&uid))
        } else {
            (is_gone(&uid), ClusterEvent::NodeGone(Arc::from(name.as_str())))
        };
        observe(
            &mut builder,
            minute(round),
            [ClusterEvent::Node(facts(&name)), is_pod(pod(&uid, Some(&name)))],
        );
        builder.apply_power(PowerReport {
            source: Source::new("dcgm"),
            nodes: vec![power],
        });
        builder.build(minute(round));
        observe(&mut builder, minute(round), [first, second]);
        builder.build(minute(round));
    }
    builder.apply_power(PowerReport {
        source: Source::new("dcgm"),
        nodes: Vec::new(),
    });
    assert_eq!(builder.held(), [0; 6]);
}

/// One change of a small cluster, by numbers that proptest can shrink.
type Change = (u8, u8, u8);

/// Two nodes, four pods: appear, move on, finish, go.
fn event((what, uid, node): Change) -> ClusterEvent {
    let name = ["n", "m"][usize::from(node) % 2];
    let uid = ["a", "b", "c", "d"][usize::from(uid) % 4];
    match what % 6 {
        0 => ClusterEvent::Node(facts(name)),
        1 => ClusterEvent::NodeGone(Arc::from(name)),
        2 => is_gone(uid),
        3 => is_pod(PodFacts {
            phase: PodPhase::Finished,
            ..pod(uid, Some(name))
        }),
        4 => is_pod(pod(uid, None)),
        _ => is_pod(pod(uid, Some(name))),
    }
}

proptest! {
    /// Loads are kept summed up, and never counted anew: the sums must be what counting would give.
    #[test]
    fn g3_a_picture_depends_on_what_is_there_and_not_on_how_it_came_about(
        changes in prop::collection::vec((0u8..6, 0u8..4, 0u8..2), 0..60),
    ) {
        let mut lived = builder();
        observe(&mut lived, minute(0), changes.iter().copied().map(event));
        // The last that was said of each node and pod, and nothing else.
        let last = |wanted: &[u8], key: fn(&Change) -> u8, id: u8| {
            changes.iter().rev().find(|c| wanted.contains(&(c.0 % 6)) && key(c) == id).copied()
        };
        let nodes = (0..2).filter_map(|id| last(&[0, 1], |c| c.2, id));
        let pods = (0..4).filter_map(|id| last(&[2, 3, 4, 5], |c| c.1, id));
        let mut told = builder();
        observe(&mut told, minute(0), nodes.chain(pods).map(event));
        let (lived, told) = (lived.build(minute(0)), told.build(minute(0)));
        let sorted = |snapshot: &Snapshot| -> Vec<NodeState> {
            let sort = |mut node: NodeState| {
                Arc::make_mut(&mut node.loads).sort_by(|a, b| a.uid.cmp(&b.uid));
                node
            };
            snapshot.nodes().iter().cloned().map(sort).collect()
        };
        prop_assert_eq!(sorted(&lived), sorted(&told));
        prop_assert_eq!(lived.classes, told.classes);
        prop_assert_eq!(lived.pending, told.pending);
    }
}
