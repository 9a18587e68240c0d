//! Exporters asked directly. Each is a server that speaks the exact exposition; the hardware behind it is made up.

use super::*;
use axum::Router;
use axum::routing::get;
use heliotrope_core::snapshot::{HostScope, PowerRung};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::sync::watch;

const NOW: &str = "2026-03-01T12:00:00Z";

/// A page at an address, which the test may change.
pub(super) struct FakeExporter {
    address: SocketAddr,
    page: Arc<Mutex<String>>,
    served: JoinHandle<()>,
}

impl FakeExporter {
    pub(super) async fn start(page: &str) -> Self {
        let page = Arc::new(Mutex::new(page.to_owned()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::clone(&page);
        let handler = move || {
            let page = told.lock().unwrap().clone();
            async move { ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], page) }
        };
        let router = Router::new().route("/metrics", get(handler));
        let served = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { address, page, served }
    }

    fn set(&self, page: &str) {
        page.clone_into(&mut self.page.lock().unwrap());
    }

    pub(super) fn target(&self, node: &str) -> String {
        format!("{{url: 'http://{}/metrics', node: '{node}'}}", self.address)
    }
}

impl Drop for FakeExporter {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// dcgm-exporter's page: a board in two MIG instances with their pods, and an idle one; no profiling metrics, as on a
/// virtual machine.
const DCGM: &str = r#"# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",pci_bus_id="00000000:5B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="dcgm-exporter-x7k2q",DCGM_FI_DRIVER_VERSION="570.86.15",container="main",namespace="ml",pod="a"} 97
# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).
# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1",pci_bus_id="00000000:5B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",GPU_I_PROFILE="3g.40gb",GPU_I_ID="1",Hostname="dcgm-exporter-x7k2q",DCGM_FI_DRIVER_VERSION="570.86.15",container="main",namespace="ml",pod="a"} 412.500000
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1",pci_bus_id="00000000:5B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",GPU_I_PROFILE="3g.40gb",GPU_I_ID="2",Hostname="dcgm-exporter-x7k2q",DCGM_FI_DRIVER_VERSION="570.86.15",container="main",namespace="ml",pod="b"} 412.500000
DCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="GPU-2",pci_bus_id="00000000:9B:00.0",device="nvidia1",modelName="NVIDIA H100 80GB HBM3",Hostname="dcgm-exporter-x7k2q",DCGM_FI_DRIVER_VERSION="570.86.15"} 71.250000
# HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION Total energy consumption since boot (in mJ).
# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-1",pci_bus_id="00000000:5B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="dcgm-exporter-x7k2q"} 1234567890
"#;

/// node_exporter's RAPL collector, with the joules of two packages.
fn rapl(first: f64, second: f64) -> String {
    format!(
        "# HELP node_rapl_core_joules_total Current RAPL core value in joules\n# TYPE node_rapl_core_joules_total counter\nnode_rapl_core_joules_total{{index=\"0\",path=\"sys/class/powercap/intel-rapl:0:0\"}} 118821.284256\n# HELP node_rapl_package_joules_total Current RAPL package value in joules\n# TYPE node_rapl_package_joules_total counter\nnode_rapl_package_joules_total{{index=\"0\",path=\"sys/class/powercap/intel-rapl:0\"}} {first}\nnode_rapl_package_joules_total{{index=\"1\",path=\"sys/class/powercap/intel-rapl:1\"}} {second}\n"
    )
}

fn exporter(preset: &str, targets: &[String]) -> Settings {
    settings(&format!(
        "{{type: exporter, preset: {preset}, targets: [{}]}}",
        targets.join(", ")
    ))
}

fn pass(rig: &Rig, seconds: u64) {
    *rig.clock.lock().unwrap() += Duration::from_secs(seconds);
}

#[tokio::test]
async fn pages_of_several_exporters_are_one_answer() {
    let one = FakeExporter::start(DCGM).await;
    let two = FakeExporter::start(
        &DCGM
            .replace("GPU-1", "GPU-3")
            .replace("GPU-2", "GPU-4")
            .replace("412.500000", "300"),
    )
    .await;
    let down = FakeExporter::start("").await;
    down.served.abort();
    let settings = exporter("dcgm", &[one.target("n1"), two.target("n2"), down.target("n3")]);
    let mut rig = Rig::start(&settings, &["n1", "n2", "n3"], at(NOW));
    rig.take().await;
    assert_eq!(
        (rig.watts("n1"), rig.view("n1").boards),
        (483.75, 2),
        "the label with the pod's name does not count"
    );
    assert_eq!((rig.watts("n2"), rig.view("n2").boards), (371.25, 2));
    assert_eq!(rig.view("n3").rung, PowerRung::Model);
    rig.until_metric(r#"heliotrope_power_fetches_total{source="dcgm",outcome="transport"} 1"#)
        .await;
    rig.stop().await;
}

#[tokio::test]
async fn g5_an_exporter_that_stops_ages_and_a_page_that_is_none_is_refused() {
    let one = FakeExporter::start(DCGM).await;
    let mut rig = Rig::start(&exporter("dcgm", &[one.target("n1")]), &["n1"], at(NOW));
    rig.take().await;
    one.set("<html><body>bad gateway</body></html>");
    rig.until_metric(r#"heliotrope_power_fetches_total{source="dcgm",outcome="shape"} 2"#)
        .await;
    one.set(
        DCGM.strip_suffix("\"} 1234567890\n")
            .expect("the last line is a sample"),
    );
    rig.until_metric(r#"heliotrope_power_fetches_total{source="dcgm",outcome="shape"} 5"#)
        .await;
    while let Ok(report) = rig.reports.try_recv() {
        rig.builder.apply_power(report);
    }
    for (seconds, rung) in [(60, PowerRung::Fresh), (60, PowerRung::Stale), (300, PowerRung::Model)] {
        pass(&rig, seconds);
        assert_eq!(rig.view("n1").rung, rung);
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_counter_becomes_watts_by_the_page_before_and_a_reset_says_nothing() {
    let node = FakeExporter::start(&rapl(240_422.366_267, 1000.0)).await;
    let mut rig = Rig::start(&exporter("node-exporter", &[node.target("n1")]), &["n1"], at(NOW));
    rig.until_metric(r#"heliotrope_power_fetches_total{source="node-exporter",outcome="no-data"} 1"#)
        .await;
    node.set(&rapl(240_422.366_267 + 3000.0, 2000.0));
    pass(&rig, 20);
    rig.take().await;
    let host = rig.host("n1").unwrap();
    assert!(
        (host.reading.value.get() - 200.0).abs() < 1e-6,
        "150 and 50 W, and no core: {host:?}"
    );
    assert_eq!(host.scope, HostScope::Packages);
    // The machine was started again: both counters are near zero, and what they had counted is not known.
    node.set(&rapl(5.0, 5.0));
    pass(&rig, 20);
    let before = rig.fetched("node-exporter", "no-data");
    rig.until(|rig| rig.fetched("node-exporter", "no-data") > before).await;
    assert!(
        (rig.host("n1").unwrap().reading.value.get() - 200.0).abs() < 1e-6,
        "the last sample ages"
    );
    node.set(&rapl(1205.0, 805.0));
    pass(&rig, 20);
    rig.take_until(|report| {
        report
            .nodes
            .iter()
            .any(|node| node.host.as_ref().is_some_and(|host| host.reading.value.get() < 150.0))
    })
    .await;
    assert!((rig.host("n1").unwrap().reading.value.get() - 100.0).abs() < 1e-6);
    rig.stop().await;
}

#[tokio::test]
async fn a_stamp_of_the_exporter_is_the_age_of_its_sample() {
    let stamped = |seconds: i64| {
        let millis = at(NOW).as_millisecond() - seconds * 1000;
        format!("ipmi_dcmi_power_consumption_current_watts 812 {millis}\n")
    };
    let bmc = FakeExporter::start(&stamped(120)).await;
    let mut rig = Rig::start(&exporter("ipmi", &[bmc.target("n1")]), &["n1"], at(NOW));
    rig.take().await;
    let host = rig.host("n1").unwrap();
    assert_eq!(host.reading.age(at(NOW)).as_secs(), 120);
    bmc.set(&stamped(-500));
    rig.take_until(|report| report.nodes[0].host.as_ref().unwrap().reading.observed_at >= at(NOW))
        .await;
    assert_eq!(
        rig.host("n1").unwrap().reading.observed_at,
        at(NOW),
        "a stamp of the future is now"
    );
    rig.stop().await;
}

#[tokio::test]
async fn pods_that_are_found_are_asked_and_name_the_node() {
    let one = FakeExporter::start(DCGM).await;
    let text = format!(
        "{{type: exporter, preset: dcgm, pods: {{namespace: gpu-operator, selector: app=dcgm, port: {}}}}}",
        one.address.port()
    );
    let mut settings = settings(&text);
    // Only what the watch found may be called: nothing is in the settings' own list.
    settings.outbound.allow_plain_http.clear();
    let (found, following) = watch::channel(Vec::new());
    let pods = [("dcgm".to_owned(), following)].into();
    let mut rig = Rig::following(&settings, &["n1"], at(NOW), pods);
    rig.until_metric(r#"heliotrope_power_fetches_total{source="dcgm",outcome="no-data"} 1"#)
        .await;
    found
        .send(vec![(IpAddr::V4(Ipv4Addr::LOCALHOST), Arc::from("n1"))])
        .unwrap();
    rig.take().await;
    assert_eq!((rig.watts("n1"), rig.view("n1").boards), (483.75, 2));
    found.send(Vec::new()).unwrap();
    let before = rig.fetched("dcgm", "no-data");
    rig.until(|rig| rig.fetched("dcgm", "no-data") > before).await;
    rig.stop().await;
}

#[tokio::test]
async fn an_address_without_tls_needs_leave_and_a_page_has_a_cap() {
    let one = FakeExporter::start(DCGM).await;
    let mut strict = exporter("dcgm", &[one.target("n1")]);
    strict.outbound.allow_plain_http.clear();
    let rig = Rig::start(&strict, &["n1"], at(NOW));
    rig.until_metric(r#"heliotrope_power_fetches_total{source="dcgm",outcome="not-allowed"} 1"#)
        .await;
    rig.stop().await;
    let mut short = exporter("dcgm", &[one.target("n1")]);
    short.outbound.max_response_bytes = 1024;
    let rig = Rig::start(&short, &["n1"], at(NOW));
    rig.until_metric(r#"heliotrope_power_fetches_total{source="dcgm",outcome="too-long"} 1"#)
        .await;
    rig.stop().await;
}
