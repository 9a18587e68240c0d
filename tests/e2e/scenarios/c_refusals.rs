//! A pod that is refused everywhere costs next to nothing: one constant text, no endless attempts.

use crate::cluster::{Cluster, Images, Work, fleet};
use crate::controlplane::{ControlPlane, SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings, RecordingProxy};
use crate::figures::Figures;
use std::time::{Duration, Instant};

/// How long the idle cluster is watched.
const IDLE: Duration = Duration::from_secs(45);
/// How long pods come and go beside the refused ones.
const CHURN: Duration = Duration::from_secs(30);
/// Refused pods that wait during the churn.
const REFUSED: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_refusals_are_constant_and_cheap() {
    refusals("c_refusals", Which::Current).await;
}

/// The scenario on one scheduler.
pub(super) async fn refusals(name: &'static str, which: Which) {
    let mut figures = Figures::of(name);
    let mut plane = ControlPlane::start().await;
    figures.note("kube-scheduler", plane.binaries().version(which));
    let cluster = Cluster::new(plane.client().await);
    cluster.create_nodes(&fleet(120, Images::Nowhere)).await;
    let heliotrope = Heliotrope::start(&plane, &HeliotropeSettings::new()).await;
    let proxy = RecordingProxy::start(&heliotrope.url(), 1).await;
    let config = SchedulerConfig::shipped().with_extender(&proxy.url());

    let scheduler = plane.scheduler(which, &config);
    let refused = Work::new("refused", 1).annotated("heliotrope.dev/zones", "FR");
    cluster.create_pod(&refused).await;
    let message = cluster.wait_refused("refused", Duration::from_secs(30)).await;
    figures.note("condition of the pod", message.clone());
    assert!(message.contains("120 refused by heliotrope policy"), "{message}");
    assert_eq!(
        message.matches("heliotrope").count(),
        1,
        "one text for all nodes: {message}"
    );
    tokio::time::sleep(IDLE).await;
    let calls = proxy.calls("filter").count;
    figures.note("filter calls in 45 s, idle", calls);
    assert!(
        calls <= 2,
        "{calls} filter calls for one refused pod on an idle cluster"
    );
    proxy.save(name);
    scheduler.stop().await;
    cluster.delete_work(&refused).await;

    let mut scheduler = plane.scheduler(which, &config.default_sampling());
    cluster.create_pods(&refused, REFUSED).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    proxy.reset();
    let churned = churn(&cluster).await;
    let calls = proxy.calls("filter").count;
    let minutes = CHURN.as_secs_f64() / 60.0;
    figures.note(
        "churn, default sampling: pods made and deleted per minute",
        churned as f64 / minutes,
    );
    let attempts = calls as f64 / REFUSED as f64 / minutes;
    figures.note("churn, default sampling: attempts per refused pod and minute", attempts);
    assert!(cluster.placed(&refused).await.is_empty(), "a refused pod has a node");
    scheduler.assert_running();
    plane.assert_running();
}

/// Makes and deletes pods without GPUs, a few each second; how many.
async fn churn(cluster: &Cluster) -> usize {
    let (until, mut made) = (Instant::now() + CHURN, 0);
    let passing = Work::new("passing", 0);
    let mut before: Option<String> = None;
    while Instant::now() < until {
        let name = format!("passing-{made}");
        cluster.create_named(&passing, &name).await;
        made += 1;
        tokio::time::sleep(Duration::from_millis(250)).await;
        if let Some(before) = before.replace(name) {
            cluster.delete_pod(&before).await;
        }
    }
    made
}
