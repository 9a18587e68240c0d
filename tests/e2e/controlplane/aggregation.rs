use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the names of servers stand.
const NAMESPACE: &str = "kube-system";
const PATIENCE: Duration = Duration::from_secs(60);

/// A server behind the API server, which answers for some groups.
pub(super) struct Behind {
    pub(super) client: kube::Client,
    pub(super) name: &'static str,
    pub(super) port: u16,
}

impl Behind {
    /// Has the API server pass requests for a group and version on to it, and waits until it does. The API server would not go to
    /// an address on loopback, and does go to a name.
    pub(super) async fn answers_for(&self, authority: &Path, (group, version): (&str, &str)) {
        let service = json!({
            "metadata": { "name": self.name },
            "spec": { "type": "ExternalName", "externalName": "localhost", "ports": [{ "port": self.port }] },
        });
        let how = PatchParams::apply("heliotrope-e2e").force();
        let services: Api<Service> = Api::namespaced(self.client.clone(), NAMESPACE);
        let service: Service = object(service);
        services.patch(self.name, &how, &Patch::Apply(&service)).await.unwrap();
        let name = format!("{version}.{group}");
        let mut registration: APIService = object(json!({
            "metadata": { "name": name },
            "spec": {
                "group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100,
                "service": { "name": self.name, "namespace": NAMESPACE, "port": self.port },
            },
        }));
        registration.spec.as_mut().unwrap().ca_bundle = Some(ByteString(std::fs::read(authority).unwrap()));
        let api: Api<APIService> = Api::all(self.client.clone());
        api.patch(&name, &how, &Patch::Apply(&registration)).await.unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            let status = api.get(&name).await.unwrap().status.unwrap_or_default();
            let conditions = status.conditions.unwrap_or_default();
            let mut available = conditions.iter().filter(|one| one.type_ == "Available");
            if available.any(|one| one.status == "True") {
                return;
            }
            assert!(Instant::now() < until, "{name} is not reached: {conditions:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Takes that back, and waits until the API server knows the version no more.
    pub(super) async fn answers_no_more_for(&self, (group, version): (&str, &str)) {
        let api: Api<APIService> = Api::all(self.client.clone());
        let gone = api
            .delete(&format!("{version}.{group}"), &DeleteParams::default())
            .await;
        gone.unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            let groups = self.client.list_api_groups().await.unwrap().groups;
            let mut versions = groups.iter().filter(|of| of.name == group).flat_map(|of| &of.versions);
            if !versions.any(|of| of.version == version) {
                return;
            }
            assert!(Instant::now() < until, "{group}/{version} does not go");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}
