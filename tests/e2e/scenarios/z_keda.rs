//! A real KEDA beside Rightsizers: what it has is not fought, its bounds are followed, and its ScaledObject has its own spec back.

use super::shipped::{NAMESPACE, within};
use super::site::CENTRAL;
use super::y_rightsizing::{NAME, Stage, two_seconds};
use crate::controlplane::Keda;
use crate::extender::Heliotrope;
use crate::figures::Figures;
use crate::guest;
use crate::loopback::now;
use crate::world::Demand;
use heliotrope::crds::Rightsizer;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A look, a lease, and KEDA's own turn.
const PATIENCE: Duration = Duration::from_secs(90);
const OBJECT: &str = "serving";
/// What KEDA makes of it; that the name says so is the object's choice.
const MADE: &str = "made-by-keda";
/// Six replicas' work at four requests each, and done well.
const SIX: Demand = Demand {
    queue: 24.0,
    finished: 20.0,
    seconds: 0.4,
};

struct Site {
    stage: Stage,
    keda: Keda,
}

/// Least and most.
type Bounds = (Option<i64>, Option<i64>);

impl Site {
    async fn start() -> Self {
        let mut stage = Stage::start(2, SIX).await;
        let lease = json!({ "namespace": NAMESPACE, "duration": "4s", "renewDeadline": "3s", "retry": "500ms" });
        stage.settings = stage.settings.clone().rightsizer("lease", lease);
        let keda = Keda::start(&stage.plane).await;
        Self { stage, keda }
    }

    fn objects(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject");
        let resource = ApiResource::from_gvk(&kind);
        Api::namespaced_with(self.stage.admin.clone(), guest::namespace(), &resource)
    }

    /// Creates the ScaledObject, as a person does: without a minimum, on the queue that Prometheus knows.
    async fn create_object(&self) {
        // While replicas come and go, some of them have not been scraped for a moment: the sum is off, up and down.
        let windows = json!({
            "scaleUp": { "stabilizationWindowSeconds": 4 }, "scaleDown": { "stabilizationWindowSeconds": 8 },
        });
        let object = json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": { "name": OBJECT },
            "spec": {
                "scaleTargetRef": { "name": NAME },
                "pollingInterval": 2, "cooldownPeriod": 300, "maxReplicaCount": 20,
                "advanced": { "horizontalPodAutoscalerConfig": {
                    "name": MADE, "behavior": windows,
                } },
                "triggers": [{ "type": "prometheus", "metadata": {
                    "serverAddress": self.stage.prometheus.url(), "query": "sum(vllm:num_requests_waiting)", "threshold": "4",
                } }],
            },
        });
        let object = serde_json::from_value(object).unwrap();
        self.objects().create(&PostParams::default(), &object).await.unwrap();
    }

    async fn object(&self) -> Value {
        self.objects().get(OBJECT).await.unwrap().data
    }

    async fn annotate_object(&self, annotations: Value) {
        let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
        self.objects()
            .patch(OBJECT, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }

    /// What KEDA made of it, if anything.
    async fn made(&self) -> Option<HorizontalPodAutoscaler> {
        self.stage.cluster.api().get_opt(MADE).await.unwrap()
    }

    /// The bounds of the ScaledObject, those of what KEDA made of it, and the replicas.
    async fn all(&self) -> (Bounds, Option<Bounds>, i32) {
        let spec = &self.object().await["spec"];
        let object = (spec["minReplicaCount"].as_i64(), spec["maxReplicaCount"].as_i64());
        let made = self.made().await.and_then(|made| made.spec);
        let made = made.map(|spec| (spec.min_replicas.map(i64::from), Some(i64::from(spec.max_replicas))));
        (object, made, self.stage.replicas().await)
    }

    /// Waits until bounds are the object's and its autoscaler's, and replicas are as many; how long that took.
    async fn follows(&self, what: &str, (least, most): (i64, i64), replicas: i32) -> f64 {
        let (from, until) = (Instant::now(), Instant::now() + PATIENCE);
        let bounds = (Some(least), Some(most));
        loop {
            let all = self.all().await;
            if all == (bounds, Some(bounds), replicas) {
                return from.elapsed().as_secs_f64();
            }
            assert!(Instant::now() < until, "not {what}: {all:?}, {}", self.told().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until the Deployment has had so many for a while.
    async fn settles(&self, replicas: i32, seconds: u64) {
        let (mut since, until) = (Instant::now(), Instant::now() + PATIENCE);
        while since.elapsed() < Duration::from_secs(seconds) {
            assert!(Instant::now() < until, "no {replicas} replicas for {seconds} s");
            tokio::time::sleep(Duration::from_millis(500)).await;
            if self.stage.replicas().await != replicas {
                since = Instant::now();
            }
        }
    }

    async fn told(&self) -> String {
        serde_json::to_string_pretty(&self.stage.status().await).unwrap()
    }

    /// The message of a condition, once it has the wished reason and the plan as many replicas.
    async fn condition(&self, kind: &str, reason: &str, desired: i32) -> String {
        within(PATIENCE, &format!("{kind}: {reason}, {desired} replicas"), async || {
            let status = self.stage.status().await;
            let found = status.conditions.into_iter().find(|one| one.type_ == kind)?;
            (found.reason == reason && status.desired_replicas == Some(desired)).then_some(found.message)
        })
        .await
    }

    /// What may be done to ScaledObjects from now on.
    async fn allow(&self, verbs: &[&str]) {
        let roles: Api<ClusterRole> = Api::all(self.stage.admin.clone());
        let mut role = roles.get("heliotrope-rightsizer").await.unwrap();
        for rule in role.rules.iter_mut().flatten() {
            if !rule.resources.iter().flatten().any(|name| name == "scaledobjects") {
                continue;
            }
            rule.verbs = verbs.iter().map(ToString::to_string).collect();
        }
        roles
            .replace("heliotrope-rightsizer", &PostParams::default(), &role)
            .await
            .unwrap();
    }
}

/// A floor for today.
fn at_least(replicas: i32) -> Value {
    let day = |days: i64| {
        let moment = now() + jiff::SignedDuration::from_hours(24 * days);
        moment
            .to_zoned(jiff::tz::TimeZone::UTC)
            .strftime("%Y-%m-%dT%H:%M")
            .to_string()
    };
    json!({ "events": [{ "from": day(-1), "until": day(1), "timeZone": "UTC", "replicas": replicas }] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn z_keda_follows_its_bounds_and_has_its_own_back() {
    let why = "it applies what deploy/kustomize ships under its shipped names, and defines KEDA's kinds";
    if guest::leaves_out("z_keda", why) || Keda::leaves_out("z_keda") {
        return;
    }
    let mut figures = Figures::of("z_keda");
    let mut site = Site::start().await;
    let from = Instant::now();
    site.create_object().await;
    site.stage.wait_replicas(6).await;
    let took = from.elapsed().as_secs_f64();
    site.settles(6, 8).await;
    figures.note("s from a ScaledObject to its replicas", took);
    // What KEDA itself adds is there by now.
    let own = site.object().await["spec"].clone();
    assert!(own.get("minReplicaCount").is_none(), "{own:#}");
    let mut first = site.stage.controllers().await;
    let mut second = site.stage.controllers().await;

    site.its_metric_is_read_and_its_target_not_fought(&first).await;
    site.a_floor_is_followed(&mut first, &mut second, &mut figures).await;
    site.a_dirty_grid_is_followed_unless_paused(&mut figures).await;

    let rightsizers = site.stage.cluster.api::<Rightsizer>();
    let from = Instant::now();
    rightsizers.delete(NAME, &DeleteParams::default()).await.unwrap();
    within(PATIENCE, "the Rightsizer goes", async || {
        rightsizers.get_opt(NAME).await.unwrap().is_none().then_some(())
    })
    .await;
    assert_eq!(site.object().await["spec"], own, "field by field");
    within(PATIENCE, "KEDA follows its own bounds again", async || {
        let (_, made, replicas) = site.all().await;
        (made == Some((Some(1), Some(20))) && replicas == 6).then_some(())
    })
    .await;
    figures.note(
        "s from deletion to the replicas of before",
        from.elapsed().as_secs_f64(),
    );
    site.keda.assert_running();
    let left = if first.is_ready().await {
        &mut first
    } else {
        &mut second
    };
    site.stage.assert_running(&mut [left]);
}

impl Site {
    /// The metric as KEDA's adapter serves it plans what KEDA's own autoscaler concludes; with another target it would plan
    /// otherwise, and mode apply does not.
    async fn its_metric_is_read_and_its_target_not_fought(&self, heliotrope: &Heliotrope) {
        let config = self.stage.plane.kubeconfig().to_str().unwrap();
        let place = format!("{}/{MADE}", guest::namespace());
        let told = heliotrope.command(&["rightsize", "from-hpa", &place, "--kubeconfig", config, "-o", "json"]);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let made: Value = serde_json::from_slice(&told.stdout).unwrap();
        let mut metrics = made["spec"]["metrics"].clone();
        let external = &metrics[0]["external"];
        assert_eq!(external["metric"]["name"], "s0-prometheus", "{metrics:#}");
        assert_eq!(
            external["metric"]["selector"]["matchLabels"]["scaledobject.keda.sh/name"],
            OBJECT
        );
        let apply = |metrics: &Value| json!({ "mode": "apply", "metrics": metrics, "sources": [] });
        self.stage.rightsizer(apply(&metrics)).await;
        self.condition("ScalingActive", "ValidMetricFound", 6).await;
        metrics[0]["external"]["target"]["averageValue"] = "3".into();
        self.stage.rightsizer(apply(&metrics)).await;
        self.condition("ScalingActive", "ValidMetricFound", 8).await;
        let told = self.condition("AbleToScale", "ConflictingAutoscaler", 8).await;
        assert!(told.contains(&format!("ScaledObject {OBJECT} ")), "{told}");
        self.stage.stays(6, 3).await;
    }

    /// A process that dies between what it wrote down and what it wrote is stopped there by a right that it lacks.
    async fn a_floor_is_followed(&self, first: &mut Heliotrope, second: &mut Heliotrope, figures: &mut Figures) {
        self.stage
            .rightsizer(json!({ "mode": "bound", "schedule": at_least(9) }))
            .await;
        let took = self.follows("followed", (9, 12), 9).await;
        figures.note("s from a floor in mode bound to its replicas", took);

        self.allow(&["list"]).await;
        self.stage
            .rightsizer(json!({ "mode": "bound", "schedule": at_least(10) }))
            .await;
        self.condition("AbleToScale", "FailedUpdateBounds", 10).await;
        let bounded = self.stage.status().await.bounded.unwrap();
        assert_eq!(
            (bounded.set.min, bounded.min_replicas, bounded.max_replicas),
            (Some(10), None, Some(20))
        );
        assert_eq!(self.object().await["spec"]["minReplicaCount"], 9);
        let leads = first.metrics().await.get("heliotrope_lease_leader", &[]) == Some(1.0);
        let (leader, other) = if leads { (first, second) } else { (second, first) };
        leader.kill();
        let killed = Instant::now();
        within(PATIENCE, "the other leads", async || {
            let leads = other.metrics().await.get("heliotrope_lease_leader", &[]);
            (leads == Some(1.0)).then_some(())
        })
        .await;
        self.allow(&["list", "patch"]).await;
        self.follows("followed under the other", (10, 12), 10).await;
        figures.note(
            "s from the kill of the leader to its replicas",
            killed.elapsed().as_secs_f64(),
        );
    }

    async fn a_dirty_grid_is_followed_unless_paused(&self, figures: &mut Figures) {
        let carbon = json!({
            "above": { "enter": "300 g/kWh", "leave": "250 g/kWh" }, "maxReplicas": 3, "rest": "5s", "zone": CENTRAL.1,
        });
        let latency = json!({ "response": two_seconds(), "stepPods": 2, "every": "10s" });
        self.stage
            .rightsizer(json!({ "mode": "bound", "carbon": carbon, "latency": latency }))
            .await;
        let took = self.follows("held back", (2, 3), 3).await;
        figures.note("s from a dirty grid in mode bound to its replicas", took);

        self.annotate_object(json!({ "autoscaling.keda.sh/paused": "true" }))
            .await;
        within(PATIENCE, "KEDA scales nothing", async || {
            self.made().await.is_none().then_some(())
        })
        .await;
        self.stage.wait_condition("Bounded", "True", "AutoscalerPaused").await;
        self.annotate_object(json!({ "autoscaling.keda.sh/paused": null }))
            .await;
        self.follows("held back again", (2, 3), 3).await;
        self.stage.wait_condition("Bounded", "True", "BoundsSet").await;
    }
}
