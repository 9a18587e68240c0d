//! A real control plane on loopback.
//!
//! Owns the processes: their certificates, ports, flags and logs. [`ControlPlane::start`] brings up etcd, kube-apiserver,
//! kube-controller-manager and KWOK; a [`Scheduler`] is started apart, so that a scenario can queue pods first. What leaves is
//! a kubeconfig. Everything lives in one temporary folder and dies with the value. Must never know what a scenario tests.

mod binaries;
mod certificates;
mod config;
mod ports;
mod process;
mod scheduler;

pub(crate) use binaries::{Binaries, Which};
pub(crate) use config::SchedulerConfig;
pub(crate) use ports::{free_port, wait_for_port};
pub(crate) use process::Process;
pub(crate) use scheduler::Scheduler;

use certificates::Certificates;
use kube::config::{KubeConfigOptions, Kubeconfig};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// etcd, kube-apiserver, kube-controller-manager and KWOK, up and ready.
pub(crate) struct ControlPlane {
    // Fields drop in this order: whoever writes stops before what it writes to.
    kwok: Process,
    controller_manager: Process,
    api_server: Process,
    etcd: Process,
    certificates: Certificates,
    /// Of etcd and of the API server, for its restart.
    ports: (u16, u16),
    kubeconfig: PathBuf,
    binaries: Binaries,
    folder: Folder,
}

/// The folder of one control plane. It stays when the test fails, since the logs are in it.
struct Folder(Option<TempDir>);

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
    /// Starts everything but the scheduler and returns once the API server is ready.
    pub(crate) async fn start() -> Self {
        let from = Instant::now();
        // Two crates of the test bring rustls without a default provider.
        drop(rustls::crypto::ring::default_provider().install_default());
        let binaries = Binaries::find();
        let folder = tempfile::Builder::new().prefix("heliotrope-e2e-").tempdir().unwrap();
        let home = folder.path();
        let certificates = Certificates::issue(home);

        let etcd_port = free_port();
        let etcd = start_etcd(&binaries, home, etcd_port);
        wait_for_port(etcd_port, Duration::from_secs(20)).await;

        let api_port = free_port();
        let api_server = start_api_server(&binaries, home, &certificates, etcd_port, api_port);
        let kubeconfig = certificates.write_kubeconfig(home, api_port);
        wait_until_ready(&kubeconfig, Duration::from_secs(60)).await;

        let controller_manager = start_controller_manager(&binaries, home, &certificates, &kubeconfig);
        let kwok = start_kwok(&binaries, home, &kubeconfig);
        println!("control plane up in {:.1} s", from.elapsed().as_secs_f64());
        Self {
            kwok,
            controller_manager,
            api_server,
            etcd,
            certificates,
            ports: (etcd_port, api_port),
            kubeconfig,
            binaries,
            folder: Folder(Some(folder)),
        }
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where logs and files of this run go.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.0.as_ref().unwrap().path()
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
        Scheduler::start(self, which, config)
    }

    /// Kills the API server, as the loss of its machine would.
    pub(crate) fn stop_api_server(&mut self) {
        self.api_server.kill();
    }

    /// Starts it again, at the same address, and waits until it is ready.
    pub(crate) async fn start_api_server(&mut self) {
        let (etcd, api) = self.ports;
        self.api_server = start_api_server(&self.binaries, self.folder(), &self.certificates, etcd, api);
        wait_until_ready(&self.kubeconfig, Duration::from_secs(60)).await;
    }

    /// Ends the test if a part has left on its own.
    pub(crate) fn assert_running(&mut self) {
        for part in [
            &mut self.etcd,
            &mut self.api_server,
            &mut self.controller_manager,
            &mut self.kwok,
        ] {
            part.assert_running();
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

async fn wait_until_ready(kubeconfig: &Path, patience: Duration) {
    let client = client(kubeconfig).await;
    let until = Instant::now() + patience;
    loop {
        let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
        let answer = client.request_text(request).await;
        match answer {
            Ok(text) if text.trim() == "ok" => return,
            _ if Instant::now() > until => panic!("kube-apiserver is not ready after {patience:?}: {answer:?}"),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
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

fn start_etcd(binaries: &Binaries, home: &Path, port: u16) -> Process {
    let client = format!("http://127.0.0.1:{port}");
    let peer = format!("http://127.0.0.1:{}", free_port());
    let flags = flags([
        ("data-dir", &home.join("etcd")),
        ("listen-client-urls", &client),
        ("advertise-client-urls", &client),
        ("listen-peer-urls", &peer),
        ("initial-advertise-peer-urls", &peer),
        ("initial-cluster", &format!("default={peer}")),
        ("unsafe-no-fsync", &"true"),
    ]);
    Process::start("etcd", &binaries.path("etcd"), flags, home)
}

fn start_api_server(binaries: &Binaries, home: &Path, certificates: &Certificates, etcd: u16, port: u16) -> Process {
    let flags = flags([
        ("etcd-servers", &format!("http://127.0.0.1:{etcd}")),
        ("bind-address", &"127.0.0.1"),
        ("secure-port", &port.to_string()),
        // Without it the server refuses a loopback address and exits.
        ("endpoint-reconciler-type", &"none"),
        ("tls-cert-file", &certificates.server_cert),
        ("tls-private-key-file", &certificates.server_key),
        ("client-ca-file", &certificates.ca),
        ("service-account-key-file", &certificates.service_account_public),
        ("service-account-signing-key-file", &certificates.service_account_key),
        ("service-account-issuer", &"https://kubernetes.default.svc"),
        ("service-cluster-ip-range", &"10.96.0.0/16"),
        ("authorization-mode", &"RBAC"),
        // Pods of the test have no service account.
        ("disable-admission-plugins", &"ServiceAccount"),
        ("cert-dir", &home.join("apiserver")),
    ]);
    Process::start("kube-apiserver", &binaries.path("kube-apiserver"), flags, home)
}

fn start_controller_manager(
    binaries: &Binaries,
    home: &Path,
    certificates: &Certificates,
    kubeconfig: &Path,
) -> Process {
    let flags = flags([
        ("kubeconfig", &kubeconfig),
        ("controllers", &"*"),
        ("service-account-private-key-file", &certificates.service_account_key),
        ("root-ca-file", &certificates.ca),
        ("leader-elect", &"false"),
        ("bind-address", &"127.0.0.1"),
        ("secure-port", &free_port().to_string()),
        ("cert-dir", &home.join("controller-manager")),
        // Deployments of hundreds of pods should not wait for the client's own brake.
        ("kube-api-qps", &"500"),
        ("kube-api-burst", &"500"),
    ]);
    Process::start(
        "kube-controller-manager",
        &binaries.path("kube-controller-manager"),
        flags,
        home,
    )
}

fn start_kwok(binaries: &Binaries, home: &Path, kubeconfig: &Path) -> Process {
    let mut flags = flags([
        ("kubeconfig", &kubeconfig),
        ("manage-all-nodes", &"true"),
        ("node-lease-duration-seconds", &"40"),
        ("server-address", &format!("127.0.0.1:{}", free_port())),
    ]);
    for stage in binaries.stages() {
        flags.push("--config".into());
        flags.push(stage.into());
    }
    Process::start("kwok", &binaries.path("kwok"), flags, home)
}
