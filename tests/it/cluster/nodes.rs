//! Nodes: what is kept, and what counts as absent.

use heliotrope::cluster::{Labels, LeanNode};
use heliotrope_core::gpu::GpuResource;
use heliotrope_core::snapshot::NodeFacts;
use rstest::rstest;
use serde_json::{Value, json};

fn facts(node: Value) -> NodeFacts {
    serde_json::from_value::<LeanNode>(node)
        .unwrap()
        .facts(&Labels::default())
        .unwrap()
}

fn labelled(labels: &Value) -> NodeFacts {
    facts(json!({ "metadata": { "name": "n", "labels": labels } }))
}

fn with_gpus(allocatable: &Value) -> NodeFacts {
    facts(
        json!({ "metadata": { "name": "n" }, "status": { "allocatable": allocatable, "capacity": { "nvidia.com/gpu": "8" } } }),
    )
}

#[test]
fn a_node_that_says_nothing_has_nothing() {
    let node = facts(
        json!({ "metadata": { "name": "n", "labels": null, "creationTimestamp": null }, "spec": {}, "status": {} }),
    );
    assert_eq!(
        (node.region, node.provider, node.zone, node.gpu_product, node.pool),
        (None, None, None, None, None)
    );
    assert_eq!(
        (
            node.gpus.len(),
            node.gpu_sharing.replicas,
            node.cpu_milli,
            node.memory_bytes
        ),
        (0, 1, 0, 0)
    );
    assert!(node.schedulable);
}

#[rstest]
#[case::aws(json!("aws:///eu-west-1a/i-0abc"), Some("aws"))]
#[case::gce(json!("gce://project/zone/name"), Some("gce"))]
#[case::kind(json!("kind://docker/kind/n"), Some("kind"))]
#[case::without_a_scheme(json!("i-0abc"), None)]
#[case::empty(json!(""), None)]
#[case::null(Value::Null, None)]
fn the_provider_is_the_scheme_of_the_id(#[case] id: Value, #[case] provider: Option<&str>) {
    let node = facts(json!({ "metadata": { "name": "n" }, "spec": { "providerID": id } }));
    assert_eq!(node.provider.as_deref(), provider);
}

/// A taint alone is the scheduler's to judge; it filters such nodes before it asks.
#[rstest]
#[case::cordoned(json!({ "unschedulable": true, "taints": [{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }] }), false)]
#[case::tainted(json!({ "taints": [{ "key": "nvidia.com/gpu", "effect": "NoSchedule" }] }), true)]
#[case::plain(json!({ "unschedulable": false }), true)]
fn cordons_and_taints(#[case] spec: Value, #[case] schedulable: bool) {
    assert_eq!(
        facts(json!({ "metadata": { "name": "n" }, "spec": spec })).schedulable,
        schedulable
    );
}

#[test]
fn allocatable_counts_and_capacity_does_not() {
    let node = with_gpus(&json!({ "nvidia.com/gpu": "7", "cpu": "7910m", "memory": "32Gi", "pods": "110" }));
    assert_eq!(node.gpus, [(GpuResource::NVIDIA, 7)]);
    assert_eq!((node.cpu_milli, node.memory_bytes), (7910, 32 << 30));
    assert!(with_gpus(&json!({})).gpus.is_empty(), "a device plugin that is down");
    assert!(with_gpus(&json!({ "nvidia.com/gpu": "0" })).gpus.is_empty());
    assert!(
        with_gpus(&json!({ "nvidia.com/gpu": "some", "amd.com/gpu": "5000000000" }))
            .gpus
            .is_empty()
    );
}

#[test]
fn slices_and_boards_stand_beside_each_other() {
    let node = with_gpus(
        &json!({ "nvidia.com/gpu": "6", "nvidia.com/mig-1g.5gb": "7", "nvidia.com/mig-3g.20gb": "2", "nvidia.com/mig-9g.1gb": "1" }),
    );
    let mut units: Vec<(u32, u32)> = node
        .gpus
        .iter()
        .map(|(resource, units)| (resource.milli_per_unit, *units))
        .collect();
    units.sort_unstable();
    assert_eq!(units, [(142, 7), (428, 2), (1000, 6)], "no board has nine slices");
}

#[rstest]
#[case(json!({ "nvidia.com/gpu.product": "NVIDIA-L4", "amd.com/gpu.product-name": "MI300X" }), Some("NVIDIA-L4"))]
#[case(json!({ "amd.com/gpu.product-name": "MI300X", "cloud.google.com/gke-accelerator": "x" }), Some("MI300X"))]
#[case(json!({ "cloud.google.com/gke-accelerator": "nvidia-l4" }), Some("nvidia-l4"))]
#[case(json!({ "gpu": "yes" }), None)]
fn the_first_product_label_counts(#[case] labels: Value, #[case] product: Option<&str>) {
    assert_eq!(labelled(&labels).gpu_product.as_deref(), product);
}

#[rstest]
#[case("4", 4)]
#[case("0", 1)]
#[case("-1", 1)]
#[case("many", 1)]
fn replicas_of_shared_boards(#[case] label: &str, #[case] replicas: u32) {
    assert_eq!(
        labelled(&json!({ "nvidia.com/gpu.replicas": label }))
            .gpu_sharing
            .replicas,
        replicas
    );
}

#[test]
fn labels_are_those_of_the_settings() {
    let labels = Labels {
        region: "example.com/region".to_owned(),
        zone: "example.com/grid".to_owned(),
        gpu_products: vec!["example.com/gpu".to_owned()],
        pool: "example.com/pool".to_owned(),
        domains: vec!["example.com/rack".into()],
    };
    let node = json!({ "metadata": { "name": "n", "labels": {
        "topology.kubernetes.io/region": "wrong", "example.com/region": "right", "topology.kubernetes.io/zone": "right-a",
        "example.com/grid": "DE", "example.com/gpu": "H100", "example.com/pool": "spot",
        "example.com/rack": "r17", "example.com/other": "unread",
    } } });
    let node = serde_json::from_value::<LeanNode>(node)
        .unwrap()
        .facts(&labels)
        .unwrap();
    assert_eq!(node.region.unwrap().to_string(), "right");
    assert_eq!(node.zone.unwrap().to_string(), "DE");
    assert_eq!(node.topology_zone.as_deref(), Some("right-a"));
    assert_eq!(node.domain_labels, [("example.com/rack".into(), "r17".into())]);
    assert_eq!(
        (node.gpu_product.as_deref(), node.pool.as_deref()),
        (Some("H100"), Some("spot"))
    );
}

#[test]
fn labels_that_cannot_be_names_count_as_absent() {
    let node = labelled(&json!({ "topology.kubernetes.io/region": "", "heliotrope.dev/grid-zone": "a b" }));
    assert_eq!((node.region, node.zone), (None, None));
}

#[test]
fn an_object_without_a_name_is_none() {
    let node: LeanNode = serde_json::from_value(json!({ "metadata": {} })).unwrap();
    assert!(node.facts(&Labels::default()).is_none());
}
