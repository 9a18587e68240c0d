//! A real Prometheus that scrapes an exposition with DCGM's names and labels.

use super::*;
use axum::Router;
use axum::routing::get;
use heliotrope_core::snapshot::PowerRung;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// Names the binary that `hack/prometheus.sh` prints.
const BINARY: &str = "HELIOTROPE_PROMETHEUS";

/// Two boards, one of them shared by two pods.
const PAGE: &str = r#"# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).
# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1",pci_bus_id="00000000:5B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-7.example.com",DCGM_FI_DRIVER_VERSION="570.86.15",container="main",namespace="ml",pod="a"} 412.5
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1",pci_bus_id="00000000:5B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-7.example.com",DCGM_FI_DRIVER_VERSION="570.86.15",container="main",namespace="ml",pod="b"} 412.5
DCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="GPU-2",pci_bus_id="00000000:9B:00.0",device="nvidia1",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-7.example.com",DCGM_FI_DRIVER_VERSION="570.86.15"} 71.25
"#;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn system_now() -> Timestamp {
    heliotrope::telemetry::system_clock()()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_is_read() {
    let Some(binary) = std::env::var_os(BINARY) else {
        eprintln!("SKIPPED: {BINARY} is not set; `hack/prometheus.sh` prints what to set it to");
        return;
    };
    let exporter = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scraped = exporter.local_addr().unwrap();
    let served = tokio::spawn(async {
        let router = Router::new().route("/metrics", get(|| async { PAGE }));
        axum::serve(exporter, router).await.unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    std::fs::write(
        &config,
        format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: dcgm\n  honor_labels: false\n  static_configs:\n  - targets: ['{scraped}']\n    labels: {{namespace: gpu-operator, pod: dcgm-exporter-0, container: exporter}}\n"
        ),
    )
    .unwrap();
    // Free when it was asked for; nobody else on this machine asks for the same one within a second.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new(binary)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);

    let source = format!("{{type: prometheus, preset: dcgm, url: 'http://127.0.0.1:{port}'}}");
    let mut rig = Rig::start(&settings(&source), &["gpu-7"], system_now());
    let clock = Arc::clone(&rig.clock);
    let ticking = tokio::spawn(async move {
        loop {
            *clock.lock().unwrap() = system_now();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    rig.take().await;
    let view = rig.view("gpu-7");
    assert_eq!(
        (view.rung, view.boards),
        (PowerRung::Fresh, 2),
        "the shared board counts once"
    );
    assert!((view.watts.unwrap().get() - 483.75).abs() < 1e-9);

    // Asked twenty times a second, scraped once: as many times are told as there were scrapes, not questions.
    let (start, mut stamps) = (Instant::now(), BTreeSet::new());
    for _ in 0..20 {
        rig.take().await;
        stamps.insert(rig.view("gpu-7").observed_at);
    }
    let most = start.elapsed().as_secs() + 2;
    assert!(stamps.len() as u64 <= most, "{stamps:?} in {most} scrapes at most");

    // Nobody answers the scrape any more: what was measured last ages.
    served.abort();
    let silence = Duration::from_millis(1500);
    while let Ok(Some(report)) = tokio::time::timeout(silence, rig.reports.recv()).await {
        rig.builder.apply_power(report);
        assert!(start.elapsed() < PATIENCE * 2, "still told");
    }
    let last = rig.view("gpu-7").observed_at.unwrap();
    assert!(system_now().duration_since(last).as_millis() >= 900);
    ticking.abort();
    drop(running);
    rig.stop().await;
}
