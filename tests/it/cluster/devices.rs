//! Devices and claims as a real control plane writes them, and their watches where the API is not open.
//!
//! `kubernetes-1.37.2/dra` holds what the scenario `p_dra` of the end-to-end suite kept: objects of its test driver, and the
//! claims and pods that kube-controller-manager and kube-scheduler made of them.

use super::server::{ApiServer, End, event};
use crate::rig::PATIENCE;
use heliotrope::cluster::{
    ClusterWatch, DeviceKind, GpuClasses, Labels, LeanClaim, LeanClass, LeanNode, LeanPod, LeanSlice, LeanTemplate,
};
use heliotrope_core::gpu::{GpuResource, GpuVendor};
use heliotrope_core::snapshot::{Change, ClusterEvent, DeviceEvent, NodeState, Snapshot, SnapshotBuilder};
use heliotrope_core::workload::{ClaimFacts, DeviceCount, PodFacts};
use jiff::Timestamp;
use rstest::rstest;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::mpsc::{Receiver, channel};
use tokio_util::sync::CancellationToken;

const CASES: [&str; 2] = ["claims", "an-extended-resource"];

fn recorded<T: DeserializeOwned>(case: &str, kind: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cluster/kubernetes-1.37.2/dra");
    let text = std::fs::read_to_string(folder.join(case).join(format!("{kind}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn told(case: &str) -> Vec<DeviceEvent> {
    let none = GpuClasses::default();
    let slices: Vec<LeanSlice> = recorded(case, "ResourceSlice");
    let claims: Vec<LeanClaim> = recorded(case, "ResourceClaim");
    let templates: Vec<LeanTemplate> = recorded(case, "ResourceClaimTemplate");
    let classes: Vec<LeanClass> = recorded(case, "DeviceClass");
    let mut events: Vec<DeviceEvent> = Vec::new();
    events.extend(
        slices
            .iter()
            .map(|slice| DeviceEvent::Slice(Change::Put(slice.facts().unwrap()))),
    );
    events.extend(
        claims
            .iter()
            .map(|claim| DeviceEvent::Claim(Change::Put(claim.facts(&none).unwrap()))),
    );
    events.extend(
        templates
            .iter()
            .map(|claim| DeviceEvent::Template(Change::Put(claim.facts(&none).unwrap()))),
    );
    events.extend(
        classes
            .iter()
            .map(|class| DeviceEvent::Class(Change::Put(class.facts(&none).unwrap()))),
    );
    events
}

fn pod(case: &str) -> PodFacts {
    recorded::<LeanPod>(case, "Pod").facts().unwrap()
}

/// A node of which nothing is allocatable but CPU and memory.
fn node(name: &str) -> ClusterEvent {
    let node =
        json!({ "metadata": { "name": name }, "status": { "allocatable": { "cpu": "96", "memory": "768Gi" } } });
    let node: LeanNode = serde_json::from_value(node).unwrap();
    ClusterEvent::Node(node.facts(&Labels::default()).unwrap())
}

fn snapshot(events: impl IntoIterator<Item = ClusterEvent>) -> Snapshot {
    let settings =
        heliotrope::app::settings::parse("apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\n", Path::new("."))
            .unwrap();
    let mut builder = SnapshotBuilder::new(settings.settings.surroundings(&settings.tables));
    let now: Timestamp = "2026-11-27T00:00:00Z".parse().unwrap();
    for event in events {
        builder.apply_cluster(event, now);
    }
    builder.build(now)
}

fn found<'s>(snapshot: &'s Snapshot, name: &str) -> &'s NodeState {
    snapshot.node(snapshot.find(name).unwrap()).unwrap()
}

fn devices(events: Vec<DeviceEvent>) -> impl Iterator<Item = ClusterEvent> {
    events.into_iter().map(|event| ClusterEvent::Devices(Box::new(event)))
}

/// Whatever the order in which four watches tell of them.
#[rstest]
#[case::claims_first(false)]
#[case::claims_last(true)]
fn recorded_pods_take_a_board_of_their_node(#[case] claims_last: bool, #[values(0, 1)] case: usize) {
    let case = CASES[case];
    let pod = pod(case);
    let name = pod.node.clone().unwrap();
    let bound = ClusterEvent::Pod(Box::new(pod));
    let told = devices(told(case)).collect::<Vec<_>>();
    let snapshot = if claims_last {
        snapshot([node(&name), bound].into_iter().chain(told))
    } else {
        snapshot(told.into_iter().chain([bound, node(&name)]))
    };
    let node = found(&snapshot, &name);
    let profile = node
        .model
        .and_then(|model| snapshot.surroundings.catalogue.profile(model));
    assert!(profile.is_some(), "{case}: the device names its model");
    let boards = node.slots.boards();
    assert!([4, 8].contains(&boards), "{case}: {boards}");
    assert_eq!(node.slots.whole_free() as usize, boards - 1, "{case}");
    assert!(node.awake, "{case}");
    assert_eq!(snapshot.unknown_claims, 0, "{case}");
}

/// As kube-scheduler asks about it, before anything is given.
#[test]
fn a_pod_is_asked_about_before_its_claim_is_known() {
    let told = told("claims");
    let without: Vec<DeviceEvent> = told
        .iter()
        .filter(|event| !matches!(event, DeviceEvent::Claim(_)))
        .cloned()
        .collect();
    let pod = pod("claims");
    for (told, known) in [(told, "claim"), (without, "template")] {
        let ask = snapshot(devices(told)).devices.ask(&pod).unwrap();
        assert_eq!((ask.resource, ask.units), (GpuResource::NVIDIA, 1), "{known}");
    }
    let claimed = snapshot([]).devices.claimed(&pod).unwrap();
    assert!(claimed.unknown && claimed.ask().is_none());
}

#[test]
fn what_the_scheduler_made_for_an_extended_resource_is_not_counted_beside_it() {
    let pod = pod("an-extended-resource");
    let claims = pod.claims.as_deref().unwrap();
    assert!(claims.special.as_ref().is_some_and(|special| special.backs_own));
    assert_eq!(claims.own.map(|own| own.units), Some(1));
    let ask = snapshot(devices(told("an-extended-resource")))
        .devices
        .ask(&pod)
        .unwrap();
    assert_eq!((ask.resource, ask.units), (GpuResource::NVIDIA, 1));
}

fn claim(spec: &Value, classes: &GpuClasses) -> ClaimFacts {
    let claim =
        json!({ "metadata": { "name": "c", "namespace": "ml" }, "spec": { "devices": { "requests": spec } } });
    serde_json::from_value::<LeanClaim>(claim)
        .unwrap()
        .facts(classes)
        .unwrap()
}

#[test]
fn requests_are_read_as_the_scheduler_reads_them() {
    let none = GpuClasses::default();
    let asks = |requests: &Value| {
        let claim = claim(requests, &none);
        let all = claim.requests.into_iter().flat_map(|request| request.0);
        all.map(|ask| (ask.class.to_string(), ask.count)).collect::<Vec<_>>()
    };
    let class = |class: &str, count| (class.to_owned(), count);
    assert_eq!(
        asks(&json!([{ "name": "r", "exactly": { "deviceClassName": "a" } }])),
        [class("a", DeviceCount::Exactly(1))]
    );
    assert_eq!(
        asks(&json!([{ "name": "r", "exactly": { "deviceClassName": "a", "allocationMode": "All" } }])),
        [class("a", DeviceCount::All)]
    );
    assert_eq!(
        asks(&json!([{ "name": "r", "firstAvailable": [
            { "name": "x", "deviceClassName": "a", "count": 2 }, { "name": "y", "deviceClassName": "b", "count": 4 },
        ] }])),
        [class("a", DeviceCount::Exactly(2)), class("b", DeviceCount::Exactly(4))]
    );
    let admin = json!([{ "name": "r", "exactly": { "deviceClassName": "a", "adminAccess": true } }]);
    assert!(asks(&admin).is_empty());
    assert!(asks(&Value::Null).is_empty());
}

#[test]
fn classes_are_those_of_the_settings_before_those_of_selectors() {
    let classes = GpuClasses([("ours".to_owned(), GpuVendor::Amd)].into());
    let request = json!([{ "name": "r", "exactly": { "deviceClassName": "ours" } }]);
    assert_eq!(claim(&request, &classes).requests[0].0[0].vendor, Some(GpuVendor::Amd));
    let class = json!({ "metadata": { "name": "ours" },
        "spec": { "selectors": [{ "cel": { "expression": "device.driver == 'gpu.nvidia.com'" } }] } });
    let class: LeanClass = serde_json::from_value(class).unwrap();
    assert_eq!(class.facts(&classes).unwrap().vendor, Some(GpuVendor::Amd));
    assert_eq!(
        class.facts(&GpuClasses::default()).unwrap().vendor,
        Some(GpuVendor::Nvidia)
    );
}

fn slice(spec: &Value) -> Option<heliotrope_core::snapshot::SliceFacts> {
    let slice = json!({ "metadata": { "name": "s" }, "spec": spec });
    serde_json::from_value::<LeanSlice>(slice).unwrap().facts()
}

fn boards(spec: &Value, name: &str) -> usize {
    let event = DeviceEvent::Slice(Change::Put(slice(spec).unwrap()));
    let snapshot = snapshot(devices(vec![event]).chain([node(name)]));
    found(&snapshot, name).slots.boards()
}

/// The shapes of the three vendors' drivers, after their documentation.
#[test]
fn devices_of_every_driver_are_boards() {
    let pool = json!({ "name": "n", "generation": 1, "resourceSliceCount": 1 });
    let of =
        |driver: &str, devices: Value| json!({ "driver": driver, "nodeName": "n", "pool": pool, "devices": devices });
    let text = |text: &str| json!({ "string": text });
    let nvidia = of(
        "gpu.nvidia.com",
        json!([
            { "name": "gpu-0", "attributes": { "type": text("gpu"), "uuid": text("GPU-a"), "productName": text("NVIDIA L4") },
              "consumesCounters": [{ "counterSet": "gpu-0-counter-set", "counters": {} }] },
            { "name": "gpu-0-mig-1g5gb-0", "attributes": { "type": text("mig"), "parentUUID": text("GPU-a"), "uuid": text("MIG-b"),
              "profile": text("1g.5gb") }, "consumesCounters": [{ "counterSet": "gpu-0-counter-set", "counters": {} }] },
            { "name": "gpu-1", "attributes": { "type": text("gpu"), "uuid": text("GPU-c") } },
        ]),
    );
    assert_eq!(boards(&nvidia, "n"), 2);
    let bus = |address: &str| text(address);
    let amd = of(
        "gpu.amd.com",
        json!([
            { "name": "gpu-0-128", "attributes": { "type": text("amdgpu-partition"), "partitionProfile": text("cpx_nps4"),
              "resource.kubernetes.io/pciBusID": bus("0000:19:00.0") } },
            { "name": "gpu-1-129", "attributes": { "type": text("amdgpu-partition"), "partitionProfile": text("cpx_nps4"),
              "resource.kubernetes.io/pciBusID": bus("0000:19:00.0") } },
        ]),
    );
    assert_eq!(boards(&amd, "n"), 1);
    let intel = of(
        "gpu.intel.com",
        json!([
            { "name": "0000-0f-00-0-0x56c0", "attributes": { "model": text("Flex 170"), "pciAddress": bus("0000:0f:00.0") } },
            { "name": "0000-1f-00-0-0x56c0", "attributes": { "gpu.intel.com/model": text("Flex 170"), "pciAddress": bus("0000:1f:00.0") } },
        ]),
    );
    assert_eq!(boards(&intel, "n"), 2);
    assert_eq!(slice(&of("dra.net", json!([{ "name": "nic" }]))), None);
}

#[rstest]
#[case::named(json!({ "nodeName": "n" }), 1)]
#[case::a_selector_of_one_name(json!({ "nodeSelector": { "nodeSelectorTerms": [
    { "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n"] }] }] } }), 1)]
#[case::a_selector_of_two_names(json!({ "nodeSelector": { "nodeSelectorTerms": [
    { "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n", "m"] }] }] } }), 0)]
#[case::a_selector_of_labels(json!({ "nodeSelector": { "nodeSelectorTerms": [
    { "matchExpressions": [{ "key": "rack", "operator": "In", "values": ["n"] }] }] } }), 0)]
#[case::all_nodes(json!({ "allNodes": true }), 0)]
#[case::each_device_by_itself(json!({ "perDeviceNodeSelection": true, "devices": [
    { "name": "gpu-0", "nodeName": "n" }, { "name": "gpu-1", "nodeName": "m" }, { "name": "gpu-2", "allNodes": true }] }), 1)]
fn boards_are_on_the_node_that_is_named(#[case] reach: Value, #[case] expected: usize) {
    let mut spec = json!({ "driver": "gpu.nvidia.com", "pool": { "name": "p", "generation": 1, "resourceSliceCount": 1 },
        "devices": [{ "name": "gpu-0" }] });
    spec.as_object_mut().unwrap().extend(reach.as_object().unwrap().clone());
    assert_eq!(boards(&spec, "n"), expected);
}

/// A running watch of claims.
struct Watching {
    events: Receiver<ClusterEvent>,
    failures: Arc<AtomicU32>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Watching {
    fn claims(server: &ApiServer) -> Self {
        let watch = ClusterWatch::new(server.client(), Labels::default());
        let (out, events) = channel(64);
        let (failures, cancel) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let (counted, stop) = (Arc::clone(&failures), cancel.clone());
        let failed = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let task = tokio::spawn(watch.run_devices(DeviceKind::Claims, out, failed, stop));
        Self {
            events,
            failures,
            cancel,
            task,
        }
    }

    async fn next(&mut self) -> DeviceEvent {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        match event.unwrap().expect("the watch ended") {
            ClusterEvent::Devices(event) => *event,
            other => panic!("{other:?}"),
        }
    }

    async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

fn object(name: &str, version: &str) -> Value {
    json!({ "metadata": { "name": name, "namespace": "ml", "resourceVersion": version },
        "spec": { "devices": { "requests": [{ "name": "r", "exactly": { "deviceClassName": "gpu.nvidia.com" } }] } } })
}

#[tokio::test]
async fn claims_are_listed_and_then_followed() {
    let server = ApiServer::start().await;
    server.list("10", &[object("a", "1")]);
    server.list("10", &[object("a", "1")]);
    server.watch(vec![event("DELETED", &object("a", "11"))], End::Open);
    let mut watching = Watching::claims(&server);
    assert_eq!(watching.next().await, DeviceEvent::Claim(Change::Relisting));
    let put = watching.next().await;
    assert!(
        matches!(&put, DeviceEvent::Claim(Change::Put(claim)) if claim.key.as_ref() == "ml/a"),
        "{put:?}"
    );
    assert_eq!(watching.next().await, DeviceEvent::Claim(Change::Listed));
    assert_eq!(
        watching.next().await,
        DeviceEvent::Claim(Change::Gone(Arc::from("ml/a")))
    );
    assert_eq!(watching.failures.load(Ordering::Relaxed), 0);
    watching.stop().await;
}

/// Older servers, and clusters whose role is an older one: nothing is told, nothing counts as a failure, and nobody is
/// asked again and again.
#[rstest]
#[case::not_served(404)]
#[case::not_allowed(403)]
#[tokio::test]
async fn what_is_not_open_is_left_alone(#[case] status: u16) {
    let server = ApiServer::start().await;
    server.fail(status);
    let mut watching = Watching::claims(&server);
    server.asked_times(1).await;
    // Time enough for a watch that tries again at once.
    let quiet = tokio::time::timeout(std::time::Duration::from_millis(300), watching.events.recv()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert_eq!(
        (server.asked().len(), watching.failures.load(Ordering::Relaxed)),
        (1, 0)
    );
    watching.stop().await;
}
