use super::{ControlPlane, Process, flags, free_port, wait_for_port};
use crate::guest;
use k8s_openapi::api::core::v1::{Namespace, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Resource;
use kube::api::{Api, Patch, PatchParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Names the folder that `hack/keda/build.sh` prints.
const FOLDER: &str = "HELIOTROPE_KEDA";
/// Where KEDA expects itself.
const NAMESPACE: &str = "keda";
const SERVICE: &str = "keda-metrics-apiserver";
/// What the API server takes the adapter to be called.
pub(super) const SERVICE_NAME: &str = "keda-metrics-apiserver.keda.svc";
/// The group that the adapter answers for.
const EXTERNAL_METRICS: &str = "v1beta1.external.metrics.k8s.io";
const PATIENCE: Duration = Duration::from_secs(60);

/// A real KEDA: the operator, and the adapter that serves `external.metrics.k8s.io`.
pub(crate) struct Keda {
    // Fields drop in this order: who asks before who answers.
    adapter: Process,
    operator: Process,
}

impl Keda {
    /// Whether there is none to be had; says so.
    pub(crate) fn leaves_out(scenario: &str) -> bool {
        let missing = std::env::var_os(FOLDER).is_none();
        if missing {
            let why = format!("{FOLDER} is not set; it names the folder that hack/keda/build.sh prints");
            guest::say_left_out(scenario, &why);
        }
        missing
    }

    /// Defines its kinds, starts it, and returns once the API server passes requests for external metrics on to it.
    pub(crate) async fn start(plane: &ControlPlane) -> Self {
        let from = Instant::now();
        let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
        let client = plane.client().await;
        for file in std::fs::read_dir(folder.join("crds")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let definition: CustomResourceDefinition = serde_saphyr::from_str(&text).unwrap();
            apply(&Api::all(client.clone()), definition).await;
        }
        apply(
            &Api::all(client.clone()),
            object::<Namespace>(json!({ "metadata": { "name": NAMESPACE } })),
        )
        .await;

        let grpc = free_port();
        let operator = start_operator(plane, &folder, grpc);
        wait_for_port(grpc, PATIENCE).await;
        let port = free_port();
        let adapter = start_adapter(plane, &folder, grpc, port);
        wait_for_port(port, PATIENCE).await;
        register(&client, plane.behind().0, port).await;
        println!("KEDA up in {:.1} s", from.elapsed().as_secs_f64());
        Self { adapter, operator }
    }

    /// Ends the test if a part has left on its own.
    pub(crate) fn assert_running(&mut self) {
        self.operator.assert_running();
        self.adapter.assert_running();
    }
}

fn start_operator(plane: &ControlPlane, folder: &Path, grpc: u16) -> Process {
    let flags = flags([
        ("kubeconfig", &plane.kubeconfig()),
        ("enable-cert-rotation", &"false"),
        ("cert-dir", &plane.behind().1),
        ("metrics-bind-address", &format!("127.0.0.1:{}", free_port())),
        ("health-probe-bind-address", &format!("127.0.0.1:{}", free_port())),
        ("metrics-service-bind-address", &format!("127.0.0.1:{grpc}")),
    ]);
    // Without the first it looks for the file of a service account, and exits.
    let environment = [
        ("KEDA_CLUSTER_OBJECT_NAMESPACE", NAMESPACE),
        ("POD_NAMESPACE", NAMESPACE),
        ("WATCH_NAMESPACE", ""),
    ];
    let program = folder.join("keda-operator");
    Process::start_with("keda-operator", &program, flags, &environment, plane.folder())
}

fn start_adapter(plane: &ControlPlane, folder: &Path, grpc: u16, port: u16) -> Process {
    let (authority, certificates) = plane.behind();
    let config = plane.kubeconfig();
    let flags = flags([
        ("kubeconfig", &config),
        ("authentication-kubeconfig", &config),
        ("authorization-kubeconfig", &config),
        ("lister-kubeconfig", &config),
        ("bind-address", &"127.0.0.1"),
        ("secure-port", &port.to_string()),
        ("port", &free_port().to_string()),
        ("client-ca-file", &authority),
        ("tls-cert-file", &certificates.join("tls.crt")),
        ("tls-private-key-file", &certificates.join("tls.key")),
        ("cert-dir", &certificates),
        ("metrics-service-address", &format!("127.0.0.1:{grpc}")),
        ("metrics-service-grpc-authority", &"localhost"),
    ]);
    let environment = [("POD_NAMESPACE", NAMESPACE), ("WATCH_NAMESPACE", "")];
    let program = folder.join("keda-adapter");
    Process::start_with("keda-adapter", &program, flags, &environment, plane.folder())
}

/// Has the API server pass requests for external metrics on. It would not go to an endpoint on loopback, and does go to a name.
async fn register(client: &kube::Client, authority: &Path, port: u16) {
    let service = json!({
        "metadata": { "name": SERVICE, "namespace": NAMESPACE },
        "spec": { "type": "ExternalName", "externalName": "localhost", "ports": [{ "port": port }] },
    });
    apply(&Api::namespaced(client.clone(), NAMESPACE), object::<Service>(service)).await;
    let (group, version) = (EXTERNAL_METRICS.split_once('.').unwrap().1, "v1beta1");
    let mut registration = object::<APIService>(json!({
        "metadata": { "name": EXTERNAL_METRICS },
        "spec": {
            "group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100,
            "service": { "name": SERVICE, "namespace": NAMESPACE, "port": port },
        },
    }));
    let spec = registration.spec.as_mut().unwrap();
    spec.ca_bundle = Some(k8s_openapi::ByteString(std::fs::read(authority).unwrap()));
    let api: Api<APIService> = Api::all(client.clone());
    apply(&api, registration).await;
    let until = Instant::now() + PATIENCE;
    loop {
        let status = api.get(EXTERNAL_METRICS).await.unwrap().status.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let available = |status: &str| {
            conditions
                .iter()
                .any(|one| one.type_ == "Available" && one.status == status)
        };
        if available("True") {
            return;
        }
        assert!(Instant::now() < until, "KEDA's adapter is not reached: {conditions:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn apply<K>(api: &Api<K>, object: K)
where
    K: Resource + Clone + Serialize + DeserializeOwned + std::fmt::Debug,
{
    let how = PatchParams::apply("heliotrope-e2e").force();
    let name = object.meta().name.clone().unwrap();
    api.patch(&name, &how, &Patch::Apply(&object)).await.unwrap();
}

fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}
