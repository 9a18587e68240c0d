//! What tables and figures say of a node: zone, model, boards, PUE, wake.

use super::*;
use crate::grid::Region;
use crate::quantity::Ratio;
use crate::workload::GpuAsk;

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

/// The node as it stands in a fresh picture with those surroundings.
fn placed(facts: NodeFacts, around: Surroundings) -> (NodeState, Snapshot) {
    let mut builder = SnapshotBuilder::new(around);
    let name = Arc::clone(&facts.name);
    observe(&mut builder, minute(0), [ClusterEvent::Node(facts)]);
    let node = node_at(&mut builder, &name, minute(0));
    (node, builder.build(minute(0)))
}

fn zone_of(facts: NodeFacts, around: Surroundings) -> Option<String> {
    let (node, snapshot) = placed(facts, around);
    Some(snapshot.zone(node.zone?)?.id.to_string())
}

fn listed() -> Surroundings {
    let mut around = surroundings();
    around.regions.insert("aws", region("west"), zone("W"));
    around
}

#[test]
fn the_operators_label_comes_before_the_table_and_a_zone_is_never_guessed() {
    let of = |region: Option<Region>, zone: Option<ZoneId>| NodeFacts {
        region,
        zone,
        ..facts("n")
    };
    let west = Some(region("west"));
    assert_eq!(zone_of(of(west.clone(), None), listed()).as_deref(), Some("W"));
    assert_eq!(zone_of(of(west, Some(zone("A"))), listed()).as_deref(), Some("A"));
    assert_eq!(zone_of(of(Some(region("east")), None), listed()), None);
    assert_eq!(zone_of(of(None, None), listed()), None);
}

#[test]
fn an_unknown_model_stays_unknown_and_has_no_watts() {
    for product in [None, Some(Arc::from("NVIDIA-X9000"))] {
        let facts = NodeFacts {
            gpu_product: product,
            ..facts("n")
        };
        let (node, _) = placed(facts, surroundings());
        assert_eq!((node.model, node.bare, node.slots.boards()), (None, None, 2));
    }
}

#[test]
fn boards_are_physical_whatever_they_are_advertised_as() {
    let mig = |slices: &str| GpuResource::parse(&format!("nvidia.com/mig-{slices}")).unwrap();
    for (gpus, replicas, boards) in [
        (vec![(GpuResource::NVIDIA, 8)], 1, 8),
        (vec![(GpuResource::NVIDIA, 8)], 4, 2),
        (vec![(GpuResource::NVIDIA, 8)], 0, 8),
        (vec![(mig("1g.10gb"), 14)], 1, 2),
        (vec![(mig("3g.40gb"), 1), (mig("1g.10gb"), 4)], 1, 1),
        (vec![(GpuResource::NVIDIA, 1), (mig("1g.10gb"), 7)], 1, 2),
        (vec![], 1, 0),
    ] {
        let facts = NodeFacts {
            gpus: gpus.clone(),
            gpu_sharing: GpuSharing {
                replicas,
                ..GpuSharing::default()
            },
            ..facts("n")
        };
        assert_eq!(
            placed(facts, surroundings()).0.slots.boards(),
            boards,
            "{gpus:?} / {replicas}"
        );
    }
}

#[test]
fn the_pue_is_the_nodes_then_the_regions_then_the_default() {
    let mut around = surroundings();
    around.pue.default = 1.5;
    around.pue.regions.insert(region("west"), 1.2);
    around.pue.nodes.insert("n".into(), 1.1);
    let of = |name: &str, place: &str| NodeFacts {
        region: Some(region(place)),
        ..facts(name)
    };
    for (name, place, pue) in [("n", "west", 1.1), ("m", "west", 1.2), ("m", "east", 1.5)] {
        let (node, _) = placed(of(name, place), around.clone());
        assert!((node.pue - pue).abs() < 1e-12, "{name} in {place}: {}", node.pue);
    }
    let (node, _) = placed(facts("m"), around);
    assert!((node.pue - 1.5).abs() < 1e-12, "without a region");
}

#[test]
fn waking_costs_host_and_boards_by_the_weight_of_the_pool() {
    let mut around = surroundings();
    around.wake.default = Ratio::saturating(0.5);
    around.wake.pools.insert("always-on".into(), Ratio::ZERO);
    // 8 cores idle, and two boards of 10 W bare.
    let whole = 8.0 * 0.74 + 2.0 * 10.0;
    for (pool, weight) in [(None, 0.5), (Some("other"), 0.5), (Some("always-on"), 0.0)] {
        let facts = NodeFacts {
            pool: pool.map(Arc::from),
            ..facts("n")
        };
        let (node, _) = placed(facts, around.clone());
        assert!(
            (node.wake().get() - whole * weight).abs() < 1e-9,
            "{pool:?}: {}",
            node.wake()
        );
    }
}

#[test]
fn an_awake_node_costs_nothing_to_wake() {
    let mut builder = builder();
    observe(
        &mut builder,
        minute(0),
        [ClusterEvent::Node(facts("n")), is_pod(pod("a", Some("n")))],
    );
    assert_eq!(node_at(&mut builder, "n", minute(0)).wake(), Watts::ZERO);
}

#[test]
fn what_changes_of_a_node_or_of_the_tables_counts_at_once() {
    let mut builder = SnapshotBuilder::new(listed());
    observe(&mut builder, minute(0), [ClusterEvent::Node(facts("n"))]);
    let zone_of = |builder: &mut SnapshotBuilder| {
        let node = node_at(builder, "n", minute(0));
        node.zone
            .map(|ix| builder.build(minute(0)).zone(ix).unwrap().id.to_string())
    };
    assert_eq!(zone_of(&mut builder).as_deref(), Some("A"));
    let moved = NodeFacts {
        zone: None,
        region: Some(region("west")),
        ..facts("n")
    };
    observe(&mut builder, minute(0), [ClusterEvent::Node(moved)]);
    assert_eq!(zone_of(&mut builder).as_deref(), Some("W"));
    let mut around = surroundings();
    around.regions.insert("aws", region("west"), zone("X"));
    around.pue.default = 2.0;
    builder.surround(around);
    assert_eq!(zone_of(&mut builder).as_deref(), Some("X"));
    assert!((node_at(&mut builder, "n", minute(0)).pue - 2.0).abs() < 1e-12);
}

#[test]
fn names_find_their_nodes_while_nodes_come_and_go() {
    let mut builder = builder();
    for (event, names) in [
        (ClusterEvent::Node(facts("b")), vec!["b"]),
        (ClusterEvent::Node(facts("a")), vec!["a", "b"]),
        (ClusterEvent::NodeGone(Arc::from("a")), vec!["b"]),
        (ClusterEvent::NodeGone(Arc::from("never seen")), vec!["b"]),
    ] {
        observe(&mut builder, minute(0), [event]);
        let snapshot = builder.build(minute(0));
        let found = |name: &str| Some(snapshot.node(snapshot.find(name)?)?.name.to_string());
        assert_eq!(snapshot.nodes().len(), names.len());
        for name in names {
            assert_eq!(found(name).as_deref(), Some(name));
        }
    }
    assert_eq!(builder.build(minute(0)).find("a"), None);
}

#[test]
fn a_template_is_what_the_node_would_be() {
    let (watched, snapshot) = placed(facts("n"), listed());
    assert_eq!(snapshot.template(&facts("n")), watched);
    let elsewhere = NodeFacts {
        zone: Some(zone("NEW")),
        ..facts("m")
    };
    let template = snapshot.template(&elsewhere);
    assert_eq!(template.zone, None, "a zone that nothing is known of is not one");
    assert!(template.model.is_some());
}

#[test]
fn a_pod_of_two_gpus_takes_two_boards() {
    let mut builder = builder();
    let two = PodFacts {
        gpus: Some(GpuAsk {
            resource: GpuResource::NVIDIA,
            units: 2,
        }),
        ..pod("a", Some("n"))
    };
    observe(&mut builder, minute(0), [ClusterEvent::Node(facts("n")), is_pod(two)]);
    assert_eq!(node_at(&mut builder, "n", minute(0)).slots.free_milli(), 0);
}

#[test]
fn g9_labels_cannot_make_zones_without_end() {
    let mut builder = builder();
    let labelled = |i: usize| NodeFacts {
        zone: Some(zone(&format!("Z{i}"))),
        ..facts(&format!("n{i:04}"))
    };
    observe(&mut builder, minute(0), (0..5000).map(labelled).map(ClusterEvent::Node));
    let snapshot = builder.build(minute(0));
    assert_eq!(snapshot.zones().len(), 4096);
    let placed = snapshot.nodes().iter().filter(|node| node.zone.is_some()).count();
    assert_eq!(placed, 4096, "the others stand in no zone");
}

/// Names of topology zones may repeat from region to region.
#[test]
fn what_fails_together_is_a_topology_zone_of_a_region_or_as_much_of_that_as_is_known() {
    let of = |place: Option<Region>, topology: Option<&str>, grid: Option<ZoneId>| {
        let (node, snapshot) = placed(
            NodeFacts {
                region: place,
                topology_zone: topology.map(Arc::from),
                zone: grid,
                ..facts("n")
            },
            surroundings(),
        );
        snapshot.fails_with(&node)
    };
    let west = || Some(region("west"));
    assert_eq!(of(west(), Some("a"), Some(zone("W"))).as_deref(), Some("west/a"));
    assert_eq!(of(west(), None, Some(zone("W"))).as_deref(), Some("west"));
    assert_eq!(of(None, Some("a"), Some(zone("W"))).as_deref(), Some("zone W/a"));
    assert_eq!(of(None, Some("a"), None).as_deref(), Some("a"));
    assert_eq!(of(None, None, Some(zone("W"))).as_deref(), Some("zone W"));
    assert_eq!(of(None, None, None), None);
}
