use super::certificates::{Certificates, FRONT_PROXY};
use super::{Binaries, Process, Purpose, client, flags, free_port, wait_for_port};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// etcd, kube-apiserver and kube-controller-manager of the suite's own.
pub(super) struct Servers {
    // Fields drop in this order: whoever writes stops before what it writes to.
    /// None where a scenario starts controllers itself.
    controller_manager: Option<Process>,
    api_server: Process,
    etcd: Process,
    certificates: Certificates,
    purpose: Purpose,
    /// Of etcd and of the API server, for its restart.
    ports: (u16, u16),
    pub(super) kubeconfig: PathBuf,
}

impl Servers {
    /// Starts them and returns once the API server is ready.
    pub(super) async fn start(binaries: &Binaries, home: &Path, purpose: Purpose) -> Self {
        let certificates = Certificates::issue(home);
        let etcd_port = free_port();
        let etcd = start_etcd(binaries, home, etcd_port);
        wait_for_port(etcd_port, Duration::from_secs(20)).await;

        let ports = (etcd_port, free_port());
        let api_server = start_api_server(binaries, home, &certificates, purpose, ports);
        let kubeconfig = certificates.write_kubeconfig(home, ports.1);
        wait_until_ready(&kubeconfig, Duration::from_secs(60)).await;

        let controller_manager = (purpose != Purpose::Autoscaling)
            .then(|| start_controller_manager(binaries, home, &certificates, &kubeconfig));
        Self {
            controller_manager,
            api_server,
            etcd,
            certificates,
            purpose,
            ports,
            kubeconfig,
        }
    }

    /// The API server's certificate and key.
    pub(super) fn server_certificate(&self) -> (&Path, &Path) {
        (&self.certificates.server_cert, &self.certificates.server_key)
    }

    /// The authority's certificate, and the folder of those of servers behind the API server.
    pub(super) fn behind(&self) -> (&Path, &Path) {
        (&self.certificates.ca, &self.certificates.behind)
    }

    /// Kills the API server.
    pub(super) fn stop_api_server(&mut self) {
        self.api_server.kill();
    }

    /// Starts it again, at the same address, and waits until it is ready.
    pub(super) async fn start_api_server(&mut self, binaries: &Binaries, home: &Path) {
        self.api_server = start_api_server(binaries, home, &self.certificates, self.purpose, self.ports);
        wait_until_ready(&self.kubeconfig, Duration::from_secs(60)).await;
    }

    /// Ends the test if one has left on its own.
    pub(super) fn assert_running(&mut self) {
        let controllers = self.controller_manager.iter_mut();
        for server in [&mut self.etcd, &mut self.api_server].into_iter().chain(controllers) {
            server.assert_running();
        }
    }
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

fn start_api_server(
    binaries: &Binaries,
    home: &Path,
    certificates: &Certificates,
    purpose: Purpose,
    (etcd, port): (u16, u16),
) -> Process {
    let mut flags = flags([
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
        ("cert-dir", &home.join("apiserver")),
        // For groups that another server answers for, such as the metrics APIs.
        ("requestheader-client-ca-file", &certificates.ca),
        ("requestheader-allowed-names", &FRONT_PROXY),
        ("requestheader-username-headers", &"X-Remote-User"),
        ("requestheader-group-headers", &"X-Remote-Group"),
        ("requestheader-extra-headers-prefix", &"X-Remote-Extra-"),
        ("proxy-client-cert-file", &certificates.front_proxy_cert),
        ("proxy-client-key-file", &certificates.front_proxy_key),
    ]);
    if purpose != Purpose::Development {
        flags.push("--disable-admission-plugins=ServiceAccount".into());
    }
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
        // Every 15 seconds by default: scenarios would do little but wait for it.
        ("horizontal-pod-autoscaler-sync-period", &"2s"),
    ]);
    Process::start(
        "kube-controller-manager",
        &binaries.path("kube-controller-manager"),
        flags,
        home,
    )
}
