use crate::controlplane::{ControlPlane, Process, free_port};
use crate::loopback::http_client;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Names the binary that `hack/prometheus.sh` prints.
const BINARY: &str = "HELIOTROPE_PROMETHEUS";

/// How long it may take to start, and to answer what it has scraped.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// A real Prometheus that scrapes the exporter.
pub(crate) struct Prometheus {
    process: Process,
    port: u16,
}

impl Prometheus {
    /// Starts it, scraping DCGM's exporter at an interval, and waits until it has scraped once.
    pub(crate) async fn start(plane: &ControlPlane, exporter: SocketAddr, interval: Duration) -> Self {
        Self::scraping(plane, exporter, interval, "count(DCGM_FI_DEV_POWER_USAGE)").await
    }

    /// Starts it, scraping an exporter at an interval, and waits until an expression gives something.
    pub(crate) async fn scraping(
        plane: &ControlPlane,
        exporter: SocketAddr,
        interval: Duration,
        scraped: &str,
    ) -> Self {
        // The labels of the exporter's own pod, as service discovery adds them: with honor_labels off they push the
        // workload's to exported_pod and exported_namespace, as in a cluster.
        let job = format!(
            "- job_name: dcgm\n\
             \x20 honor_labels: false\n\
             \x20 static_configs:\n\
             \x20 - targets: [\"{exporter}\"]\n\
             \x20   labels: {{namespace: gpu-operator, pod: dcgm-exporter-0, container: exporter}}\n"
        );
        Self::with_jobs(plane, &job, interval, scraped).await
    }

    /// Starts it with scrape configurations of the test's own.
    pub(crate) async fn with_jobs(plane: &ControlPlane, jobs: &str, interval: Duration, scraped: &str) -> Self {
        let binary = std::env::var_os(BINARY).unwrap_or_else(|| {
            panic!(
                "{BINARY} is not set. It names a prometheus binary. On Debian, unpack one and try again:\n\n    \
                 export {BINARY}=$(hack/prometheus.sh)\n"
            )
        });
        let home = plane.folder().join("prometheus");
        std::fs::create_dir(&home).unwrap();
        let seconds = interval.as_secs();
        let config =
            format!("global: {{scrape_interval: {seconds}s, scrape_timeout: {seconds}s}}\nscrape_configs:\n{jobs}");
        let file = home.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let port = free_port();
        let flags = [
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", home.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        let mut started = Self {
            process: Process::start("prometheus", &PathBuf::from(binary), flags, plane.folder()),
            port,
        };
        started.wait_scraped(scraped, interval + STARTED_WITHIN).await;
        started
    }

    /// Prometheus spreads its targets over the interval, so the first scrape may come a whole interval after the start.
    async fn wait_scraped(&mut self, scraped: &str, patience: Duration) {
        let client = http_client();
        let query = format!("{}/api/v1/query?query={scraped}", self.url());
        let until = Instant::now() + patience;
        loop {
            self.process.assert_running();
            let answer = match client.get(&query).send().await {
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            if answer.contains("\"value\"") {
                return;
            }
            assert!(
                Instant::now() < until,
                "prometheus has scraped nothing: {answer}\n{}",
                self.process.log_tail()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until an expression gives something.
    pub(crate) async fn wait_for(&mut self, expression: &str) {
        self.wait_scraped(expression, STARTED_WITHIN).await;
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }
}
