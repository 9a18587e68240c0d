//! The controller of Rightsizers: what each mode writes, who is not fought, and what a killed leader leaves behind.

use super::shipped::{established, within};
use crate::cluster::{Cluster, Images, Work, fleet};
use crate::controlplane::ControlPlane;
use crate::extender::{Heliotrope, HeliotropeSettings};
use crate::figures::Figures;
use crate::guest;
use crate::world::FakeGrid;
use heliotrope::crds::{Rightsizer, definitions};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

struct Site {
    plane: ControlPlane,
    cluster: Cluster,
}

impl Site {
    fn deployments(&self) -> Api<Deployment> {
        self.cluster.api()
    }

    fn rightsizers(&self) -> Api<Rightsizer> {
        self.cluster.api()
    }

    fn autoscalers(&self) -> Api<HorizontalPodAutoscaler> {
        self.cluster.api()
    }

    async fn replicas(&self) -> i32 {
        let found = self.deployments().get("llm").await.unwrap();
        found.spec.unwrap().replicas.unwrap()
    }

    async fn change(&self, spec: Value) {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.rightsizers()
            .patch("llm", &PatchParams::default(), &patch)
            .await
            .unwrap();
    }

    async fn status(&self) -> Value {
        let found = self.rightsizers().get("llm").await.unwrap();
        serde_json::to_value(found.status.unwrap_or_default()).unwrap()
    }

    /// Waits until something holds of the status and of the replicas.
    async fn until(&self, what: &str, holds: impl Fn(&Value, i32) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let (status, replicas) = (self.status().await, self.replicas().await);
            if holds(&status, replicas) {
                return;
            }
            assert!(Instant::now() < until, "not {what}: {replicas} replicas, {status:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn reason(status: &Value, kind: &str) -> String {
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == kind);
    found.map_or_else(String::new, |found| found["reason"].as_str().unwrap().to_owned())
}

async fn define(client: kube::Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in definitions().unwrap() {
        api.create(&PostParams::default(), &definition).await.unwrap();
    }
    established(&client).await;
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v_rightsizer_writes_what_its_mode_says_and_a_killed_leader_is_replaced() {
    if guest::leaves_out(
        "v_rightsizer",
        "it defines a kind, which there is for the whole cluster",
    ) {
        return;
    }
    let mut figures = Figures::of("v_rightsizer");
    let plane = ControlPlane::start().await;
    let client = plane.client().await;
    let site = Site {
        cluster: Cluster::new(client.clone()),
        plane,
    };
    define(client).await;
    site.cluster.create_nodes(&fleet(3, Images::Nowhere)).await;
    site.cluster.create_deployment(&Work::new("llm", 0), 1).await;
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "llm" });
    // A rate that looks back far, so that what was changed is remembered all the while.
    let policy = json!({ "policies": [{ "type": "Pods", "value": 99, "periodSeconds": 1800 }] });
    let made = json!({
        "apiVersion": "heliotrope.dev/v1alpha1", "kind": "Rightsizer", "metadata": { "name": "llm" },
        "spec": { "scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 9, "behavior": { "scaleUp": policy, "scaleDown": policy } },
    });
    site.rightsizers()
        .create(&PostParams::default(), &object(made))
        .await
        .unwrap();

    let lease = json!({ "namespace": guest::namespace(), "duration": "4s", "renewDeadline": "3s", "retry": "500ms" });
    let grid = FakeGrid::start(200.0).await;
    let settings = HeliotropeSettings::new()
        .grid("GB", &grid)
        .rightsizer("interval", "1s")
        .rightsizer("lease", lease);
    let mut first = Heliotrope::start_as(&site.plane, &settings, "controllers").await;
    let mut second = Heliotrope::start_as(&site.plane, &settings, "controllers").await;
    site.until("recommended", |status, _| status["desiredReplicas"] == 3)
        .await;
    assert_eq!(site.replicas().await, 1, "g6: recommend writes nothing but the status");

    site.change(json!({ "mode": "apply" })).await;
    site.until("scaled", |status, replicas| {
        replicas == 3 && status["currentReplicas"] == 3
    })
    .await;
    let status = site.status().await;
    assert_eq!(
        status["memory"]["events"].as_array().map(Vec::len),
        Some(1),
        "{status:#}"
    );
    let managers = site
        .deployments()
        .get("llm")
        .await
        .unwrap()
        .metadata
        .managed_fields
        .unwrap();
    let ours = managers
        .iter()
        .find(|entry| entry.manager.as_deref() == Some("heliotrope-rightsizer"));
    assert_eq!(ours.and_then(|entry| entry.operation.as_deref()), Some("Apply"));

    site.goes_on_without_its_leader((&mut first, &mut second), &mut figures)
        .await;
    site.bounds_an_autoscaler_and_lets_it_go(&target, &first).await;
}

impl Site {
    /// Whoever leads is killed; the other takes over and goes on from the status.
    async fn goes_on_without_its_leader(
        &self,
        (first, second): (&mut Heliotrope, &mut Heliotrope),
        figures: &mut Figures,
    ) {
        let leads = first.metrics().await.get("heliotrope_lease_leader", &[]) == Some(1.0);
        let (leader, waits) = if leads { (first, second) } else { (second, first) };
        let told = async |process: &Heliotrope| {
            let metrics = process.metrics().await;
            metrics.count("heliotrope_carbon_fetches_total", &[("outcome", "ok")])
        };
        assert!(told(leader).await > 0, "whoever leads knows the grid");
        assert_eq!(told(waits).await, 0, "whoever waits spends no calls");
        self.change(json!({ "minReplicas": 4 })).await;
        leader.kill();
        let killed = Instant::now();
        self.until("scaled by the other", |status, replicas| {
            replicas == 4 && status["currentReplicas"] == 4
        })
        .await;
        figures.note(
            "s from the kill of the leader to the next change",
            killed.elapsed().as_secs_f64(),
        );
        within(PATIENCE, "whoever took over knows the grid", async || {
            (told(waits).await > 0).then_some(())
        })
        .await;
        let status = self.status().await;
        assert_eq!(
            status["memory"]["events"].as_array().map(Vec::len),
            Some(2),
            "{status:#}"
        );
        assert!(status.get("scaling").is_none(), "{status:#}");
    }

    /// What the commands make of the same objects.
    async fn tells_people(&self, heliotrope: &Heliotrope) {
        let config = self.plane.kubeconfig().to_str().unwrap();
        let place = format!("{}/llm", guest::namespace());
        let lease = format!("{}/heliotrope-controllers", guest::namespace());
        let run = |arguments: &[&str]| {
            let told =
                heliotrope.command(&[&["rightsize"], arguments, &["--kubeconfig", config, "-o", "json"]].concat());
            let said = String::from_utf8_lossy(&told.stderr).into_owned();
            let read = serde_json::from_slice::<Value>(&told.stdout);
            (
                told.status.code(),
                read.unwrap_or_else(|error| panic!("{error}: {said}")),
            )
        };
        let (code, shown) = run(&["explain", &place, "--lease", &lease]);
        assert_eq!(code, Some(4), "somebody else has the target: {shown:#}");
        let last = shown["steps"].as_array().and_then(|steps| steps.last()).cloned();
        assert_eq!(last.unwrap()["replicas"], 5, "{shown:#}");

        let (code, mut made) = run(&["from-hpa", &place]);
        assert_eq!(code, Some(0), "{made:#}");
        assert_eq!(made["spec"]["maxReplicas"], 20, "{made:#}");
        // The API server takes it; nothing is created.
        made["metadata"]["name"] = "from-hpa".into();
        let how = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let taken = self.rightsizers().create(&how, &object(made)).await.unwrap();
        assert_eq!(taken.spec.min_replicas, 2);
    }

    /// g7: an autoscaler of the same target is not fought, and in mode bound gets its bounds.
    async fn bounds_an_autoscaler_and_lets_it_go(&self, target: &Value, heliotrope: &Heliotrope) {
        let hpa = json!({
            "metadata": { "name": "llm" },
            "spec": { "scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 20 },
        });
        self.autoscalers()
            .create(&PostParams::default(), &object(hpa))
            .await
            .unwrap();
        self.until("told of the autoscaler", |status, _| {
            reason(status, "AbleToScale") == "ConflictingAutoscaler"
        })
        .await;
        self.change(json!({ "minReplicas": 5 })).await;
        self.until("planned", |status, _| status["desiredReplicas"] == 5).await;
        assert_eq!(self.replicas().await, 4, "nothing is written");
        self.tells_people(heliotrope).await;
        self.change(json!({ "mode": "bound" })).await;
        let bounds = async || {
            let spec = self.autoscalers().get("llm").await.unwrap().spec.unwrap();
            (spec.min_replicas, spec.max_replicas)
        };
        let until = Instant::now() + PATIENCE;
        while bounds().await != (Some(5), 9) {
            assert!(
                Instant::now() < until,
                "{:?}, {:#}",
                bounds().await,
                self.status().await
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.rightsizers()
            .delete("llm", &DeleteParams::default())
            .await
            .unwrap();
        let until = Instant::now() + PATIENCE;
        while bounds().await != (Some(2), 20) || self.rightsizers().get_opt("llm").await.unwrap().is_some() {
            assert!(Instant::now() < until, "not given back: {:?}", bounds().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
