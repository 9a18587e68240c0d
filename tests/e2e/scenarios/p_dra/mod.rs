//! GPUs by claim, on nodes of which nothing is allocatable: claims from a template, and an extended resource that devices
//! back. Both kinds of pods land in the greenest zone and count as load, and those that pass by are counted.
//!
//! Owns the scenario and the measurement of what it costs to be asked about every pod (`cost`). The objects that the
//! control plane made are kept; those of `tests/it/cluster` were recorded here. Devices are published by a test driver.

mod cost;

use super::site::{CENTRAL, NORTH, WEST};
use crate::cluster::{Cluster, Images, NodeSpec, Placed, Work, fleet, share_of};
use crate::controlplane::{ControlPlane, SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings, RecordingProxy};
use crate::figures::{Figures, out_folder};
use crate::guest;
use crate::world::CarbonFile;
use std::collections::BTreeMap;
use std::time::Duration;

/// Two nodes of eight boards and two of four in each region.
const NODES: usize = 12;
/// A node's worth of single boards.
const PODS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_pods_with_claims_are_steered_and_counted() {
    if guest::leaves_out(
        "p_dra",
        "it publishes devices and makes device classes, which are the cluster's",
    ) {
        return;
    }
    let mut figures = Figures::of("p_dra");
    let mut plane = ControlPlane::start().await;
    let cluster = Cluster::new(plane.client().await);
    let nodes: Vec<_> = fleet(NODES, Images::Nowhere)
        .into_iter()
        .map(NodeSpec::by_claim)
        .collect();
    cluster.create_nodes(&nodes).await;
    cluster.create_device_classes().await;
    cluster.publish_devices(&nodes).await;
    cluster.create_claim_template("one-gpu", 1).await;
    let settings = [NORTH, WEST, CENTRAL]
        .into_iter()
        .fold(HeliotropeSettings::new(), |settings, (_, zone, grams)| {
            settings.file(zone, &CarbonFile::write(plane.folder(), zone, grams))
        });
    let heliotrope = Heliotrope::start(&plane, &settings).await;
    for (_, zone, _) in [NORTH, WEST, CENTRAL] {
        let labels = [("zone", zone)];
        super::site::wait_metric(&heliotrope, "heliotrope_carbon_best_rung", &labels, |best| best >= 1.0).await;
    }
    let proxy = RecordingProxy::start(&heliotrope.url(), 2).await;
    let shipped = SchedulerConfig::shipped().with_extender(&proxy.url());

    let mut scheduler = plane.scheduler(Which::Current, &shipped.clone().asked_about_every_pod());
    let by_claim = Work::new("by-claim", 0).claiming("one-gpu");
    let extended = Work::new("extended", 1);
    for (case, work) in [("claims", &by_claim), ("an extended resource", &extended)] {
        let placed = one_by_one(&cluster, work).await;
        save(&cluster, work, case).await;
        check(&mut figures, case, &placed);
        proxy.save(&format!("dra-{}", case.replace(' ', "-")));
        proxy.reset();
        assert_weighed(&heliotrope, work).await;
        if work.name == by_claim.name {
            cluster.delete_work(work).await;
        }
    }
    // Both at once: what the ones take is not there for the others.
    let placed = one_by_one(&cluster, &by_claim).await;
    let taken = cluster.placed(&extended).await;
    figures.note(
        "claims beside extended resources: share in the greenest zone",
        share_of(NORTH.0, &placed),
    );
    figures.note("nodes that both have pods on", shared_nodes(&placed, &taken));
    assert!(share_of(NORTH.0, &placed) >= 1.0, "{placed:?}");
    assert_eq!(shared_nodes(&placed, &taken), 0, "{placed:?} {taken:?}");
    scheduler.assert_running();
    scheduler.stop().await;
    let outcomes = |name: &'static str| [("outcome", name)];
    let before = heliotrope.metrics().await;
    let bypassed = before
        .get("heliotrope_bindings_total", &outcomes("bypassed"))
        .unwrap_or(0.0);
    figures.note("asked about every pod: bindings that passed by", bypassed);
    assert!(bypassed < 1.0, "{:#?}", before.lines_with("heliotrope_bindings_total"));
    let top = before.get("heliotrope_bindings_total", &outcomes("top")).unwrap_or(0.0);
    figures.note("asked about every pod: bindings to the cheapest node", top);

    let mut scheduler = plane.scheduler(Which::Current, &shipped);
    let passing = Work::new("passing-by", 0).claiming("one-gpu");
    cluster.create_pods(&passing, PODS).await;
    cluster.wait_placed(&passing, PODS, PATIENCE).await;
    super::site::wait_metric(&heliotrope, "heliotrope_bindings_total", &outcomes("bypassed"), |n| {
        n >= PODS as f64
    })
    .await;
    let after = heliotrope.metrics().await;
    let bypassed = after
        .get("heliotrope_bindings_total", &outcomes("bypassed"))
        .unwrap_or(0.0);
    figures.note(
        &format!("with managedResources: of {PODS} pods with claims passed by"),
        bypassed,
    );
    assert!((bypassed - PODS as f64).abs() < 0.5, "{bypassed}");
    scheduler.assert_running();
    plane.assert_running();
}

/// Makes pods one after the other, each once the last has a node; where they went.
async fn one_by_one(cluster: &Cluster, work: &Work) -> Vec<Placed> {
    for i in 1..=PODS {
        cluster.create_named(work, &format!("{}-{i}", work.name)).await;
        cluster.wait_placed(work, i, PATIENCE).await;
        // Until the watches have told of the binding.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    cluster.placed(work).await
}

fn per_node(placed: &[Placed]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for pod in placed {
        *counts.entry(pod.node.as_str()).or_default() += 1;
    }
    counts
}

fn shared_nodes(some: &[Placed], others: &[Placed]) -> usize {
    let (some, others) = (per_node(some), per_node(others));
    some.keys().filter(|node| others.contains_key(*node)).count()
}

/// All in the greenest zone, and no more nodes awake than the boards need.
fn check(figures: &mut Figures, case: &str, placed: &[Placed]) {
    let share = share_of(NORTH.0, placed);
    let counts = per_node(placed);
    figures.note(&format!("{case}: share in the greenest zone"), share);
    figures.note(&format!("{case}: nodes awake for {PODS} boards"), counts.len());
    assert!(share >= 1.0, "{case}: {placed:?}");
    // The first node has four boards or eight: it is filled before a second is woken.
    assert!(
        counts.len() <= 2 && counts.values().all(|pods| *pods >= PODS / 2),
        "{case}: {counts:?}"
    );
}

/// What Heliotrope remembers of the last pod: it was weighed as one GPU.
async fn assert_weighed(heliotrope: &Heliotrope, work: &Work) {
    let decision = heliotrope.explain(&format!("{}-{PODS}", work.name)).await;
    assert_eq!(decision["workload"]["gpus"]["units"], 1, "{decision:#}");
    let candidates = decision["candidates"].as_array().unwrap();
    assert!(
        candidates.iter().all(|candidate| candidate["model"].is_string()),
        "{decision:#}"
    );
    assert!(
        candidates.iter().any(|candidate| candidate["awake"] == true),
        "{decision:#}"
    );
}

/// Keeps what the control plane made of one kind of pods.
async fn save(cluster: &Cluster, work: &Work, case: &str) {
    let Some(folder) = out_folder() else { return };
    let folder = folder.join("dra").join(case.replace(' ', "-"));
    std::fs::create_dir_all(&folder).unwrap();
    for kind in ["ResourceSlice", "ResourceClaim", "ResourceClaimTemplate", "DeviceClass"] {
        let objects = cluster.device_objects(kind).await;
        let text = serde_json::to_string_pretty(&objects).unwrap();
        std::fs::write(folder.join(format!("{kind}.json")), text).unwrap();
    }
    let pod = cluster.pod_object(&format!("{}-1", work.name)).await;
    std::fs::write(folder.join("Pod.json"), serde_json::to_string_pretty(&pod).unwrap()).unwrap();
}
