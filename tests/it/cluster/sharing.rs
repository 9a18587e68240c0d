//! Every way to share a board: a node and a pod as the API server has them, and what becomes of their watts.

use heliotrope::cluster::{Labels, LeanNode, LeanPod};
use heliotrope_core::gpu::{GpuCatalogue, GpuProfile};
use heliotrope_core::grid::{Basis, IntensityKind, RegionTable, Signal};
use heliotrope_core::placement::{Bookings, Candidate, Groups, Policy, Question, weigh};
use heliotrope_core::quantity::{GramsPerKwh, Rung, Source, Watts};
use heliotrope_core::snapshot::{
    BookingBounds, CarbonReport, ClusterEvent, HostModel, LadderBounds, PowerBounds, Pue, SnapshotBuilder,
    Surroundings, WakeWeights,
};
use heliotrope_core::workload::{Namespaces, Workload};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

const KIND: IntensityKind = IntensityKind {
    signal: Signal::Average,
    basis: Basis::Lifecycle,
};

/// A board of 40 W bare, 60 W more with a context, and 300 W more at full use: 270 W over bare at the default utilisation
/// of 0.7. Every product of the table is one.
fn surroundings() -> Surroundings {
    let watts = Watts::saturating;
    let profile = GpuProfile {
        model: "board".into(),
        bare: watts(40.0),
        context: watts(60.0),
        max: watts(400.0),
        rated_throughput: None,
        measured_throughput: None,
    };
    let products = [
        "NVIDIA-H100-80GB-HBM3",
        "Tesla-T4",
        "NVIDIA-A100-SXM4-40GB",
        "NVIDIA-A30",
        "NVIDIA-L4",
        "Tesla-V100-PCIE-32GB",
        "AMD-Instinct-MI300X-OAM",
        "Max_1550",
    ];
    let aliases = products.map(str::to_owned).to_vec();
    Surroundings {
        kind: KIND,
        regions: RegionTable::default(),
        catalogue: Arc::new(GpuCatalogue::new(vec![(profile, aliases)]).unwrap()),
        ladder: LadderBounds::default(),
        power: PowerBounds::default(),
        bookings: BookingBounds::default(),
        domains: Vec::new(),
        pue: Pue::default(),
        wake: WakeWeights::default(),
        host: HostModel::default(),
    }
}

fn node(labels: &Value, annotations: &Value, allocatable: &Value) -> LeanNode {
    let mut labels = labels.clone();
    labels["heliotrope.dev/grid-zone"] = json!("A");
    serde_json::from_value(json!({
        "metadata": { "name": "n", "labels": labels, "annotations": annotations },
        "status": { "allocatable": allocatable },
    }))
    .unwrap()
}

fn pod(name: &str, amounts: &Value, node: Option<&str>) -> LeanPod {
    serde_json::from_value(json!({
        "metadata": { "name": name, "uid": name, "namespace": "ml" },
        "spec": { "nodeName": node, "containers": [{ "name": "c", "resources": { "limits": amounts } }] },
    }))
    .unwrap()
}

fn labels() -> Labels {
    let mut labels = Labels::default();
    labels.gpu_products.push("gpu.intel.com/product".to_owned());
    labels
}

struct Seen {
    /// Physical boards of the node.
    boards: usize,
    /// Thousandths of boards that the pod takes of it.
    milli: u32,
    /// The pod's part of the bare watts, were the node woken for pods of its kind.
    bare: f64,
    /// What the pod adds to the awake node.
    added: f64,
}

/// The pod on the node: with nothing else, and with as many of its kind as wait for the rest of the node.
fn seen(node: &LeanNode, amounts: &Value) -> Seen {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let mut builder = SnapshotBuilder::new(surroundings());
    let report = CarbonReport {
        zone: "A".parse().unwrap(),
        kind: KIND,
        source: Source::new("test"),
        priority: 0,
        latest: None,
        forecast: None,
        history: Vec::new(),
        fixed: Some(GramsPerKwh::saturating(100.0)),
    };
    builder.apply_carbon(report, now).unwrap();
    builder.apply_cluster(ClusterEvent::Node(node.facts(&labels()).unwrap()), now);
    for waiting in 0..64 {
        let pod = pod(&format!("waiting-{waiting}"), amounts, None).facts().unwrap();
        builder.apply_cluster(ClusterEvent::Pod(Box::new(pod)), now);
    }
    let asked = pod("asked", amounts, None).facts().unwrap();
    let workload = Workload::parse(&asked, &Namespaces::default()).unwrap();
    let cost = |builder: &mut SnapshotBuilder| {
        let snapshot = builder.build(now);
        let (policy, bookings) = (Policy::default(), Bookings::none());
        let question = Question {
            uid: "asked",
            snapshot: &snapshot,
            workload: &workload,
            policy: &policy,
            bookings: &bookings,
            groups: &Groups::none(),
            now,
        };
        let candidates = [Candidate::Known(snapshot.find("n").unwrap())];
        let cost = weigh(&question, Some(Rung::Static), &candidates)[0].unwrap();
        (cost, snapshot.nodes()[0].slots.clone())
    };
    let (asleep, empty) = cost(&mut builder);
    let bound = pod("bound", amounts, Some("n")).facts().unwrap();
    builder.apply_cluster(ClusterEvent::Pod(Box::new(bound)), now);
    let (awake, taken) = cost(&mut builder);
    assert_eq!(awake.wake, Watts::ZERO);
    Seen {
        boards: empty.boards(),
        milli: empty.free_milli() - taken.free_milli(),
        bare: asleep.wake.get(),
        added: awake.watts.get(),
    }
}

fn product(name: &str) -> Value {
    json!({ "nvidia.com/gpu.product": name })
}

fn with(mut labels: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        labels[key] = value.clone();
    }
    labels
}

fn one(resource: &str) -> Value {
    json!({ resource: "1" })
}

const HAMI_LIST: &str = r#"[{"id":"GPU-00552014","count":10,"devmem":32768,"devcore":100,"type":"NVIDIA-Tesla V100-PCIE-32GB","mode":"hami-core","health":true,"devicepairscore":{}},{"id":"GPU-0fc3eda5","count":10,"devmem":32768,"devcore":100,"type":"NVIDIA-Tesla V100-PCIE-32GB","health":true}]"#;
const HAMI_TEXT: &str = "GPU-00552014,10,32768,100,NVIDIA-Tesla V100-PCIE-32GB,0,true:GPU-0fc3eda5,10,32768,100,NVIDIA-Tesla V100-PCIE-32GB,0,true:";
const VOLCANO: &str = "GPU-00552014,8,24000,NVIDIA-A100-SXM4-40GB,true,hami-core:GPU-0fc3eda5,8,24000,NVIDIA-A100-SXM4-40GB,true,hami-core:";

/// Labels, annotations and allocatable of the node; the pod's limits; physical boards of the node; what the pod takes in
/// thousandths, its part of the 40 W bare, and what it adds to the awake node, 270 W for a whole board.
#[rstest]
#[case::whole_boards(product("NVIDIA-H100-80GB-HBM3"), json!({}), json!({ "nvidia.com/gpu": "8" }),
    json!({ "nvidia.com/gpu": "2" }), (8, 2000, 80.0, 540.0))]
#[case::mig_mixed(with(product("NVIDIA-H100-80GB-HBM3"), &json!({ "nvidia.com/mig.strategy": "mixed" })), json!({}),
    json!({ "nvidia.com/gpu": "4", "nvidia.com/mig-1g.10gb": "28" }), one("nvidia.com/mig-1g.10gb"), (8, 142, 5.714, 38.571))]
#[case::mig_mixed_three_slices(with(product("NVIDIA-H100-80GB-HBM3"), &json!({ "nvidia.com/mig.strategy": "mixed" })), json!({}),
    json!({ "nvidia.com/mig-3g.40gb": "16" }), json!({ "nvidia.com/mig-3g.40gb": "2" }), (8, 856, 34.286, 231.429))]
#[case::mig_single(with(product("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"), &json!({ "nvidia.com/mig.strategy": "single" })), json!({}),
    json!({ "nvidia.com/gpu": "14" }), one("nvidia.com/gpu"), (2, 142, 5.714, 38.571))]
#[case::mig_single_of_a_board_of_four(with(product("NVIDIA-A30-MIG-1g.6gb"), &json!({ "nvidia.com/mig.strategy": "single" })), json!({}),
    json!({ "nvidia.com/gpu": "8" }), one("nvidia.com/gpu"), (2, 250, 10.0, 67.5))]
#[case::mig_strategy_alone_says_nothing(with(product("Tesla-T4"), &json!({ "nvidia.com/mig.strategy": "single" })), json!({}),
    json!({ "nvidia.com/gpu": "2" }), one("nvidia.com/gpu"), (2, 1000, 40.0, 270.0))]
#[case::mig_single_time_sliced(with(product("NVIDIA-A100-SXM4-40GB-MIG-2g.10gb-SHARED"), &json!({ "nvidia.com/gpu.replicas": "2" })), json!({}),
    json!({ "nvidia.com/gpu": "12" }), one("nvidia.com/gpu"), (2, 142, 5.714, 38.571))]
#[case::mig_mixed_time_sliced(with(product("NVIDIA-A100-SXM4-40GB"), &json!({ "nvidia.com/mig-1g.5gb.replicas": "2", "nvidia.com/mig-1g.5gb.product": "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED" })), json!({}),
    json!({ "nvidia.com/mig-1g.5gb": "14" }), one("nvidia.com/mig-1g.5gb"), (1, 71, 2.857, 19.286))]
#[case::time_slicing(with(product("Tesla-T4-SHARED"), &json!({ "nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing", "nvidia.com/gpu.count": "4" })), json!({}),
    json!({ "nvidia.com/gpu": "16" }), one("nvidia.com/gpu"), (4, 250, 10.0, 67.5))]
#[case::time_slicing_renamed(with(product("Tesla-T4"), &json!({ "nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing" })), json!({}),
    json!({ "nvidia.com/gpu": "0", "nvidia.com/gpu.shared": "16" }), one("nvidia.com/gpu.shared"), (4, 250, 10.0, 67.5))]
#[case::mps(with(product("Tesla-T4-SHARED"), &json!({ "nvidia.com/gpu.replicas": "10", "nvidia.com/gpu.sharing-strategy": "mps" })), json!({}),
    json!({ "nvidia.com/gpu": "20" }), json!({ "nvidia.com/gpu": "2" }), (2, 200, 8.0, 54.0))]
#[case::gke_time_sharing(json!({ "cloud.google.com/gke-accelerator": "nvidia-l4", "cloud.google.com/gke-gpu-sharing-strategy": "time-sharing", "cloud.google.com/gke-max-shared-clients-per-gpu": "4" }), json!({}),
    json!({ "nvidia.com/gpu": "8" }), one("nvidia.com/gpu"), (2, 250, 10.0, 67.5))]
#[case::gke_partitions(json!({ "cloud.google.com/gke-accelerator": "nvidia-a100-sxm4-40gb", "cloud.google.com/gke-gpu-partition-size": "1g.5gb" }), json!({}),
    json!({ "nvidia.com/gpu": "7" }), one("nvidia.com/gpu"), (1, 142, 5.714, 38.571))]
#[case::hami_memory(product("Tesla-V100-PCIE-32GB"), json!({ "hami.io/node-nvidia-register": HAMI_LIST }),
    json!({ "nvidia.com/gpu": "20" }), json!({ "nvidia.com/gpu": "1", "nvidia.com/gpumem": "8192" }), (2, 250, 10.0, 67.5))]
#[case::hami_memory_and_cores(product("Tesla-V100-PCIE-32GB"), json!({ "hami.io/node-nvidia-register": HAMI_TEXT }),
    json!({ "nvidia.com/gpu": "20" }), json!({ "nvidia.com/gpu": "2", "nvidia.com/gpumem": "8192", "nvidia.com/gpucores": "30" }), (2, 600, 24.0, 162.0))]
#[case::hami_percent(product("Tesla-V100-PCIE-32GB"), json!({ "hami.io/node-nvidia-register": HAMI_LIST }),
    json!({ "nvidia.com/gpu": "20" }), json!({ "nvidia.com/gpu": "1", "nvidia.com/gpumem-percentage": "50" }), (2, 500, 20.0, 135.0))]
#[case::hami_without_a_size(product("Tesla-V100-PCIE-32GB"), json!({ "hami.io/node-nvidia-register": HAMI_LIST }),
    json!({ "nvidia.com/gpu": "20" }), one("nvidia.com/gpu"), (2, 1000, 40.0, 270.0))]
#[case::volcano(product("NVIDIA-A100-SXM4-40GB"), json!({ "volcano.sh/node-vgpu-register": VOLCANO }),
    json!({ "volcano.sh/vgpu-number": "16", "volcano.sh/vgpu-memory": "48000", "volcano.sh/vgpu-cores": "200" }),
    json!({ "volcano.sh/vgpu-number": "1", "volcano.sh/vgpu-memory": "6000", "volcano.sh/vgpu-cores": "20" }), (2, 250, 10.0, 67.5))]
#[case::aliyun(product("Tesla-T4"), json!({}), json!({ "aliyun.com/gpu-mem": "30", "aliyun.com/gpu-count": "2" }),
    json!({ "aliyun.com/gpu-mem": "6" }), (2, 396, 16.0, 108.0))]
#[case::amd_whole(json!({ "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM", "amd.com/compute-memory-partition": "spx_nps1" }), json!({}),
    json!({ "amd.com/gpu": "8" }), one("amd.com/gpu"), (8, 1000, 40.0, 270.0))]
#[case::amd_cpx_single(json!({ "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM", "amd.com/compute-memory-partition": "cpx_nps4" }), json!({}),
    json!({ "amd.com/gpu": "64" }), one("amd.com/gpu"), (8, 125, 5.0, 33.75))]
#[case::amd_dpx_mixed(json!({ "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM" }), json!({}),
    json!({ "amd.com/gpu": "4", "amd.com/dpx_nps2": "8" }), one("amd.com/dpx_nps2"), (8, 500, 20.0, 135.0))]
#[case::intel_whole(json!({ "gpu.intel.com/product": "Max_1550", "gpu.intel.com/device.count": "2" }), json!({}),
    json!({ "gpu.intel.com/xe": "2", "gpu.intel.com/xe_monitoring": "1" }), one("gpu.intel.com/xe"), (2, 1000, 40.0, 270.0))]
#[case::intel_shared(json!({ "gpu.intel.com/product": "Max_1550", "gpu.intel.com/device.count": "2" }), json!({}),
    json!({ "gpu.intel.com/i915": "8" }), one("gpu.intel.com/i915"), (2, 250, 10.0, 67.5))]
#[case::intel_millicores(json!({ "gpu.intel.com/product": "Max_1550" }), json!({}), json!({ "gpu.intel.com/i915": "2", "gpu.intel.com/millicores": "2000" }),
    json!({ "gpu.intel.com/i915": "2", "gpu.intel.com/millicores": "600" }), (2, 600, 24.0, 162.0))]
#[case::several_resources_count_once(product("NVIDIA-H100-80GB-HBM3"), json!({}), json!({ "nvidia.com/gpu": "4", "nvidia.com/mig-1g.10gb": "28" }),
    json!({ "nvidia.com/gpu": "1", "nvidia.com/mig-1g.10gb": "1" }), (8, 1000, 40.0, 270.0))]
fn a_share_of_a_board_has_its_share_of_the_watts(
    #[case] labels: Value,
    #[case] annotations: Value,
    #[case] allocatable: Value,
    #[case] limits: Value,
    #[case] (boards, milli, bare, added): (usize, u32, f64, f64),
) {
    let seen = seen(&node(&labels, &annotations, &allocatable), &limits);
    assert_eq!((seen.boards, seen.milli), (boards, milli));
    assert!((seen.bare - bare).abs() < 1e-3, "{} W of bare", seen.bare);
    assert!((seen.added - added).abs() < 1e-3, "{} W added", seen.added);
}

#[rstest]
#[case::no_json("[{\"id\":")]
#[case::no_memory("GPU-1,10,many,100:")]
#[case::nothing("")]
#[case::empty_list("[]")]
fn a_register_that_cannot_be_read_says_nothing(#[case] text: &str) {
    let node = node(
        &product("NVIDIA-L4"),
        &json!({ "hami.io/node-nvidia-register": text }),
        &json!({ "nvidia.com/gpu": "2" }),
    );
    assert_eq!(seen(&node, &one("nvidia.com/gpu")).boards, 2);
}

/// Labels are written by whoever may write nodes: nothing they say may cost memory or turn a share into none.
#[rstest]
#[case(json!({ "nvidia.com/gpu.replicas": "4294967295" }))]
#[case(json!({ "nvidia.com/gpu.replicas": "-3", "nvidia.com/gpu.memory": "0" }))]
#[case(json!({ "cloud.google.com/gke-max-shared-clients-per-gpu": "0", "gpu.intel.com/device.count": "0" }))]
#[case(json!({ "nvidia.com/gpu.product": "NVIDIA-L4-MIG-99g.5gb" }))]
fn g9_absurd_labels_are_bounded(#[case] more: Value) {
    let node = node(
        &with(product("NVIDIA-L4"), &more),
        &json!({}),
        &json!({ "nvidia.com/gpu": "4" }),
    );
    let seen = seen(&node, &one("nvidia.com/gpu"));
    assert!((1..=1024).contains(&seen.boards) && seen.milli >= 1 && seen.added > 0.0);
}
