//! A decision allocates a few lists for the request and nothing for each node.

use crate::world::{NodeSpec, World, ZoneSpec, about, all, policy, workload};
use heliotrope_core::placement::{Policy, common_rung, decide, filter, score, weigh};
use heliotrope_core::quantity::Grams;
use heliotrope_core::snapshot::Snapshot;
use heliotrope_core::workload::Mode;

/// Three zones, three models, half of the nodes awake.
fn cluster(nodes: usize) -> Snapshot {
    let node = |i: usize| NodeSpec {
        busy: if i.is_multiple_of(2) { vec![2] } else { Vec::new() },
        ..NodeSpec::in_zone(i % 3).of_model(i / 3 % 3)
    };
    World {
        zones: [80.0, 250.0, 600.0].map(ZoneSpec::flat).to_vec(),
        nodes: (0..nodes).map(node).collect(),
        pending: vec![1, 2, 4, 8],
    }
    .snapshot()
}

fn policies() -> [Policy; 3] {
    let narrow = Policy {
        keep: Some(20),
        ..policy()
    };
    let fragments = Policy {
        stranded: Grams::new(10.0).unwrap(),
        ..policy()
    };
    [policy(), narrow, fragments]
}

/// How often the two calls of kube-scheduler allocate, the list of candidates aside.
fn allocations(nodes: usize, mode: Mode, policy: &Policy) -> u64 {
    let (snapshot, ask) = (cluster(nodes), workload(mode));
    let offered = all(&snapshot);
    let mut kept = Vec::with_capacity(nodes);
    let counted = allocation_counter::measure(|| {
        let question = about(&snapshot, &ask, policy);
        let rung = common_rung(&question, &offered);
        let costs = weigh(&question, rung, &offered);
        let verdict = filter(&question, rung, &offered, &costs);
        let accepted = offered.iter().zip(&verdict.kept).filter(|(_, kept)| **kept);
        kept.extend(accepted.map(|(candidate, _)| *candidate));
        let rung = common_rung(&question, &kept);
        let costs = weigh(&question, rung, &kept);
        assert_eq!(score(policy, &costs).len(), kept.len());
    });
    counted.count_total
}

#[test]
fn filter_and_prioritize_allocate_nothing_for_each_node() {
    for policy in policies() {
        for mode in [Mode::Prefer, Mode::Strict] {
            let [few, many] = [100, 5000].map(|nodes| allocations(nodes, mode, &policy));
            assert_eq!(few, many, "{mode:?}, keep {:?}, λ {}", policy.keep, policy.stranded);
            assert!((1..=20).contains(&many), "{many} allocations");
        }
    }
}

#[test]
fn a_whole_decision_allocates_nothing_for_each_node() {
    for policy in policies() {
        let [few, many] = [100, 5000].map(|nodes| {
            let snapshot = cluster(nodes);
            let (offered, ask) = (all(&snapshot), workload(Mode::Prefer));
            allocation_counter::measure(|| drop(decide(&about(&snapshot, &ask, &policy), &offered))).count_total
        });
        assert_eq!(few, many, "keep {:?}, λ {}", policy.keep, policy.stranded);
    }
}
