//! `deploy/examples/serving` on the real control plane, step by step as its README goes. Its server and its load are the shipped
//! programs, its metrics are read by a real Prometheus; the kubelets and the Service are stood in for.

use super::shipped::{NAMESPACE, apply, apply_shipped, kubeconfig, requested_token, within};
use crate::cluster::{Cluster, Images, fleet};
use crate::controlplane::{ControlPlane, Process, SchedulerConfig, Which};
use crate::extender::{Heliotrope, HeliotropeSettings};
use crate::figures::Figures;
use crate::guest;
use crate::world::{Prometheus, ServingPods};
use heliotrope::crds::Rightsizer;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PLACE: &str = "serving-example";
const NAME: &str = "llm";
/// Calm, then three times what a replica can answer: four workers that need a second each.
const PHASES: &str = "2:10,12:60";
const PATIENCE: Duration = Duration::from_secs(90);

fn shipped(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/examples/serving")
        .join(file)
}

fn left_out() -> bool {
    if guest::leaves_out("x_serving", "it applies the example under its shipped names") {
        return true;
    }
    let python = std::process::Command::new("python3").arg("--version").output();
    let there = python.is_ok_and(|told| told.status.success());
    if !there {
        guest::say_left_out("x_serving", "python3 is not installed");
    }
    !there
}

/// What `kubectl apply -k` does, but for the hash in the name of the ConfigMap.
async fn apply_example(admin: &kube::Client) {
    for file in ["namespace.yaml", "deployment.yaml", "service.yaml"] {
        apply_file(admin, file).await;
    }
    let text = |file: &str| std::fs::read_to_string(shipped(file)).unwrap();
    let programs = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "llm-programs", "namespace": PLACE },
        "data": { "server.py": text("server.py"), "load.py": text("load.py") },
    });
    apply(admin, programs, "kustomization.yaml").await;
}

async fn apply_file(admin: &kube::Client, file: &str) {
    let text = std::fs::read_to_string(shipped(file)).unwrap();
    apply(admin, serde_saphyr::from_str(&text).unwrap(), file).await;
}

struct Site {
    // Fields drop in this order: who reads before what it reads from.
    controllers: Heliotrope,
    _prometheus: Prometheus,
    pods: ServingPods,
    deployments: Api<Deployment>,
    rightsizers: Api<Rightsizer>,
    admin: kube::Client,
}

impl Site {
    async fn start(plane: &ControlPlane, admin: kube::Client) -> Self {
        apply_example(&admin).await;
        let pods = Api::<Pod>::namespaced(admin.clone(), PLACE);
        let programs = shipped("");
        let selector = "app.kubernetes.io/name=llm";
        let pods = ServingPods::start(pods, PLACE, selector, &programs, plane.folder()).await;
        // The README's own question: a line for each pod.
        let scraped = format!("sum by (pod) (serving_queue_depth{{namespace=\"{PLACE}\"}})");
        let prometheus = Prometheus::with_jobs(plane, &pods.job(), Duration::from_secs(1), &scraped).await;
        let token = requested_token(&admin, NAMESPACE, "heliotrope-controllers", &[]).await;
        let settings = HeliotropeSettings::new()
            .load(&prometheus)
            .load_key("freshFor", "10s")
            .rightsizer("interval", "1s")
            .rightsizer("lease", json!({ "namespace": NAMESPACE }))
            .kubeconfig(&kubeconfig(plane, "controllers", &token));
        let controllers = Heliotrope::start_as(plane, &settings, "controllers").await;
        Self {
            controllers,
            _prometheus: prometheus,
            pods,
            deployments: Api::namespaced(admin.clone(), PLACE),
            rightsizers: Api::namespaced(admin.clone(), PLACE),
            admin,
        }
    }

    async fn replicas(&self) -> i32 {
        let found = self.deployments.get(NAME).await.unwrap();
        found.spec.unwrap().replicas.unwrap()
    }

    async fn desired(&self) -> Option<i32> {
        self.rightsizers.get(NAME).await.unwrap().status?.desired_replicas
    }

    fn explain(&self, plane: &ControlPlane) -> (Option<i32>, String) {
        let (object, lease) = (format!("{PLACE}/{NAME}"), format!("{NAMESPACE}/heliotrope-controllers"));
        let config = plane.kubeconfig().to_str().unwrap();
        let told = self.controllers.command(&[
            "rightsize",
            "explain",
            &object,
            "--lease",
            &lease,
            "--kubeconfig",
            config,
        ]);
        let said = [told.stdout, told.stderr].concat();
        (told.status.code(), String::from_utf8(said).unwrap())
    }

    /// The last step of the README; the seconds that it took.
    async fn delete_namespace(&self) -> f64 {
        let namespaces = Api::<Namespace>::all(self.admin.clone());
        namespaces.delete(PLACE, &DeleteParams::default()).await.unwrap();
        let from = Instant::now();
        let until = from + PATIENCE;
        while let Some(left) = namespaces.get_opt(PLACE).await.unwrap() {
            assert!(Instant::now() < until, "the namespace does not go: {:#?}", left.status);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        from.elapsed().as_secs_f64()
    }
}

fn start_load(plane: &ControlPlane, url: &str) -> Process {
    let program = shipped("load.py");
    let arguments = [
        program.to_str().unwrap(),
        "--json",
        "--url",
        url,
        "--phases",
        PHASES,
        "--seed",
        "7",
    ];
    Process::start("load", Path::new("python3"), arguments, plane.folder())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x_the_serving_example_scales_as_its_readme_says() {
    if left_out() {
        return;
    }
    let mut figures = Figures::of("x_serving");
    let mut plane = ControlPlane::start().await;
    let admin = plane.client().await;
    Cluster::new(admin.clone())
        .create_nodes(&fleet(3, Images::Nowhere))
        .await;
    apply_shipped(&admin, &["identity", "crds", "rightsizer"]).await;
    let mut scheduler = plane.scheduler(Which::Current, &SchedulerConfig::as_delivered());
    let mut site = Site::start(&plane, admin.clone()).await;

    // It only recommends.
    apply_file(&admin, "rightsizer.yaml").await;
    let mut load = start_load(&plane, &site.pods.url());
    within(PATIENCE, "more replicas are recommended", async || {
        site.desired().await.filter(|desired| *desired > 1)
    })
    .await;
    assert_eq!(site.replicas().await, 1, "a recommendation");

    let applied = Patch::Merge(json!({ "spec": { "mode": "apply" } }));
    let patched = site.rightsizers.patch(NAME, &PatchParams::default(), &applied).await;
    patched.unwrap();
    within(PATIENCE, "replicas that keep up", async || {
        (site.replicas().await >= 3 && site.pods.ready() >= 3).then_some(())
    })
    .await;

    assert!(load.ends_well(Duration::from_secs(300)).await, "{}", load.log_tail());
    let phases: Vec<Value> = load
        .log()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sent = phases[1]["sent"].as_u64().unwrap();
    assert_eq!(phases[1]["codes"], json!({ "200": sent }), "all are answered");
    figures.note("requests beyond what one replica can answer", sent);
    figures.note("their P99, s", phases[1]["p99"].clone());
    figures.note("replicas at their end", site.replicas().await);

    let (code, told) = site.explain(&plane);
    assert_eq!(code, Some(0), "{told}");
    println!("{told}");
    figures.note("s until the namespace is gone", site.delete_namespace().await);
    site.controllers.assert_running();
    scheduler.assert_running();
    plane.assert_running();
}
