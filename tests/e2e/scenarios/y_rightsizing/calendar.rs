//! A schedule over the days on which clocks change. The controller runs in this process, with a clock that the scenario puts
//! forward; the API server and what it scales are real.

use super::super::shipped::{apply, apply_shipped, within};
use super::{NAME, left_out};
use crate::cluster::{Cluster, Images, Work, fleet};
use crate::controlplane::ControlPlane;
use crate::figures::Figures;
use crate::guest;
use crate::loopback::now;
use heliotrope::app::settings::parse;
use heliotrope::controllers::lease::Term;
use heliotrope::controllers::rightsizer::Rightsizers;
use heliotrope::load::Reader;
use heliotrope::outbound::HttpClient;
use heliotrope::telemetry::{Clock, Metrics};
use heliotrope::world::Writer;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const SETTINGS: &str = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nrightsizer: {interval: 1s}\n";
const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that goes as the system's does, some time ahead of it.
#[derive(Clone, Default)]
struct PutForward(Arc<AtomicI64>);

impl PutForward {
    fn to(&self, when: &str) {
        let when: Timestamp = when.parse().unwrap();
        self.0.store(when.as_second() - now().as_second(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let ahead = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_second(now().as_second() + ahead.load(Ordering::SeqCst)).unwrap())
    }
}

/// Starts the controller as a process that has the lease.
fn controller(client: kube::Client, clock: &PutForward, tasks: &mut JoinSet<()>) {
    let loaded = parse(SETTINGS, Path::new(".")).unwrap();
    let (settings, metrics) = (loaded.settings, Metrics::new());
    let around = settings.surroundings(&loaded.tables);
    let (_, around) = watch::channel((around, 0.05));
    let (_, world) = Writer::new(around, clock.clock(), metrics.clone());
    let http = HttpClient::new(&settings.outbound, Vec::new()).unwrap();
    let reader = Reader::new(&settings.load, &http, client.clone(), metrics.clone());
    let (away, _) = watch::channel(None);
    let clocked = (clock.clock(), metrics);
    let rightsizers = Rightsizers::new(client, settings.rightsizer, (reader, world), clocked, "e2e", away);
    tasks.spawn(async move {
        if rightsizers.ready(&CancellationToken::new()).await {
            rightsizers
                .run(Term::new(tokio::time::Instant::now() + Duration::from_secs(600)))
                .await;
        }
    });
}

async fn wait_replicas(cluster: &Cluster, wanted: i32, what: &str) {
    within(PATIENCE, what, async || {
        let found = cluster.api::<Deployment>().get(NAME).await.unwrap();
        (found.spec.unwrap().replicas == Some(wanted)).then_some(())
    })
    .await;
}

async fn stays(cluster: &Cluster, replicas: i32, what: &str) {
    for _ in 0..8 {
        let found = cluster.api::<Deployment>().get(NAME).await.unwrap();
        assert_eq!(found.spec.unwrap().replicas, Some(replicas), "{what}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_a_schedule_follows_the_clock_on_the_wall_when_it_changes() {
    if left_out() {
        return;
    }
    let mut figures = Figures::of("y_calendar");
    let mut plane = ControlPlane::start().await;
    let client = plane.client().await;
    let cluster = Cluster::new(client.clone());
    cluster.create_nodes(&fleet(3, Images::Nowhere)).await;
    apply_shipped(&client, &["identity", "crds"]).await;
    cluster.create_deployment(&Work::new(NAME, 1), 1).await;
    let level = |from: &str, until: &str, replicas: i32| json!({ "days": ["sun"], "from": from, "until": until, "timeZone": "Europe/Berlin", "minReplicas": replicas });
    let rightsizer = json!({
        "apiVersion": "heliotrope.dev/v1alpha1", "kind": "Rightsizer",
        "metadata": { "name": NAME, "namespace": guest::namespace() },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": NAME },
            "mode": "apply", "minReplicas": 1, "maxReplicas": 9,
            "behavior": { "scaleDown": { "stabilizationWindowSeconds": 0 } },
            "schedule": { "levels": [level("03:00", "04:00", 4)] },
        },
    });
    let clock = PutForward::default();
    let mut tasks = JoinSet::new();

    // 28 March 2027: at 01:00 UTC clocks go from 02:00 to 03:00. By winter time the level would begin an hour later.
    clock.to("2027-03-28T00:59:52Z");
    apply(&client, rightsizer, "the scenario").await;
    controller(client, &clock, &mut tasks);
    stays(&cluster, 1, "it is 01:59 in Berlin").await;
    wait_replicas(&cluster, 4, "03:00 in Berlin is at 01:00 UTC").await;
    let seen = (clock.clock())();
    let began: Timestamp = "2027-03-28T01:00:00Z".parse().unwrap();
    assert!(seen >= began, "{seen}");
    figures.note("s from 03:00 to the change", seen.duration_since(began).as_secs_f64());
    clock.to("2027-03-28T01:59:52Z");
    stays(&cluster, 4, "it is 03:59 in Berlin").await;
    wait_replicas(&cluster, 1, "04:00 in Berlin is at 02:00 UTC").await;

    // 31 October 2027: at 01:00 UTC clocks go from 03:00 back to 02:00, so that 03:00 is at 02:00 UTC.
    clock.to("2027-10-31T01:59:52Z");
    stays(&cluster, 1, "it is 02:59 in Berlin for the second time").await;
    wait_replicas(&cluster, 4, "03:00 in Berlin is at 02:00 UTC").await;
    clock.to("2027-10-31T02:59:52Z");
    stays(&cluster, 4, "it is 03:59 in Berlin").await;
    wait_replicas(&cluster, 1, "04:00 in Berlin is at 03:00 UTC").await;
    tasks.shutdown().await;
    plane.assert_running();
}
