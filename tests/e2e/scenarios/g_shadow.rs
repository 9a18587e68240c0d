//! Shadow changes nothing: what kube-scheduler asks comes back as it was, and yet every decision is recorded.

use super::site::Site;
use crate::cluster::{Images, Work, by_region};
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::RecordingProxy;
use crate::figures::Figures;
use serde_json::{Value, json};
use std::time::Duration;

const PODS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_shadow_changes_nothing() {
    let mut figures = Figures::of("g_shadow");
    let mut site = Site::start(120, Images::Uneven).await;
    let heliotrope = site.heliotrope(&site.settings().placement("mode", "shadow")).await;
    let proxy = RecordingProxy::start(&heliotrope.url(), PODS * 2).await;
    let shipped = SchedulerConfig::shipped();
    for (case, config) in [
        ("no extender", shipped.clone()),
        ("shadow", shipped.with_extender(&proxy.url())),
    ] {
        let mut scheduler = site.plane.scheduler(Which::Current, &config);
        let work = Work::new("service", 1);
        site.cluster.create_deployment(&work, PODS).await;
        let placed = site.cluster.wait_placed(&work, PODS, Duration::from_secs(60)).await;
        figures.note(&format!("{case}: by region"), json!(by_region(&placed)));
        if case == "shadow" {
            let explained = heliotrope.explain(&placed[0].pod).await;
            assert!(
                explained["candidates"].as_array().is_some_and(|rows| rows.len() > 1),
                "{explained:#}"
            );
        }
        scheduler.assert_running();
        scheduler.stop().await;
        site.cluster.delete_work(&work).await;
    }

    let (filtered, prioritized) = (proxy.calls("filter").exchanges, proxy.calls("prioritize").exchanges);
    figures.note("filter answers compared with their request", filtered.len());
    figures.note("prioritize answers compared with their request", prioritized.len());
    assert!(
        filtered.len() >= PODS && prioritized.len() >= PODS,
        "{} and {}",
        filtered.len(),
        prioritized.len()
    );
    let parse = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
    for exchange in &filtered {
        let (request, answer) = (parse(&exchange.request), parse(&exchange.answer));
        assert_eq!(exchange.status, 200);
        assert_eq!(answer["NodeNames"], request["NodeNames"]);
        let refused = |key: &str| answer[key].as_object().is_some_and(|nodes| !nodes.is_empty());
        assert!(
            !refused("FailedNodes") && !refused("FailedAndUnresolvableNodes"),
            "{answer}"
        );
    }
    for exchange in &prioritized {
        let (request, answer) = (parse(&exchange.request), parse(&exchange.answer));
        let scores = answer.as_array().unwrap();
        assert_eq!(scores.len(), request["NodeNames"].as_array().unwrap().len());
        assert!(
            scores.iter().all(|score| score["Score"] == scores[0]["Score"]),
            "{answer}"
        );
    }
    proxy.reset();
    site.plane.assert_running();
}
