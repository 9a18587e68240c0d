//! Guarantee 12: it never causes an eviction whose beneficiary it then refuses.

use crate::strategy::{any_policy, any_world, choosy_ask};
use crate::world::{NodeSpec, World, about, all, decided, denying, now, policy, victim_uid, workload};
use heliotrope_core::placement::{Candidate, Policy, PreemptCandidate, decide, preempt};
use heliotrope_core::quantity::GramsPerKwh;
use heliotrope_core::snapshot::{ClusterEvent, NodeIx, Snapshot, SnapshotBuilder};
use heliotrope_core::workload::Mode;
use proptest::prelude::*;
use std::sync::Arc;

/// The first pods of each node, as many as the numbers say.
fn victims(world: &World, counts: &[usize]) -> Vec<Vec<String>> {
    let nodes = world.nodes.iter().enumerate().zip(counts.iter().cycle());
    nodes
        .map(|((i, node), count)| (0..node.busy.len().min(*count)).map(|p| victim_uid(i, p)).collect())
        .collect()
}

fn candidates(victims: &[Vec<String>]) -> Vec<PreemptCandidate<'_>> {
    let numbered = victims.iter().zip((0..).map(NodeIx));
    numbered
        .map(|(victims, ix)| PreemptCandidate {
            node: Some(ix),
            victims: victims.iter().map(String::as_str).collect(),
        })
        .collect()
}

/// The world once those pods are gone.
fn afterwards(world: &World, victims: &[Vec<String>]) -> Snapshot {
    let mut builder = SnapshotBuilder::new(world.surroundings());
    for report in world.reports() {
        builder.apply_carbon(report, now()).unwrap();
    }
    let gone = victims.iter().flatten().map(|uid| ClusterEvent::PodGone {
        uid: Arc::from(uid.as_str()),
    });
    for event in world.events().into_iter().chain(gone) {
        builder.apply_cluster(event, now());
    }
    builder.build(now())
}

proptest! {
    /// kube-scheduler tries the nominated node first, and alone.
    #[test]
    fn g12_a_node_that_may_be_emptied_is_accepted_once_it_is(
        world in any_world(), ask in choosy_ask(), policy in any_policy(), counts in prop::collection::vec(0usize..4, 1..4),
    ) {
        let victims = victims(&world, &counts);
        let may = preempt(&about(&world.snapshot(), &ask, &policy), &candidates(&victims));
        prop_assert_eq!(may.len(), world.nodes.len());
        let after = afterwards(&world, &victims);
        for (candidate, _) in all(&after).into_iter().zip(&may).filter(|(_, may)| **may) {
            let decision = decide(&about(&after, &ask, &policy), &[candidate]);
            prop_assert_eq!(&decision.verdict.kept, &[true]);
        }
    }

    #[test]
    fn g12_a_node_is_seen_as_it_will_be_without_its_victims(
        world in any_world(), counts in prop::collection::vec(0usize..4, 1..4),
    ) {
        let victims = victims(&world, &counts);
        let (before, after) = (world.snapshot(), afterwards(&world, &victims));
        let around = std::sync::Arc::clone(&before.surroundings);
        for ((before, after), victims) in before.nodes().iter().zip(after.nodes()).zip(&victims) {
            let victims: Vec<&str> = victims.iter().map(String::as_str).collect();
            prop_assert_eq!(&before.without(&victims, &around), after);
        }
    }

    #[test]
    fn g12_preempt_is_filter_where_nobody_has_to_go(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let nobody = vec![Vec::new(); world.nodes.len()];
        let may = preempt(&about(&world.snapshot(), &ask, &policy), &candidates(&nobody));
        let refused = decided(&world, &ask, &policy).verdict.refused;
        prop_assert_eq!(may, refused.iter().map(Option::is_none).collect::<Vec<_>>());
    }
}

#[test]
fn g12_nobody_is_evicted_for_a_pod_that_filter_refuses() {
    let world = World::flat(&[100.0, 500.0]);
    let emptied = victims(&world, &[1]);
    let may = |ask, policy| preempt(&about(&world.snapshot(), &ask, &policy), &candidates(&emptied));
    let mut denied = workload(Mode::Prefer);
    denied.zones = denying([1]);
    assert_eq!(may(denied, policy()), [true, false], "a denied zone");
    let ceiling = Policy {
        ceiling: Some(GramsPerKwh::new(50.0).unwrap()),
        ..policy()
    };
    assert_eq!(may(workload(Mode::Prefer), ceiling), [false, false], "the ceiling");
    assert_eq!(may(workload(Mode::Strict), policy()), [true, false], "outside the band");
}

#[test]
fn g12_narrowing_forbids_no_eviction() {
    let world = World::flat(&[100.0, 500.0, 900.0]);
    let narrow = Policy {
        keep: Some(1),
        ..policy()
    };
    let nobody = vec![Vec::new(); 3];
    let may = preempt(
        &about(&world.snapshot(), &workload(Mode::Prefer), &narrow),
        &candidates(&nobody),
    );
    assert_eq!(may, [true; 3]);
}

#[test]
fn g12_a_node_that_falls_asleep_without_its_victims_is_judged_as_one_to_wake() {
    let world = World {
        nodes: vec![
            NodeSpec {
                busy: vec![4, 4],
                ..NodeSpec::in_zone(0)
            };
            2
        ],
        ..World::flat(&[300.0])
    };
    let one_and_all = [vec![victim_uid(0, 0)], vec![victim_uid(1, 0), victim_uid(1, 1)]];
    let ask = workload(Mode::Strict);
    let may = preempt(&about(&world.snapshot(), &ask, &policy()), &candidates(&one_and_all));
    assert_eq!(may, [true, false]);
}

#[test]
fn g12_a_node_that_nobody_knows_is_not_refused_for_lack_of_data() {
    let world = World::flat(&[300.0]);
    let snapshot = world.snapshot();
    let ceiling = Policy {
        ceiling: Some(GramsPerKwh::new(100.0).unwrap()),
        ..policy()
    };
    let of = |node| PreemptCandidate {
        node,
        victims: vec!["someone"],
    };
    let may = preempt(
        &about(&snapshot, &workload(Mode::Strict), &ceiling),
        &[of(None), of(Some(NodeIx(0)))],
    );
    assert_eq!(may, [true, false]);
    let decision = decide(
        &about(&snapshot, &workload(Mode::Strict), &ceiling),
        &[Candidate::Unknown],
    );
    assert_eq!(decision.verdict.kept, [true]);
}
