//! Rightsizers on the real control plane: a Deployment of model servers, a real Prometheus that scrapes them, and the real
//! ReplicaSet controller. Heliotrope has the identity and the rights that `deploy/kustomize` ships.
//!
//! Owns the stage that the scenarios start from. The model servers are fakes at the wire: what clients ask of them is for a
//! scenario to say.

mod calendar;
mod continues;
mod grid;
mod scales;

use super::shipped::{NAMESPACE, apply, apply_shipped, kubeconfig, requested_token, within};
use super::site::{CENTRAL, NORTH, WEST};
use crate::cluster::{Cluster, Images, Work, fleet};
use crate::controlplane::{ControlPlane, Scheduler, SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings};
use crate::guest;
use crate::world::{CarbonFile, Demand, FakeModelFleet, Prometheus};
use heliotrope::crds::{Rightsizer, RightsizerStatus};
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};
use std::time::Duration;

/// Nothing here takes longer, a scrape, a look and a lease included.
const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const NAME: &str = "llm";

/// No requests at all.
const NOTHING: Demand = Demand {
    queue: 0.0,
    finished: 1.0,
    seconds: 0.4,
};

fn left_out() -> bool {
    let why = "it applies what deploy/kustomize ships under its shipped names";
    guest::leaves_out("y_rightsizing", why)
}

/// A P99 of two seconds at most.
pub(super) fn two_seconds() -> Value {
    json!({
        "limit": "2s", "calmPercent": 70,
        "preset": { "server": "vllm", "measure": "latency", "quantile": 0.99 },
    })
}

fn queue(waiting: f64) -> Demand {
    Demand {
        queue: waiting,
        ..NOTHING
    }
}

/// A Deployment of model servers that runs, on one node in each region.
pub(super) struct Stage {
    // Fields drop in this order: who reads before what it reads from.
    scheduler: Scheduler,
    pub(super) prometheus: Prometheus,
    servers: FakeModelFleet,
    files: [CarbonFile; 3],
    work: Work,
    pub(super) cluster: Cluster,
    pub(super) admin: kube::Client,
    pub(super) settings: HeliotropeSettings,
    pub(super) plane: ControlPlane,
}

impl Stage {
    pub(super) async fn start(replicas: usize, demand: Demand) -> Self {
        let plane = ControlPlane::start().await;
        let admin = plane.client().await;
        let cluster = Cluster::new(admin.clone());
        cluster.create_nodes(&fleet(3, Images::Nowhere)).await;
        apply_shipped(&admin, &["identity", "crds", "rightsizer"]).await;
        let work = Work::new(NAME, 1);
        cluster.create_deployment(&work, replicas).await;
        let scheduler = plane.scheduler(Which::Current, &SchedulerConfig::as_delivered());
        cluster.wait_placed(&work, replicas, PATIENCE).await;
        let servers = FakeModelFleet::start(&cluster, &work, demand).await;
        let prometheus = Prometheus::with_jobs(
            &plane,
            &servers.job(),
            Duration::from_secs(1),
            "vllm:num_requests_waiting",
        )
        .await;
        let token = requested_token(&admin, NAMESPACE, "heliotrope-controllers", &[]).await;
        let identity = kubeconfig(&plane, "controllers", &token);
        let files =
            [NORTH, WEST, CENTRAL].map(|(_, zone, grams)| (zone, CarbonFile::write(plane.folder(), zone, grams)));
        let settings = files
            .iter()
            .fold(HeliotropeSettings::new(), |settings, (zone, file)| {
                settings.file(zone, file)
            })
            .load(&prometheus)
            .load_key("freshFor", "10s")
            .load_key("window", "10s")
            .rightsizer("interval", "1s")
            .rightsizer("lease", json!({ "namespace": NAMESPACE }))
            .kubeconfig(&identity);
        Self {
            scheduler,
            prometheus,
            servers,
            files: files.map(|(_, file)| file),
            work,
            cluster,
            admin,
            settings,
            plane,
        }
    }

    pub(super) async fn controllers(&self) -> Heliotrope {
        Heliotrope::start_as(&self.plane, &self.settings, "controllers").await
    }

    /// Creates or changes the Rightsizer: these keys beside the target and the queue.
    pub(super) async fn rightsizer(&self, keys: Value) {
        let mut spec = json!({
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": NAME },
            "mode": "apply",
            "minReplicas": 2,
            "maxReplicas": 12,
            "metrics": [{ "type": "Pods", "pods": {
                "metric": { "name": "queue_depth" },
                "target": { "type": "AverageValue", "averageValue": "4" },
            } }],
            "sources": [{ "metric": "queue_depth", "preset": { "server": "vllm", "measure": "queueDepth" } }],
            "behavior": { "scaleDown": { "stabilizationWindowSeconds": 0 } },
        });
        for (key, value) in keys.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let object = json!({
            "apiVersion": "heliotrope.dev/v1alpha1", "kind": "Rightsizer",
            "metadata": { "name": NAME, "namespace": guest::namespace() }, "spec": spec,
        });
        apply(&self.admin, object, "the scenario").await;
    }

    pub(super) async fn status(&self) -> RightsizerStatus {
        let found = self.cluster.api::<Rightsizer>().get(NAME).await.unwrap();
        found.status.unwrap_or_default()
    }

    /// The status and the reason of a condition, once it has the wished one.
    pub(super) async fn wait_condition(&self, kind: &str, status: &str, reason: &str) {
        within(PATIENCE, &format!("{kind} {status} {reason}"), async || {
            let told = self.status().await.conditions;
            let found = told.into_iter().find(|condition| condition.type_ == kind)?;
            (found.status == status && found.reason == reason).then_some(())
        })
        .await;
    }

    /// What the Deployment is told to have.
    pub(super) async fn replicas(&self) -> i32 {
        let found = self.cluster.api::<Deployment>().get(NAME).await.unwrap();
        found.spec.unwrap().replicas.unwrap()
    }

    pub(super) async fn wait_replicas(&self, wanted: i32) {
        let mut last = 0;
        let reach = async {
            loop {
                last = self.replicas().await;
                if last == wanted {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reach).await.is_ok();
        if !reached {
            let told = serde_json::to_string_pretty(&self.status().await).unwrap();
            panic!("{last} replicas and not {wanted}; status: {told}");
        }
    }

    /// Waits until each of so many replicas has been scraped twice: before, nobody knows how the service does, and what yields to
    /// the service yields.
    async fn rates_are_known(&mut self, replicas: usize) {
        let rates = format!("count(rate(vllm:e2e_request_latency_seconds_count[10s]))=={replicas}");
        self.prometheus.wait_for(&rates).await;
    }

    /// Looks for a while that the Deployment is left alone.
    pub(super) async fn stays(&self, replicas: i32, seconds: u64) {
        for _ in 0..seconds * 2 {
            assert_eq!(self.replicas().await, replicas);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    pub(super) fn assert_running(&mut self, controllers: &mut [&mut Heliotrope]) {
        for one in controllers {
            one.assert_running();
        }
        self.scheduler.assert_running();
        self.plane.assert_running();
    }
}
