use super::pod;
use crate::cluster::{Cluster, Images, fleet};
use crate::controlplane::ControlPlane;
use crate::extender::{Heliotrope, HeliotropeSettings};
use crate::guest;
use crate::loopback::now;
use crate::scenarios::shipped::{NAMESPACE, apply, apply_shipped, kubeconfig, requested_token, within};
use crate::world::FakeKubelet;
use futures::StreamExt;
use heliotrope::app::settings::parse;
use heliotrope::crds::{Rightsizer, RightsizerStatus};
use heliotrope::load::{Observed, Reader, Target, TargetPod};
use heliotrope::outbound::HttpClient;
use heliotrope::telemetry::Metrics;
use heliotrope_core::rightsizing::Source;
use heliotrope_core::rightsizing::hpa::ContainerRequests;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What is scaled, and who scales it.
pub(super) const NAME: &str = "llm";
pub(super) const SELECTOR: &str = "app=llm";
/// What the two containers of a replica request: name, cores in thousandths, and bytes.
pub(super) const REQUESTS: [(&str, i64, i64); 2] = [("main", 400, 1 << 30), ("proxy", 100, 1 << 28)];
/// Beyond it a sample is stale. metrics-server scrapes every ten seconds, and keeps what it has until the next.
pub(super) const FRESH_FOR: &str = "25s";
const PATIENCE: Duration = Duration::from_secs(90);

/// A Deployment that runs on one node, whose kubelet is a fake.
pub(super) struct Stage {
    // Fields drop in this order: who reads before what it reads from.
    pub(super) kubelet: FakeKubelet,
    pub(super) cluster: Cluster,
    settings: HeliotropeSettings,
    admin: kube::Client,
    pub(super) plane: ControlPlane,
}

impl Stage {
    pub(super) async fn start(replicas: usize) -> Self {
        let plane = ControlPlane::start().await;
        let admin = plane.client().await;
        let cluster = Cluster::new(admin.clone());
        let node = fleet(1, Images::Nowhere);
        cluster.create_nodes(&node).await;
        let kubelet = FakeKubelet::start(guest::namespace(), plane.server_certificate()).await;
        let status = json!({ "status": {
            "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": kubelet.port() } },
        } });
        let nodes: kube::Api<Node> = kube::Api::all(admin.clone());
        let patched = nodes
            .patch_status(&node[0].name, &PatchParams::default(), &Patch::Merge(status))
            .await;
        patched.unwrap();
        let deployment = serde_json::from_value(deployment(replicas, &node[0].name)).unwrap();
        cluster
            .api::<Deployment>()
            .create(&PostParams::default(), &deployment)
            .await
            .unwrap();
        apply_shipped(&admin, &["identity", "crds", "rightsizer"]).await;
        let token = requested_token(&admin, NAMESPACE, "heliotrope-controllers", &[]).await;
        let settings = HeliotropeSettings::new()
            .load_key("freshFor", FRESH_FOR)
            .rightsizer("interval", "1s")
            .rightsizer("lease", json!({ "namespace": NAMESPACE }))
            .kubeconfig(&kubeconfig(&plane, "controllers", &token));
        Self {
            kubelet,
            cluster,
            settings,
            admin,
            plane,
        }
    }

    /// Heliotrope's controllers, with the rights that are shipped.
    pub(super) async fn controllers(&self) -> Heliotrope {
        Heliotrope::start_as(&self.plane, &self.settings, "controllers").await
    }

    /// Names of so many replicas, in order, once all are ready; and since when the last of them is.
    pub(super) async fn ready(&self, replicas: usize) -> (Vec<String>, Timestamp) {
        within(PATIENCE, "replicas are ready", async || {
            let pods = self
                .cluster
                .api::<Pod>()
                .list(&ListParams::default().labels(SELECTOR))
                .await;
            let mut ready: Vec<_> = pods.unwrap().items.iter().filter_map(ready_since).collect();
            ready.sort();
            let since = ready.iter().map(|(_, since)| *since).max()?;
            (ready.len() == replicas).then(|| (ready.into_iter().map(|(name, _)| name).collect(), since))
        })
        .await
    }

    /// A reader of its own, as an administrator.
    pub(super) fn reader(&self) -> Reader {
        let text = format!(
            "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\noutbound: {{allowPlainHttp: ['127.0.0.1']}}\n\
             load: {{freshFor: {FRESH_FOR}}}\n"
        );
        let settings = parse(&text, Path::new("/")).unwrap().settings;
        let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
        Reader::new(&settings.load, &http, self.admin.clone(), Metrics::new())
    }

    /// Creates a Rightsizer that recommends, and one that plans by the same metrics: a HorizontalPodAutoscaler. The first status
    /// of the latter that has metrics, and what the former recommends at the same number of replicas.
    pub(super) async fn both(&self, name: &str, metrics: &Value) -> (Value, RightsizerStatus) {
        let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": NAME });
        let spec = json!({ "scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 40, "metrics": metrics });
        let mut rightsizer = json!({
            "apiVersion": "heliotrope.dev/v1alpha1", "kind": "Rightsizer",
            "metadata": { "name": name, "namespace": guest::namespace() }, "spec": spec,
        });
        rightsizer["spec"]["mode"] = json!("recommend");
        apply(&self.admin, rightsizer, "the scenario").await;
        let recommended = self
            .recommends(name, |status| condition(status, "ScalingActive") == "True")
            .await;

        let api = self.cluster.api::<HorizontalPodAutoscaler>();
        let written = watcher(api.clone(), watcher::Config::default()).applied_objects();
        let mut written = std::pin::pin!(written);
        let object = serde_json::from_value(json!({ "metadata": { "name": name }, "spec": spec })).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
        let first = async {
            loop {
                let seen = written.next().await.unwrap().unwrap();
                let status = serde_json::to_value(seen.status).unwrap();
                if seen.metadata.name.as_deref() == Some(name) && status["currentMetrics"][0]["type"].is_string() {
                    return status;
                }
            }
        };
        let first = tokio::time::timeout(PATIENCE, first).await;
        (first.expect("an autoscaler that sees metrics"), recommended)
    }

    /// The status of a Rightsizer once it is as wanted.
    pub(super) async fn recommends(
        &self,
        name: &str,
        wanted: impl Fn(&RightsizerStatus) -> bool,
    ) -> RightsizerStatus {
        let mut last = String::new();
        let reach = async {
            loop {
                let found = self.cluster.api::<Rightsizer>().get(name).await.unwrap();
                let status = found.status.unwrap_or_default();
                if status.desired_replicas.is_some() && wanted(&status) {
                    return status;
                }
                last = serde_json::to_string_pretty(&status).unwrap();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reach).await.ok();
        reached.unwrap_or_else(|| panic!("status: {last}"))
    }

    /// What the Deployment is told to have.
    pub(super) async fn replicas(&self) -> i32 {
        let found = self.cluster.api::<Deployment>().get(NAME).await.unwrap();
        found.spec.unwrap().replicas.unwrap()
    }

    /// The autoscaler's status now.
    pub(super) async fn autoscaler(&self, name: &str) -> Value {
        let found = self.cluster.api::<HorizontalPodAutoscaler>().get(name).await.unwrap();
        serde_json::to_value(found.status).unwrap()
    }

    /// Takes both away.
    pub(super) async fn forget(&self, name: &str) {
        let now = DeleteParams::default();
        let gone = self.cluster.api::<HorizontalPodAutoscaler>().delete(name, &now).await;
        gone.unwrap();
        self.cluster.api::<Rightsizer>().delete(name, &now).await.unwrap();
    }
}

/// The status of a condition.
pub(super) fn condition(status: &RightsizerStatus, kind: &str) -> String {
    let mut found = status.conditions.iter().filter(|one| one.type_ == kind);
    found.next().map_or_else(String::new, |one| one.status.clone())
}

/// Reads some sources of the pods of these names.
pub(super) async fn read(reader: &Reader, names: &[String], sources: &[Source]) -> Observed {
    let pods: Vec<TargetPod> = names.iter().map(|name| requesting(name)).collect();
    let target = Target {
        namespace: guest::namespace(),
        selector: SELECTOR,
        pods: &pods,
    };
    reader.read(&target, sources, None, None, now()).await
}

/// Reads until it is as wanted.
pub(super) async fn until(
    (reader, names, sources): (&Reader, &[String], &[Source]),
    what: &str,
    wanted: impl Fn(&Observed) -> bool,
) -> Observed {
    let mut last = None;
    let reach = async {
        loop {
            let observed = read(reader, names, sources).await;
            if wanted(&observed) {
                return observed;
            }
            last = Some(observed);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reach).await.ok();
    reached.unwrap_or_else(|| panic!("not {what}: {last:?}"))
}

fn requesting(name: &str) -> TargetPod {
    let requests = |(container, cpu, memory): &(&str, i64, i64)| ContainerRequests {
        container: (*container).to_owned(),
        requests: BTreeMap::from([("cpu".to_owned(), *cpu), ("memory".to_owned(), memory * 1000)]),
    };
    TargetPod {
        requests: REQUESTS.iter().map(requests).collect(),
        ..pod(name)
    }
}

fn ready_since(pod: &Pod) -> Option<(String, Timestamp)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions
        .iter()
        .find(|one| one.type_ == "Ready" && one.status == "True")?;
    Some((pod.metadata.name.clone()?, ready.last_transition_time.as_ref()?.0))
}

/// Bound to the node past any scheduler.
fn deployment(replicas: usize, node: &str) -> Value {
    let container = |(name, cpu, memory): &(&str, i64, i64)| {
        let requests = json!({ "cpu": format!("{cpu}m"), "memory": memory.to_string() });
        json!({ "name": name, "image": "serve:1", "resources": { "requests": requests } })
    };
    let containers: Vec<_> = REQUESTS.iter().map(container).collect();
    json!({
        "metadata": { "name": NAME },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": NAME } },
            "template": {
                "metadata": { "labels": { "app": NAME } },
                "spec": { "nodeName": node, "automountServiceAccountToken": false, "containers": containers },
            },
        },
    })
}
