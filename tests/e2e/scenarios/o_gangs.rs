//! Gangs get one region on a real scheduler, while grids cross in the middle of them; one that no region holds fills the
//! largest first.

use super::site::{CENTRAL, NORTH, Site};
use crate::cluster::{Images, Work, by_region};
use crate::controlplane::{SchedulerConfig, Which};
use crate::figures::Figures;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, PostParams};
use serde_json::json;
use std::time::Duration;

/// Ranks of a gang, each with one GPU.
const RANKS: usize = 64;
/// As many gangs as three regions of 240 boards hold whole.
const GANGS: usize = 9;
/// More than the 240 boards of any region.
const LARGER: usize = 300;
const PATIENCE: Duration = Duration::from_secs(120);

fn gang(name: &str, size: usize) -> Work {
    let size = size.to_string();
    Work::new(name, 1)
        .annotated("heliotrope.dev/group", name)
        .annotated("heliotrope.dev/group-size", &size)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o_gangs_are_never_split_while_a_region_holds_them() {
    let mut figures = Figures::of("o_gangs");
    let mut site = Site::start(120, Images::Uneven).await;
    let mut heliotrope = site.heliotrope(&site.settings()).await;
    let config = SchedulerConfig::shipped();
    let mut scheduler = site
        .plane
        .scheduler(Which::Current, &config.clone().with_extender(&heliotrope.url()));

    // All at once, so that their pods come in any order; grids cross every second until all have a node.
    let gangs: Vec<Work> = (0..GANGS).map(|i| gang(&format!("gang-{i}"), RANKS)).collect();
    let created = futures::future::join_all(gangs.iter().map(|gang| site.cluster.create_pods(gang, RANKS)));
    let crossing = async {
        loop {
            for (north, central) in [(CENTRAL.2, NORTH.2), (NORTH.2, CENTRAL.2)] {
                tokio::time::sleep(Duration::from_secs(1)).await;
                site.north.set(north);
                site.central.set(central);
            }
        }
    };
    let placed = async {
        created.await;
        let waiting = gangs.iter().map(|gang| site.cluster.wait_placed(gang, RANKS, PATIENCE));
        futures::future::join_all(waiting).await
    };
    let placed = tokio::select! {
        () = crossing => unreachable!("grids cross for ever"),
        placed = placed => placed,
    };
    let regions: Vec<_> = placed.iter().map(|placed| by_region(placed)).collect();
    figures.note("gangs of 64 ranks, by region", json!(regions));
    let split = regions
        .iter()
        .filter(|regions| regions.values().filter(|count| **count > 0).count() > 1)
        .count();
    figures.note("gangs split", split);
    assert_eq!(split, 0, "{regions:?}");
    for work in &gangs {
        site.cluster.delete_work(work).await;
    }

    // Half a gang, then another process.
    let half = gang("half", RANKS);
    site.cluster.create_named_pods(&half, 0..RANKS / 2).await;
    site.cluster.wait_placed(&half, RANKS / 2, PATIENCE).await;
    scheduler.stop().await;
    heliotrope.kill();
    site.north.set(CENTRAL.2);
    site.central.set(NORTH.2);
    heliotrope = site.heliotrope(&site.settings()).await;
    scheduler = site
        .plane
        .scheduler(Which::Current, &config.with_extender(&heliotrope.url()));
    site.cluster.create_named_pods(&half, RANKS / 2..RANKS).await;
    let regions = by_region(&site.cluster.wait_placed(&half, RANKS, PATIENCE).await);
    figures.note("a gang with a restart in its middle, by region", json!(regions));
    assert_eq!(regions.values().filter(|count| **count > 0).count(), 1, "{regions:?}");
    site.cluster.delete_work(&half).await;

    let larger = gang("larger", LARGER);
    site.cluster.create_pods(&larger, LARGER).await;
    let regions = by_region(&site.cluster.wait_placed(&larger, LARGER, PATIENCE).await);
    figures.note("a gang of 300 where a region holds 240, by region", json!(regions));
    let mut counts: Vec<usize> = regions.values().copied().collect();
    counts.sort_unstable();
    assert_eq!(
        counts,
        [0, 60, 240],
        "the first region is filled, the rest stays together"
    );
    for outcome in ["held", "larger", "followed", "spilled", "alone"] {
        let metrics = heliotrope.metrics().await;
        let count = metrics.get("heliotrope_group_decisions_total", &[("outcome", outcome)]);
        figures.note(&format!("since the restart, {outcome}"), count.unwrap_or(0.0));
    }
    figures.note(
        "spec.schedulingGroup is kept by the API server",
        keeps_scheduling_group(&site).await,
    );
    scheduler.assert_running();
    scheduler.stop().await;
    site.plane.assert_running();
}

/// Whether the API server, with the feature gates as they come, keeps the reference to a pod group.
async fn keeps_scheduling_group(site: &Site) -> bool {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "grouped" },
        "spec": { "schedulerName": "nobody", "schedulingGroup": { "podGroupName": "ranks" },
            "containers": [{ "name": "main", "image": "train:1" }] },
    });
    let pod: DynamicObject = serde_json::from_value(pod).unwrap();
    let kind = kube::api::ApiResource::erase::<Pod>(&());
    let made = site
        .cluster
        .dynamic(&kind)
        .create(&PostParams::default(), &pod)
        .await
        .unwrap();
    !made.data["spec"]["schedulingGroup"].is_null()
}
