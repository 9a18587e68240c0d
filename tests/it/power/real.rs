//! A real Prometheus that scrapes an exposition with DCGM's names and labels.

use super::*;
use crate::prometheus::{self, BINARY, Running, free_port};
use axum::Router;
use axum::routing::get;
use heliotrope_core::snapshot::PowerRung;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Two boards, one of them shared by two pods.
const PAGE: &str = r#"# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).
# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1",pci_bus_id="00000000:5B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-7.example.com",DCGM_FI_DRIVER_VERSION="570.86.15",container="main",namespace="ml",pod="a"} 412.5
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1",pci_bus_id="00000000:5B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-7.example.com",DCGM_FI_DRIVER_VERSION="570.86.15",container="main",namespace="ml",pod="b"} 412.5
DCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="GPU-2",pci_bus_id="00000000:9B:00.0",device="nvidia1",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-7.example.com",DCGM_FI_DRIVER_VERSION="570.86.15"} 71.25
"#;

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
    let port = free_port();
    let running = prometheus::start(&binary, folder.path(), port, &[]);

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

/// The variable that names the binary, which `hack/prometheus.sh prometheus-node-exporter` prints.
const NODE_EXPORTER: &str = "HELIOTROPE_NODE_EXPORTER";

/// node_exporter itself, on a `/sys` that the test writes: two packages, and a core zone inside one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_node_exporter_is_read() {
    let Some(binary) = std::env::var_os(NODE_EXPORTER) else {
        eprintln!(
            "SKIPPED: {NODE_EXPORTER} is not set; `hack/prometheus.sh prometheus-node-exporter` prints what to set it to"
        );
        return;
    };
    let sys = tempfile::tempdir().unwrap();
    let zone = |zone: &str, name: &str, joules: f64| {
        let folder = sys.path().join("class/powercap").join(zone);
        std::fs::create_dir_all(&folder).unwrap();
        let write = |file: &str, text: String| std::fs::write(folder.join(file), text).unwrap();
        write("name", format!("{name}\n"));
        write("max_energy_range_uj", "262143328850\n".to_owned());
        write("energy_uj", format!("{:.0}\n", joules * 1e6));
    };
    zone("intel-rapl:0", "package-0", 1000.0);
    zone("intel-rapl:1", "package-1", 2000.0);
    zone("intel-rapl:0:0", "core", 500.0);
    let port = free_port();
    let child = Command::new(binary)
        .args(["--collector.disable-defaults", "--collector.rapl"])
        .arg(format!("--path.sysfs={}", sys.path().display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    let source = format!(
        "{{type: exporter, preset: node-exporter, targets: [{{url: 'http://127.0.0.1:{port}/metrics', node: n1}}]}}"
    );
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let mut rig = Rig::start(&settings(&source), &["n1"], now);
    rig.until(|rig| rig.fetched("node-exporter", "no-data") > 0).await;
    zone("intel-rapl:0", "package-0", 1000.0 + 900.0);
    zone("intel-rapl:1", "package-1", 2000.0 + 600.0);
    zone("intel-rapl:0:0", "core", 500.0 + 400.0);
    // A page that was under way while the files changed must not meet the later clock.
    let pages = rig.fetched("node-exporter", "no-data");
    rig.until(|rig| rig.fetched("node-exporter", "no-data") > pages + 1)
        .await;
    *rig.clock.lock().unwrap() = now + Duration::from_secs(10);
    rig.take().await;
    let host = rig.host("n1").unwrap();
    assert!(
        (host.reading.value.get() - 150.0).abs() < 1e-6,
        "90 and 60 W, and no core: {host:?}"
    );
    drop(running);
    rig.stop().await;
}
