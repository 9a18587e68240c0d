//! GPU pods land in the greenest zone, as Deployments and as Jobs, and move when intensities cross.

use super::site::{CENTRAL, NORTH, Site, wait_metric};
use crate::cluster::{Images, Placed, Work, by_region, share_of};
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::{Heliotrope, RecordingProxy};
use crate::figures::Figures;
use serde_json::json;
use std::time::Duration;

/// What the greenest zone has to get of the pods.
const SHARE: f64 = 0.95;
/// One replica asks for one GPU.
const REPLICAS: usize = 60;
/// One pod of the Job asks for two.
const JOB_PODS: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pods_land_in_the_greenest_zone_and_follow_it() {
    follow_the_grid("a_greenest_zone", Which::Current, &[1, 3, 5]).await;
}

/// The scenario on one scheduler, for each weight; only the shipped weight has to reach the share.
pub(super) async fn follow_the_grid(name: &'static str, which: Which, weights: &[u32]) {
    let mut figures = Figures::of(name);
    let mut site = Site::start(120, Images::Uneven).await;
    figures.note("kube-scheduler", site.plane.binaries().version(which));
    let heliotrope = site.heliotrope(&site.settings()).await;
    let proxy = RecordingProxy::start(&heliotrope.url(), 2).await;
    let shipped = SchedulerConfig::shipped().with_extender(&proxy.url());
    let shipped_weight = shipped.extender_weight();

    for &weight in weights {
        let config = shipped.clone().weight(weight);
        site.north.set(NORTH.2);
        site.central.set(CENTRAL.2);
        wait_intensity(&heliotrope, CENTRAL.1, CENTRAL.2).await;
        wait_intensity(&heliotrope, NORTH.1, NORTH.2).await;
        let before = wave(&site, which, &config, "before").await;
        site.north.set(CENTRAL.2);
        site.central.set(NORTH.2);
        wait_intensity(&heliotrope, NORTH.1, CENTRAL.2).await;
        wait_intensity(&heliotrope, CENTRAL.1, NORTH.2).await;
        let after = wave(&site, which, &config, "after").await;
        for (when, placed, greenest) in [("before", &before, NORTH), ("after", &after, CENTRAL)] {
            let share = share_of(greenest.0, placed);
            figures.note(
                &format!("weight {weight}, {when} the crossing, by region"),
                json!(by_region(placed)),
            );
            figures.note(
                &format!("weight {weight}, {when} the crossing, share in the greenest zone"),
                share,
            );
            if u64::from(weight) == shipped_weight {
                assert!(
                    share >= SHARE,
                    "weight {weight}: {share} of the pods are in {} {when} the crossing",
                    greenest.0
                );
            }
        }
        explained(&heliotrope, &after).await;
    }
    for outcome in ["top", "in-band", "outvoted", "not-offered", "bypassed"] {
        let count = heliotrope
            .metrics()
            .await
            .get("heliotrope_bindings_total", &[("outcome", outcome)]);
        figures.note(&format!("bindings, {outcome}"), count.unwrap_or(0.0));
    }
    proxy.save(name);
    site.plane.assert_running();
}

/// One wave of work on an empty cluster: where its pods went.
async fn wave(site: &Site, which: Which, config: &SchedulerConfig, name: &str) -> Vec<Placed> {
    let mut scheduler = site.plane.scheduler(which, config);
    let service = Work::new(&format!("service-{name}"), 1);
    let job = Work::new(&format!("job-{name}"), 2);
    site.cluster.create_deployment(&service, REPLICAS).await;
    site.cluster.create_job(&job, JOB_PODS).await;
    let patience = Duration::from_secs(90);
    let mut placed = site.cluster.wait_placed(&service, REPLICAS, patience).await;
    placed.extend(site.cluster.wait_placed(&job, JOB_PODS, patience).await);
    scheduler.assert_running();
    scheduler.stop().await;
    site.cluster.delete_work(&service).await;
    site.cluster.delete_work(&job).await;
    placed
}

async fn wait_intensity(heliotrope: &Heliotrope, zone: &str, grams: f64) {
    let labels = [("zone", zone), ("rung", "live")];
    let near = |value: f64| (value - grams).abs() < 0.5;
    wait_metric(heliotrope, "heliotrope_carbon_intensity_grams_per_kwh", &labels, near).await;
}

/// A placed pod can be explained: every candidate with its zone, the preferred and the bound node.
async fn explained(heliotrope: &Heliotrope, placed: &[Placed]) {
    let pod = &placed[placed.len() / 2];
    let explained = heliotrope.explain(&pod.pod).await;
    assert_eq!(explained["bound"], json!(pod.node), "{explained:#}");
}
