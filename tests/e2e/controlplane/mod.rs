//! A real control plane, on loopback or given.
//!
//! Owns the processes: their certificates, ports, flags and logs. [`ControlPlane::start`] brings up etcd, kube-apiserver,
//! kube-controller-manager and KWOK, or KWOK alone where the suite is a guest on a cluster; a [`Scheduler`] is started apart, so
//! that a scenario can queue pods first. What leaves is a kubeconfig, its own or that of a proxy in front of the API server, which can
//! hold a write. Everything lives in one temporary folder and dies with the
//! value; a guest also removes what it made. Must never know what a scenario tests.

mod aggregation;
mod api_proxy;
mod autoscaler;
mod binaries;
mod certificates;
mod config;
mod keda;
mod metrics;
mod ports;
mod process;
mod scheduler;
mod servers;

pub(crate) use api_proxy::{ApiProxy, Asked, Hold};
pub(crate) use autoscaler::{Autoscaler, AutoscalerOf, Pace};
pub(crate) use binaries::{Binaries, Which};
pub(crate) use config::SchedulerConfig;
pub(crate) use keda::Keda;
pub(crate) use metrics::{CustomMetricsAdapter, MetricsServer, without_metrics_servers};
pub(crate) use ports::{free_port, wait_for_port};
pub(crate) use process::Process;
pub(crate) use scheduler::Scheduler;

use crate::guest;
use kube::config::{KubeConfigOptions, Kubeconfig};
use servers::Servers;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// What a control plane of the suite's own is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// One scenario: every node is KWOK's, and pods go without a service account, so that nobody waits for one.
    Scenario,
    /// Work by hand: admission is as in a cluster, and nodes with [`KWOK_NODES`] are KWOK's.
    Development,
    /// Autoscaling alone: no controller of the plane's own touches what a scenario puts there. An [`Autoscaler`] is started apart.
    Autoscaling,
}

/// The annotation by which KWOK's own documentation marks its nodes.
pub(crate) const KWOK_NODES: &str = "kwok.x-k8s.io/node=fake";

/// A control plane without a scheduler, up and ready, with KWOK's nodes on it.
pub(crate) struct ControlPlane {
    // Fields drop in this order: whoever writes stops before what it writes to.
    kwok: Process,
    /// None on a cluster that others started.
    servers: Option<Servers>,
    /// The minor version of that cluster.
    guest_on: Option<u32>,
    kubeconfig: PathBuf,
    binaries: Binaries,
    folder: Folder,
}

/// The folder of one control plane. It stays when the test fails, since the logs are in it.
struct Folder(Option<TempDir>);

impl Folder {
    fn create() -> Self {
        // Two crates of the test bring rustls without a default provider.
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::Builder::new().prefix("heliotrope-e2e-").tempdir();
        Self(Some(folder.unwrap()))
    }

    fn path(&self) -> &Path {
        self.0.as_ref().unwrap().path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.0.take()
        {
            eprintln!("the logs stay in {}", folder.keep().display());
        }
    }
}

impl ControlPlane {
    /// Starts everything but the scheduler and returns once the API server is ready; on a cluster that others started, what
    /// is missing there.
    pub(crate) async fn start() -> Self {
        match guest::kubeconfig() {
            Some(kubeconfig) => Self::join(kubeconfig).await,
            None => Self::start_own(Purpose::Scenario).await,
        }
    }

    /// Starts a control plane of its own.
    pub(crate) async fn start_own(purpose: Purpose) -> Self {
        let from = Instant::now();
        let (binaries, folder) = (Binaries::find(), Folder::create());
        let servers = Servers::start(&binaries, folder.path(), purpose).await;
        let kubeconfig = servers.kubeconfig.clone();
        let kwok = match purpose {
            Purpose::Scenario | Purpose::Autoscaling => {
                start_kwok(&binaries, folder.path(), &kubeconfig, None, SUITE_LEAVES_OUT)
            }
            Purpose::Development => start_kwok(&binaries, folder.path(), &kubeconfig, Some(KWOK_NODES), &[]),
        };
        println!("control plane up in {:.1} s", from.elapsed().as_secs_f64());
        Self {
            kwok,
            servers: Some(servers),
            guest_on: None,
            kubeconfig,
            binaries,
            folder,
        }
    }

    /// Becomes a guest: KWOK for the suite's nodes and no others.
    async fn join(kubeconfig: PathBuf) -> Self {
        let (binaries, folder) = (Binaries::find(), Folder::create());
        let client = client(&kubeconfig).await;
        let version = client.apiserver_version().await;
        let version = version.unwrap_or_else(|e| panic!("{} answers no client: {e}", kubeconfig.display()));
        println!("a guest on Kubernetes {}", version.git_version);
        guest::prepare(&client).await.unwrap();
        let annotation = guest::selector();
        let kwok = start_kwok(
            &binaries,
            folder.path(),
            &kubeconfig,
            Some(&annotation),
            SUITE_LEAVES_OUT,
        );
        Self {
            kwok,
            servers: None,
            guest_on: version.minor.trim_end_matches('+').parse().ok(),
            kubeconfig,
            binaries,
            folder,
        }
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where logs and files of this run go.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The certificate, and its key, of a server on `localhost`.
    pub(crate) fn server_certificate(&self) -> (&Path, &Path) {
        let servers = self.servers.as_ref().expect("a guest has no certificates");
        servers.server_certificate()
    }

    /// The authority's certificate, and a folder with the certificate and key of a server that it passes requests on to.
    fn behind(&self) -> (&Path, &Path) {
        let servers = self.servers.as_ref().expect("a guest has no certificates");
        servers.behind()
    }

    /// The binaries it runs.
    pub(crate) fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// A client with the administrator's rights.
    pub(crate) async fn client(&self) -> kube::Client {
        client(&self.kubeconfig).await
    }

    /// Starts a scheduler with a configuration.
    pub(crate) fn scheduler(&self, which: Which, config: &SchedulerConfig) -> Scheduler {
        let version = self.binaries.version(which);
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
        if let (Some(minor), Some(cluster)) = (minor, self.guest_on) {
            // It would wait without end for kinds that the API server does not know.
            assert!(
                minor <= cluster,
                "kube-scheduler {version} is newer than the cluster (1.{cluster}): give one of the cluster's version in HELIOTROPE_CONTROLPLANE"
            );
        }
        Scheduler::start(self, which, config)
    }

    /// Kills the API server, as the loss of its machine would.
    pub(crate) fn stop_api_server(&mut self) {
        self.servers
            .as_mut()
            .expect("a guest's API server is not ours to stop")
            .stop_api_server();
    }

    /// Starts it again, at the same address, and waits until it is ready.
    pub(crate) async fn start_api_server(&mut self) {
        let servers = self
            .servers
            .as_mut()
            .expect("a guest's API server is not ours to start");
        servers.start_api_server(&self.binaries, self.folder.path()).await;
    }

    /// Ends the test if a part has left on its own.
    pub(crate) fn assert_running(&mut self) {
        self.kwok.assert_running();
        if let Some(servers) = &mut self.servers {
            servers.assert_running();
        }
    }
}

impl Drop for ControlPlane {
    /// A guest leaves nothing behind, whatever became of the scenario.
    fn drop(&mut self) {
        if self.servers.is_some() {
            return;
        }
        let kubeconfig = self.kubeconfig.clone();
        // The scenario's runtime waits for this drop, so the removal has one of its own.
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async { guest::remove_everything(&client(&kubeconfig).await).await })
        });
        let removed = removed.join().unwrap_or_else(|_| Err("it ended early".into()));
        if let Err(why) = removed {
            let message = format!("not everything of the suite was removed from the cluster: {why}");
            // A second panic would end the process before the first was told.
            assert!(std::thread::panicking(), "{message}");
            eprintln!("{message}");
        }
    }
}

async fn client(kubeconfig: &Path) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    kube::Client::try_from(config).unwrap()
}

/// `--name=value` for the flags of one process.
fn flags<const N: usize>(pairs: [(&str, &dyn AsRef<std::ffi::OsStr>); N]) -> Vec<OsString> {
    let flag = |(name, value): &(&str, &dyn AsRef<std::ffi::OsStr>)| {
        let mut flag = OsString::from(format!("--{name}="));
        flag.push(value.as_ref());
        flag
    };
    pairs.iter().map(flag).collect()
}

/// Stages of KWOK that the suite does without. KWOK deletes a pod that is being deleted by its name alone, and comes late: it
/// would hit the next pod of that name. The suite's pods have no grace period and go without it.
const SUITE_LEAVES_OUT: &[&str] = &["pod-delete"];

/// KWOK for the nodes that carry an annotation `KEY=VALUE`, or for all of them.
fn start_kwok(
    binaries: &Binaries,
    home: &Path,
    kubeconfig: &Path,
    annotation: Option<&str>,
    without: &[&str],
) -> Process {
    let mut flags = flags([
        ("kubeconfig", &kubeconfig),
        ("manage-all-nodes", &annotation.is_none().to_string()),
        ("node-lease-duration-seconds", &"40"),
        ("server-address", &format!("127.0.0.1:{}", free_port())),
    ]);
    if let Some(annotation) = annotation {
        flags.push(format!("--manage-nodes-with-annotation-selector={annotation}").into());
    }
    for stage in binaries.stages(without) {
        flags.push("--config".into());
        flags.push(stage.into());
    }
    Process::start("kwok", &binaries.path("kwok"), flags, home)
}
