use super::aggregation::Behind;
use super::{ControlPlane, Process, flags, free_port, wait_for_port};
use crate::guest;
use crate::loopback::http_client;
use std::path::PathBuf;
use std::time::Duration;

/// Names the folder that `hack/metrics/build.sh` prints.
const FOLDER: &str = "HELIOTROPE_METRICS";
const RESOURCE: (&str, &str) = ("metrics.k8s.io", "v1beta1");
const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: (&str, &str) = ("external.metrics.k8s.io", "v1beta1");
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether there are no servers of the metrics APIs to be had; says so.
pub(crate) fn without_metrics_servers(scenario: &str) -> bool {
    let missing = std::env::var_os(FOLDER).is_none();
    if missing {
        let why = format!("{FOLDER} is not set; it names the folder that hack/metrics/build.sh prints");
        guest::say_left_out(scenario, &why);
    }
    missing
}

fn program(name: &str) -> PathBuf {
    let path = PathBuf::from(std::env::var_os(FOLDER).unwrap()).join(name);
    assert!(path.is_file(), "{FOLDER} has no {name}: run hack/metrics/build.sh");
    path
}

/// The real metrics-server: it scrapes the kubelets of all nodes and answers for `metrics.k8s.io`.
pub(crate) struct MetricsServer(Process);

impl MetricsServer {
    /// How often it scrapes. It takes nothing shorter.
    pub(crate) const RESOLUTION: Duration = Duration::from_secs(10);

    /// Starts it and returns once the API server passes requests on to it.
    pub(crate) async fn start(plane: &ControlPlane) -> Self {
        let port = free_port();
        let mut flags = serving(plane, port);
        flags.extend(super::flags([
            ("kubeconfig", &plane.kubeconfig()),
            ("metric-resolution", &format!("{}s", Self::RESOLUTION.as_secs())),
            // Ten seconds by default, and less than the resolution is asked for.
            ("kubelet-request-timeout", &"5s"),
            ("kubelet-insecure-tls", &"true"),
            ("kubelet-preferred-address-types", &"InternalIP"),
            ("kubelet-use-node-status-port", &"true"),
        ]));
        let mut process = Process::start("metrics-server", &program("metrics-server"), flags, plane.folder());
        wait_for_port(port, PATIENCE).await;
        process.assert_running();
        let behind = Behind {
            client: plane.client().await,
            name: "metrics-server",
            port,
        };
        behind.answers_for(plane.behind().0, RESOURCE).await;
        Self(process)
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }
}

/// A real adapter for `custom.metrics.k8s.io` and `external.metrics.k8s.io`, made of the library that such adapters are made of.
/// Its values are written to it.
pub(crate) struct CustomMetricsAdapter {
    _process: Process,
    behind: Behind,
    authority: PathBuf,
    written_at: String,
}

impl CustomMetricsAdapter {
    /// Starts it, and has it answer for external metrics.
    pub(crate) async fn start(plane: &ControlPlane) -> Self {
        let (port, values) = (free_port(), free_port());
        let written_at = format!("127.0.0.1:{values}");
        let mut flags = serving(plane, port);
        flags.extend(super::flags([
            ("lister-kubeconfig", &plane.kubeconfig()),
            // Kinds that are defined while it runs are known within this time.
            ("discovery-interval", &"2s"),
            ("written-at", &written_at),
        ]));
        let name = "custom-metrics-adapter";
        let mut process = Process::start(name, &program(name), flags, plane.folder());
        wait_for_port(port, PATIENCE).await;
        wait_for_port(values, PATIENCE).await;
        process.assert_running();
        let client = plane.client().await;
        let behind = Behind { client, name, port };
        let authority = plane.behind().0.to_owned();
        behind.answers_for(&authority, EXTERNAL).await;
        Self {
            _process: process,
            behind,
            authority,
            written_at,
        }
    }

    /// Has it answer for a version of custom metrics.
    pub(crate) async fn serve(&self, version: &str) {
        self.behind.answers_for(&self.authority, (CUSTOM, version)).await;
    }

    /// Has it answer for a version no more.
    pub(crate) async fn withdraw(&self, version: &str) {
        self.behind.answers_no_more_for((CUSTOM, version)).await;
    }

    /// Writes a value: of `namespaces/NAMESPACE/RESOURCE/NAME/METRIC`, with labels `a=b` of the metric where there are any.
    pub(crate) async fn write(&self, path: &str, labels: &str, value: &str) {
        let url = format!("http://{}/write-metrics/{path}?labels={labels}", self.written_at);
        let request = http_client().post(url).header("Content-Type", "application/json");
        let answer = request.body(format!("\"{value}\"")).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
}

/// The flags that make it a server behind the API server.
fn serving(plane: &ControlPlane, port: u16) -> Vec<std::ffi::OsString> {
    let (authority, certificates) = plane.behind();
    flags([
        ("authentication-kubeconfig", &plane.kubeconfig()),
        ("authorization-kubeconfig", &plane.kubeconfig()),
        ("bind-address", &"127.0.0.1"),
        ("secure-port", &port.to_string()),
        ("client-ca-file", &authority),
        ("tls-cert-file", &certificates.join("tls.crt")),
        ("tls-private-key-file", &certificates.join("tls.key")),
        ("cert-dir", &certificates),
    ])
}
