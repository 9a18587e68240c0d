//! Devices: boards of a node counted once, generations of pools, and what pods ask by claim.

use super::*;
use crate::gpu::{GpuUnit, GpuVendor};
use crate::snapshot::devices::DeviceState;
use crate::workload::{AllocatedDevice, ClaimFacts, ClaimRef, ClaimRequest, ClassFacts, DeviceAsk, DeviceCount};
use crate::workload::{PodClaims, SpecialClaim};

const POOL: &str = "gpu.nvidia.com/p";

pub(super) fn device(name: &str, node: &str, marks: &[&str]) -> DeviceFacts {
    DeviceFacts {
        name: Arc::from(name),
        marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
        product: Some(Arc::from("T")),
        unit: GpuUnit::Device,
        node: Some(Arc::from(node)),
    }
}

/// Whole boards `0..boards` of a node.
pub(super) fn boards(node: &str, boards: usize) -> Vec<DeviceFacts> {
    let one = |i: usize| device(&format!("gpu-{i}"), node, &[&format!("uuid:{node}-{i}")]);
    (0..boards).map(one).collect()
}

pub(super) fn slice(name: &str, generation: i64, slices: usize, devices: Vec<DeviceFacts>) -> SliceFacts {
    SliceFacts::new(
        Arc::from(name),
        GpuVendor::Nvidia,
        Arc::from(POOL),
        (generation, slices),
    )
    .with(devices)
}

pub(super) fn put(slice: SliceFacts) -> DeviceEvent {
    DeviceEvent::Slice(Change::Put(slice))
}

pub(super) fn count(state: &DeviceState, node: &str) -> Option<u32> {
    state.devices(node).map(|devices| devices.boards)
}

pub(super) fn state(events: impl IntoIterator<Item = DeviceEvent>) -> DeviceState {
    let mut state = DeviceState::default();
    for event in events {
        state.apply(event);
    }
    state
}

pub(super) fn event(event: DeviceEvent) -> ClusterEvent {
    ClusterEvent::Devices(Box::new(event))
}

/// A node whose boards are devices: nothing is allocatable.
pub(super) fn bare(name: &str) -> NodeFacts {
    NodeFacts {
        gpus: Vec::new(),
        gpu_product: None,
        ..facts(name)
    }
}

fn ask(class: &str, count: DeviceCount) -> DeviceAsk {
    DeviceAsk {
        class: Arc::from(class),
        count,
        vendor: None,
        unit: None,
    }
}

fn claim(name: &str, requests: Vec<Vec<DeviceAsk>>) -> ClaimFacts {
    ClaimFacts {
        key: Arc::from(format!("ml/{name}")),
        requests: requests.into_iter().map(ClaimRequest).collect(),
        allocated: None,
    }
}

fn gpus(name: &str, count: u32) -> ClaimFacts {
    claim(name, vec![vec![ask("gpu.nvidia.com", DeviceCount::Exactly(count))]])
}

pub(super) fn given(name: &str, devices: &[&str]) -> ClaimFacts {
    let device = |device: &&str| AllocatedDevice {
        vendor: GpuVendor::Nvidia,
        pool: Arc::from(POOL),
        device: Arc::from(*device),
    };
    ClaimFacts {
        allocated: Some(devices.iter().map(device).collect()),
        ..gpus(name, u32::try_from(devices.len()).unwrap())
    }
}

pub(super) fn claiming(uid: &str, node: Option<&str>, refs: &[(Option<&str>, Option<&str>)]) -> PodFacts {
    let key = |name: Option<&str>| name.map(|name| Arc::from(format!("ml/{name}")));
    let refs = refs.iter().map(|(claim, template)| ClaimRef {
        claim: key(*claim),
        template: key(*template),
    });
    PodFacts {
        gpus: None,
        claims: Some(Box::new(PodClaims {
            refs: refs.collect(),
            ..PodClaims::default()
        })),
        ..pod(uid, node)
    }
}

pub(super) fn is_pod(pod: PodFacts) -> ClusterEvent {
    ClusterEvent::Pod(Box::new(pod))
}

pub(super) fn claims(change: ClaimFacts) -> ClusterEvent {
    event(DeviceEvent::Claim(Change::Put(change)))
}

#[test]
fn partitions_and_their_board_are_one_board() {
    let partition = |name: &str| DeviceFacts {
        unit: GpuUnit::Slices(1),
        ..device(name, "n", &["uuid:a", "counters:gpu-0"])
    };
    let state = state([put(slice(
        "s",
        1,
        1,
        vec![
            device("gpu-0", "n", &["uuid:a", "pci:0000:01:00.0"]),
            partition("gpu-0-mig-0"),
            partition("gpu-0-mig-1"),
            // Known by its address alone, and it is the first one's.
            device("gpu-vfio-0", "n", &["pci:0000:01:00.0"]),
            device("gpu-1", "n", &["uuid:b"]),
            device("gpu-2", "n", &[]),
        ],
    ))]);
    assert_eq!(count(&state, "n"), Some(3));
}

/// An address says nothing across nodes.
#[test]
fn the_same_address_on_two_nodes_is_two_boards() {
    let at = |node| device("gpu-0", node, &["pci:0000:01:00.0"]);
    let state = state([put(slice("s", 1, 1, vec![at("a"), at("b")]))]);
    assert_eq!((count(&state, "a"), count(&state, "b")), (Some(1), Some(1)));
}

#[test]
fn only_the_newest_whole_generation_counts() {
    let mut state = state([put(slice("s1", 1, 1, boards("n", 8)))]);
    state.apply(put(slice("s2", 2, 2, boards("n", 3))));
    assert_eq!(count(&state, "n"), Some(8), "of the new generation a slice is missing");
    state.apply(put(slice("s1", 2, 2, boards("n", 4).split_off(3))));
    assert_eq!(count(&state, "n"), Some(4));
    state.apply(put(slice("s1", 3, 2, Vec::new())));
    assert_eq!(
        count(&state, "n"),
        Some(4),
        "what counted stays until the next is whole"
    );
    state.apply(DeviceEvent::Slice(Change::Gone(Arc::from("s1"))));
    state.apply(DeviceEvent::Slice(Change::Gone(Arc::from("s2"))));
    assert_eq!(
        (count(&state, "n"), state.held()),
        (None, [0; 5]),
        "nothing is kept of a pool that is gone"
    );
}

#[test]
fn a_board_that_several_nodes_reach_is_none_of_theirs() {
    let shared = DeviceFacts {
        node: None,
        ..device("fabric", "n", &["uuid:f"])
    };
    let state = state([put(slice("s", 1, 1, vec![shared, device("gpu-0", "n", &["uuid:a"])]))]);
    assert_eq!(count(&state, "n"), Some(1));
}

#[test]
fn slices_tell_boards_and_model_where_nothing_is_allocatable() {
    let mut builder = builder();
    let devices = boards("n", 4);
    observe(
        &mut builder,
        second(0),
        [
            ClusterEvent::Node(bare("n")),
            ClusterEvent::Node(facts("both")),
            event(put(slice("s", 1, 1, devices))),
            event(put(SliceFacts::new(
                Arc::from("t"),
                GpuVendor::Nvidia,
                Arc::from("gpu.nvidia.com/q"),
                (1, 1),
            )
            .with(boards("both", 2)))),
        ],
    );
    let snapshot = builder.build(second(0));
    let node = |name| snapshot.node(snapshot.find(name).unwrap()).unwrap();
    assert_eq!((node("n").slots.boards(), node("n").model.is_some()), (4, true));
    assert_eq!(node("both").slots.boards(), 2, "counted once though both tell of them");
    observe(
        &mut builder,
        second(1),
        [
            // A heartbeat, which knows nothing of devices.
            ClusterEvent::Node(bare("n")),
            event(DeviceEvent::Slice(Change::Relisting)),
            event(DeviceEvent::Slice(Change::Listed)),
        ],
    );
    let snapshot = builder.build(second(1));
    let left = snapshot.node(snapshot.find("n").unwrap()).unwrap();
    assert_eq!((left.slots.boards(), left.model), (0, None));
}

#[test]
fn pods_by_claim_are_load_and_a_shared_claim_is_counted_once() {
    let mut builder = builder();
    observe(
        &mut builder,
        second(0),
        [
            ClusterEvent::Node(bare("n")),
            event(put(slice("s", 1, 1, boards("n", 8)))),
            claims(given("shared", &["gpu-0", "gpu-1"])),
            claims(given("own", &["gpu-2"])),
            is_pod(claiming("a", Some("n"), &[(Some("shared"), None)])),
            is_pod(claiming("b", Some("n"), &[(Some("shared"), None), (Some("own"), None)])),
        ],
    );
    let snapshot = builder.build(second(0));
    let node = snapshot.node(snapshot.find("n").unwrap()).unwrap();
    assert_eq!((node.slots.whole_free(), node.awake), (5, true));
    assert_eq!(
        node.without(&["a"], &surroundings()).slots.whole_free(),
        5,
        "the other pod still has it"
    );
    assert_eq!(node.without(&["a", "b"], &surroundings()).slots.whole_free(), 8);
    assert_eq!(node.without(&["b"], &surroundings()).slots.whole_free(), 6);
}

#[test]
fn a_claim_that_is_told_of_later_counts_from_then() {
    let mut builder = builder();
    let template = DeviceEvent::Template(Change::Put(gpus("t", 3)));
    observe(
        &mut builder,
        second(0),
        [
            ClusterEvent::Node(bare("n")),
            event(put(slice("s", 1, 1, boards("n", 8)))),
            is_pod(claiming("late", Some("n"), &[(Some("x"), None)])),
            is_pod(claiming("from-template", Some("n"), &[(Some("y"), Some("t"))])),
        ],
    );
    let free = |snapshot: &Snapshot| snapshot.node(snapshot.find("n").unwrap()).unwrap().slots.whole_free();
    let snapshot = builder.build(second(0));
    assert_eq!((free(&snapshot), snapshot.unknown_claims), (8, 2));
    observe(&mut builder, second(1), [event(template)]);
    let snapshot = builder.build(second(1));
    assert_eq!((free(&snapshot), snapshot.unknown_claims), (5, 1));
    observe(
        &mut builder,
        second(2),
        [claims(given("x", &["gpu-0"])), claims(given("y", &["gpu-1"]))],
    );
    let snapshot = builder.build(second(2));
    assert_eq!(
        (free(&snapshot), snapshot.unknown_claims),
        (6, 0),
        "what was given counts, not what was asked"
    );
    observe(
        &mut builder,
        second(3),
        [ClusterEvent::PodGone { uid: Arc::from("late") }],
    );
    assert_eq!(free(&builder.build(second(3))), 7);
}

#[test]
fn waiting_pods_that_share_a_claim_wait_for_it_once() {
    let mut builder = builder();
    observe(
        &mut builder,
        second(0),
        [
            claims(gpus("shared", 2)),
            claims(given("has", &["gpu-0"])),
            is_pod(claiming("a", None, &[(Some("shared"), None)])),
            is_pod(claiming("b", None, &[(Some("shared"), None)])),
            is_pod(claiming("c", None, &[(Some("has"), None)])),
            is_pod(pod("d", None)),
        ],
    );
    assert_eq!(builder.build(second(0)).pending.of(GpuVendor::Nvidia), 3000);
}

fn index(events: impl IntoIterator<Item = DeviceEvent>) -> DeviceIndex {
    state(events).index().clone()
}

fn class(name: &str, vendor: Option<GpuVendor>, resource: Option<&str>) -> DeviceEvent {
    DeviceEvent::Class(Change::Put(ClassFacts {
        name: Arc::from(name),
        vendor,
        unit: None,
        extended_resource: resource.map(Arc::from),
    }))
}

fn asked(index: &DeviceIndex, requests: Vec<Vec<DeviceAsk>>) -> Option<(GpuResource, u32)> {
    let mut index = index.clone();
    let key = Arc::from("ml/c");
    Arc::make_mut(&mut index.claims).insert(key, Arc::new(claim("c", requests)));
    let ask = index.ask(&claiming("p", None, &[(Some("c"), None)]))?;
    Some((ask.resource, ask.units))
}

#[test]
fn requests_become_asks() {
    use DeviceCount::{All, Exactly};
    let index = index([
        class("ours", Some(GpuVendor::Amd), None),
        class("nic", None, None),
        class("gpu.intel.com", None, None),
        put(slice(
            "s",
            1,
            1,
            [boards("a", 8), boards("b", 8), boards("c", 4)].concat(),
        )),
    ]);
    let nvidia = |units| Some((GpuResource::NVIDIA, units));
    assert_eq!(
        asked(&index, vec![vec![ask("gpu.nvidia.com", Exactly(2))]]),
        nvidia(2),
        "by its known name"
    );
    let one = || vec![ask("gpu.nvidia.com", Exactly(1))];
    assert_eq!(asked(&index, vec![one(), one()]), nvidia(2), "requests add up");
    let ours = Some((GpuResource::new(GpuVendor::Amd, GpuUnit::Device), 1));
    assert_eq!(
        asked(&index, vec![vec![ask("ours", Exactly(1))]]),
        ours,
        "by what its class says"
    );
    assert_eq!(asked(&index, vec![vec![ask("nic", Exactly(1))]]), None);
    assert_eq!(
        asked(&index, vec![vec![ask("gpu.intel.com", Exactly(1))]]),
        None,
        "the class itself denies its name"
    );
    assert_eq!(asked(&index, vec![vec![ask("nobody", Exactly(1))]]), None);
    assert_eq!(
        asked(
            &index,
            vec![vec![ask("nic", Exactly(1)), ask("gpu.nvidia.com", Exactly(4))]]
        ),
        nvidia(4)
    );
    assert_eq!(
        asked(&index, vec![vec![ask("gpu.nvidia.com", All)]]),
        nvidia(8),
        "what most nodes have"
    );
    let slice = DeviceAsk {
        unit: Some(GpuUnit::Slices(3)),
        ..ask("mig.nvidia.com", Exactly(2))
    };
    assert_eq!(
        asked(&index, vec![vec![slice]]).map(|(resource, units)| (resource.milli_per_unit, units)),
        Some((428, 2))
    );
}

#[test]
fn extended_resources_that_devices_back() {
    let mut index = index([
        class("big", Some(GpuVendor::Nvidia), Some("example.com/big")),
        put(slice("s", 1, 1, boards("n", 8))),
    ]);
    let pod = |extended: &[(&str, u32)], special: Option<bool>, own: Option<u32>| PodFacts {
        claims: Some(Box::new(PodClaims {
            own: own.map(|units| GpuAsk {
                resource: GpuResource::NVIDIA,
                units,
            }),
            extended: extended
                .iter()
                .map(|(name, units)| (Arc::from(*name), *units))
                .collect(),
            special: special.map(|backs_own| SpecialClaim {
                claim: Arc::from("ml/special"),
                backs_own,
            }),
            refs: Vec::new(),
        })),
        ..pod("p", None)
    };
    let units = |index: &DeviceIndex, pod: &PodFacts| index.ask(pod).map(|ask| ask.units);
    assert_eq!(units(&index, &pod(&[("example.com/big", 2)], None, None)), Some(2));
    assert_eq!(
        units(
            &index,
            &pod(&[("deviceclass.resource.kubernetes.io/big", 3)], None, None)
        ),
        Some(3)
    );
    assert_eq!(units(&index, &pod(&[("example.com/nic", 2)], None, None)), None);
    assert_eq!(
        units(&index, &pod(&[], Some(true), Some(2))),
        Some(2),
        "the claim is not known yet"
    );
    Arc::make_mut(&mut index.claims).insert(Arc::from("ml/special"), Arc::new(given("special", &["gpu-0", "gpu-1"])));
    assert_eq!(
        units(&index, &pod(&[], Some(true), Some(2))),
        Some(2),
        "the claim and the resource are the same boards"
    );
    assert_eq!(
        units(&index, &pod(&[], Some(false), Some(2))),
        Some(4),
        "the resource is a device plugin's"
    );
    assert_eq!(
        units(&index, &pod(&[("example.com/big", 2)], Some(false), None)),
        Some(2)
    );
}

#[test]
fn a_pod_with_a_claim_that_nobody_knows_asks_for_nothing_and_says_so() {
    let index = index([]);
    let claimed = index.claimed(&claiming("p", None, &[(Some("c"), None)])).unwrap();
    assert_eq!((claimed.ask(), claimed.unknown), (None, true));
    assert_eq!(index.claimed(&pod("plain", None)), None);
    assert_eq!(index.ask(&pod("plain", None)).map(|ask| ask.units), Some(1));
}
