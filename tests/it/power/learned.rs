//! How busy boards are and who holds them, as exporters say it, and what it comes to in the snapshot.

use super::*;
use heliotrope_core::gpu::GpuResource;
use heliotrope_core::snapshot::{Coefficient, CoefficientSource, NodeState, P95};
use heliotrope_core::workload::{Annotations, GpuAsk, Owner, OwnerKey, OwnerKind, PodFacts, PodPhase};
use rstest::rstest;
use serde_json::{Value, json};
use std::fmt::Write as _;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const NOW: &str = "2026-03-01T12:00:00Z";
const POWER: &str = "DCGM_FI_DEV_POWER_USAGE";
const PROFILED: &str = "DCGM_FI_PROF_GR_ENGINE_ACTIVE";
const COARSE: &str = "DCGM_FI_DEV_GPU_UTIL";
/// How a Prometheus is asked for utilisation.
const USE: &str = r#"{__name__=~"DCGM_FI_PROF_GR_ENGINE_ACTIVE|DCGM_FI_DEV_GPU_UTIL"}[60s]"#;

/// One series: metric, labels, value, and how many seconds before the question its last sample was taken.
#[derive(Clone)]
struct Series {
    metric: &'static str,
    labels: Value,
    value: String,
    age: f64,
}

/// A fake of Prometheus that has the same series at whatever time it is asked, and answers the three kinds of questions that
/// a source with boards asks: a metric, the times of its samples, and a range of several by their names.
struct FakePrometheus {
    series: Vec<Series>,
}

impl Respond for FakePrometheus {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked = |key: &str| {
            let pair = request.url.query_pairs().find(|(name, _)| name == key);
            pair.unwrap().1.into_owned()
        };
        let (query, now) = (asked("query"), at(&asked("time")).as_millisecond() as f64 / 1000.0);
        let stamped = query.strip_prefix("timestamp(").and_then(|rest| rest.strip_suffix(')'));
        let range = query
            .strip_prefix("{__name__=~\"")
            .and_then(|rest| rest.strip_suffix("\"}[60s]"));
        let row = |series: &&Series| {
            let taken = now - series.age;
            let mut labels = series.labels.clone();
            if stamped.is_none() {
                labels["__name__"] = json!(series.metric);
            }
            match (range, stamped) {
                // A sample before the last one, which must not count.
                (Some(_), _) => {
                    json!({ "metric": labels, "values": [[taken - 15.0, "0.99"], [taken, series.value]] })
                }
                (_, Some(_)) => json!({ "metric": labels, "value": [now, taken.to_string()] }),
                _ => json!({ "metric": labels, "value": [now, series.value] }),
            }
        };
        let named = |series: &&Series| match range {
            Some(names) => names.split('|').any(|name| name == series.metric) && series.age < 60.0,
            None => series.metric == stamped.unwrap_or(&query),
        };
        let result: Vec<Value> = self.series.iter().filter(named).map(|series| row(&series)).collect();
        let kind = if range.is_some() { "matrix" } else { "vector" };
        let body = json!({ "status": "success", "data": { "resultType": kind, "result": result } });
        ResponseTemplate::new(200).set_body_json(body)
    }
}

async fn serve(series: Vec<Series>) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/query"))
        .respond_with(FakePrometheus { series })
        .mount(&server)
        .await;
    server
}

/// Labels of a board of node `gpu-7` as a scrape with `honor_labels: false` leaves them: the exporter's own pod, and the
/// workload's where one holds the board.
fn labels(board: usize, pod: Option<&str>) -> Value {
    let mut labels = json!({
        "gpu": board.to_string(), "UUID": format!("GPU-{board}"), "pci_bus_id": "00000000:5B:00.0",
        "device": format!("nvidia{board}"), "modelName": "NVIDIA H100 80GB HBM3", "Hostname": "gpu-7",
        "job": "dcgm", "instance": "10.0.0.7:9400", "namespace": "gpu-operator", "pod": "dcgm-exporter-x7k2q",
        "container": "exporter",
    });
    if let Some(pod) = pod {
        for (key, value) in [
            ("exported_pod", pod),
            ("exported_namespace", "ml"),
            ("exported_container", "main"),
        ] {
            labels[key] = json!(value);
        }
    }
    labels
}

fn series(metric: &'static str, labels: &Value, value: &str, age: f64) -> Series {
    Series {
        metric,
        labels: labels.clone(),
        value: value.to_owned(),
        age,
    }
}

/// A board's watts with both metrics of utilisation, of one scrape.
fn board(number: usize, pod: Option<&str>, watts: &str, profiled: &str, coarse: &str) -> Vec<Series> {
    let labels = labels(number, pod);
    vec![
        series(POWER, &labels, watts, 10.0),
        series(PROFILED, &labels, profiled, 10.0),
        series(COARSE, &labels, coarse, 10.0),
    ]
}

/// A pod that has run on `gpu-7` for an hour.
fn pod(name: &str, job: &str) -> PodFacts {
    PodFacts {
        uid: Arc::from(name),
        namespace: Arc::from("ml"),
        name: Arc::from(name),
        resource_version: Arc::from("1"),
        owner: Owner {
            kind: OwnerKind::Job,
            name: Arc::from(job),
        },
        group: None,
        priority: 0,
        system_priority: false,
        gpus: Some(GpuAsk {
            resource: GpuResource::NVIDIA,
            units: 1,
        }),
        claims: None,
        cpu_milli: 1000,
        memory_bytes: 1 << 30,
        annotations: Annotations::default(),
        prefers: false,
        gated: false,
        node: Some(Arc::from("gpu-7")),
        nominated: None,
        started_at: Some(at("2026-03-01T11:00:00Z")),
        unschedulable: false,
        phase: PodPhase::Running,
        ran: None,
        volume_claims: Vec::new(),
    }
}

/// The room with an H100 node of eight boards and its pods: `train-0` to `train-3` of one Job, `rest-0` and `rest-1` of
/// another, `a` and `b` of a third.
fn rig(source: &str) -> Rig {
    let mut rig = Rig::start(&settings(source), &[], at(NOW));
    let node = NodeFacts {
        gpu_product: Some(Arc::from("NVIDIA-H100-80GB-HBM3")),
        gpus: vec![(GpuResource::NVIDIA, 8)],
        ..node("gpu-7")
    };
    rig.builder.apply_cluster(ClusterEvent::Node(node), at(NOW));
    let mut exporter = pod("dcgm-exporter-x7k2q", "");
    (exporter.namespace, exporter.gpus) = (Arc::from("gpu-operator"), None);
    exporter.owner.kind = OwnerKind::DaemonSet;
    let work = [
        ("train", vec!["train-0", "train-1", "train-2", "train-3"]),
        ("rest", vec!["rest-0", "rest-1"]),
        ("pair", vec!["a", "b"]),
    ];
    let pods = work
        .iter()
        .flat_map(|(job, pods)| pods.iter().map(|name| pod(name, job)));
    for pod in pods.chain([exporter]) {
        rig.builder.apply_cluster(ClusterEvent::Pod(Box::new(pod)), at(NOW));
    }
    rig
}

/// Takes in samples of so many scrapes, 30 s apart.
async fn scrapes(rig: &mut Rig, count: u32, age: Duration) {
    for _ in 0..count {
        let now = {
            let mut clock = rig.clock.lock().unwrap();
            *clock += Duration::from_secs(30);
            *clock
        };
        let is_new = move |report: &PowerReport| {
            let boards = report.nodes.iter().flat_map(|node| &node.boards);
            boards.into_iter().any(|board| board.observed_at == now - age)
        };
        rig.take_until(is_new).await;
    }
}

fn seen(rig: &mut Rig) -> NodeState {
    let now = *rig.clock.lock().unwrap();
    let snapshot = rig.builder.build(now);
    snapshot.node(snapshot.find("gpu-7").unwrap()).unwrap().clone()
}

fn p95(rig: &mut Rig, job: &str) -> Option<P95> {
    let now = *rig.clock.lock().unwrap();
    let owner = OwnerKey::of(&pod("x", job))?;
    rig.builder.build(now).learned.p95(&owner, "NVIDIA-H100-80GB-HBM3")
}

fn told(of: Option<Coefficient>) -> (f64, CoefficientSource, u32) {
    let of = of.unwrap();
    (of.watts.get(), of.source, of.samples)
}

fn prometheus(server: &MockServer) -> String {
    format!("{{type: prometheus, preset: dcgm, url: '{}'}}", server.uri())
}

/// Four busy boards, two that are held and idle, one that two pods share, one that nobody holds.
fn site() -> Vec<Series> {
    let mut all: Vec<Series> = (0..4)
        .flat_map(|n| board(n, Some(&format!("train-{n}")), "310", "0.5", "100"))
        .collect();
    all.extend((4..6).flat_map(|n| board(n, Some(&format!("rest-{}", n - 4)), "110", "0.0", "0")));
    for pod in ["a", "b"] {
        all.extend(board(6, Some(pod), "310", "0.5", "100"));
    }
    all.extend(board(7, None, "71", "0.0", "0"));
    all
}

#[tokio::test]
async fn boards_in_a_prometheus_teach_context_slope_and_what_owners_draw() {
    let server = serve(site()).await;
    let mut rig = rig(&prometheus(&server));
    scrapes(&mut rig, 20, Duration::from_secs(10)).await;
    let node = seen(&mut rig);
    let (bare, ..) = told(node.bare);
    let (context, source, samples) = told(node.context);
    assert_eq!(
        (source, samples),
        (CoefficientSource::Observed, 40),
        "two boards, twenty scrapes"
    );
    assert!(
        (bare + context - 110.0).abs() < 1e-9,
        "what nobody holds is not in it: {bare} + {context}"
    );
    let (slope, source, samples) = told(node.slope);
    assert_eq!((source, samples), (CoefficientSource::Observed, 100));
    assert!((slope - 400.0).abs() < 1e-6, "by the profiling metric: {slope}");
    let train = p95(&mut rig, "train").unwrap();
    assert_eq!((train.samples, train.over.as_secs()), (80, 570));
    assert!((310.0..310.0 * 1.04).contains(&train.per_board.get()), "{train:?}");
    assert_eq!(
        p95(&mut rig, "pair"),
        None,
        "of a board that two share nobody knows whose watts they are"
    );
    let asked = server.received_requests().await.unwrap();
    let of = |query: &str| {
        asked
            .iter()
            .filter(|r| r.url.query_pairs().any(|(_, v)| v == query))
            .count()
    };
    // One after the other: the second of the last pair may be on its way.
    let (watts, shares) = (of(POWER), of(USE));
    assert!(
        (shares..=shares + 1).contains(&watts),
        "one call for both metrics: {shares} for {watts}"
    );
    rig.stop().await;
}

#[tokio::test]
async fn an_exporters_page_teaches_the_same() {
    let mut page = String::new();
    for series in site() {
        let exported = |name: &str| series.labels.get(format!("exported_{name}"));
        let mut labels = series.labels.clone();
        for own in ["pod", "namespace", "container"] {
            labels[own] = exported(own).cloned().unwrap_or_else(|| json!(""));
        }
        let labels = labels.as_object().unwrap().iter();
        let labels = labels.filter(|(name, value)| !name.starts_with("exported_") && **value != "");
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
        writeln!(page, "{}{{{}}} {}", series.metric, labels.join(","), series.value).unwrap();
    }
    let exporter = super::exporter::FakeExporter::start(&page).await;
    let source = format!(
        "{{type: exporter, preset: dcgm, targets: [{}]}}",
        exporter.target("gpu-7")
    );
    let mut rig = rig(&source);
    scrapes(&mut rig, 20, Duration::ZERO).await;
    let node = seen(&mut rig);
    assert_eq!(told(node.context).1, CoefficientSource::Observed);
    assert!((told(node.slope).0 - 400.0).abs() < 1e-6);
    assert_eq!(p95(&mut rig, "train").unwrap().samples, 80);
    assert_eq!(p95(&mut rig, "pair"), None);
    rig.stop().await;
}

/// A utilisation that is no number, below nothing or above all is none, and not zero: the board is still held, and its
/// owner's watts are learned.
#[rstest]
#[case::no_number("NaN", "NaN")]
#[case::below_nothing("-0.1", "-1")]
#[case::above_all("1.2", "4294967295")]
#[case::of_the_other_unit("50", "5000")]
#[tokio::test]
async fn an_impossible_utilisation_is_absent(#[case] profiled: &str, #[case] coarse: &str) {
    let server = serve(
        (0..4)
            .flat_map(|n| board(n, Some(&format!("train-{n}")), "110", profiled, coarse))
            .collect(),
    )
    .await;
    let mut rig = rig(&prometheus(&server));
    scrapes(&mut rig, 6, Duration::from_secs(10)).await;
    let node = seen(&mut rig);
    assert_eq!(told(node.context).1, CoefficientSource::Profile);
    assert_eq!(p95(&mut rig, "train").unwrap().samples, 24);
    rig.until_metric(r#"heliotrope_power_implausible_samples_total{source="dcgm"} 8"#)
        .await;
    rig.stop().await;
}

/// The coarse metric stands in where the other says nothing, or something impossible.
#[tokio::test]
async fn the_second_metric_counts_where_the_first_says_nothing() {
    let mut series: Vec<Series> = (0..2)
        .flat_map(|n| board(n, Some(&format!("train-{n}")), "110", "NaN", "0"))
        .collect();
    series.extend((2..4).flat_map(|n| board(n, Some(&format!("train-{n}")), "110", "0.7", "0")));
    series.retain(|series| !(series.metric == PROFILED && series.value == "0.7"));
    let server = serve(series).await;
    let mut rig = rig(&prometheus(&server));
    scrapes(&mut rig, 5, Duration::from_secs(10)).await;
    assert_eq!(told(seen(&mut rig).context).2, 20);
    rig.stop().await;
}

#[rstest]
#[case::together(10.0, 20)]
#[case::nine_seconds_before(19.0, 20)]
#[case::half_a_minute_before(40.0, 0)]
#[tokio::test]
async fn watts_and_utilisation_of_different_moments_are_not_joined(#[case] age: f64, #[case] samples: u32) {
    let mut series = board(0, Some("rest-0"), "110", "0", "0");
    for of_use in series.iter_mut().skip(1) {
        of_use.age = age;
    }
    let server = serve(series).await;
    let mut rig = rig(&prometheus(&server));
    scrapes(&mut rig, 20, Duration::from_secs(10)).await;
    assert_eq!(told(seen(&mut rig).context).2, samples);
    rig.stop().await;
}

/// A Prometheus that refuses the question about utilisation still tells watts, and that it refused is counted.
#[tokio::test]
async fn watts_count_without_utilisation() {
    let server = MockServer::start().await;
    let refuses = |request: &Request| request.url.query_pairs().any(|(_, value)| value == USE);
    Mock::given(refuses)
        .respond_with(ResponseTemplate::new(422))
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(path("/api/v1/query"))
        .respond_with(FakePrometheus { series: site() })
        .mount(&server)
        .await;
    let mut rig = rig(&prometheus(&server));
    scrapes(&mut rig, 5, Duration::from_secs(10)).await;
    assert_eq!(rig.view("gpu-7").boards, 8);
    assert_eq!(p95(&mut rig, "train").unwrap().samples, 20);
    assert_eq!(told(seen(&mut rig).slope).1, CoefficientSource::Profile);
    assert!(rig.fetched("dcgm", "status") >= 1 && rig.fetched("dcgm", "ok") >= 1);
    rig.stop().await;
}

/// Metric, labels and value of a series.
type Told<'s> = (&'static str, &'s str, &'s str);

/// What exporters say of boards: their series, and each board with its utilisation and the pods on it.
#[rstest]
#[case::mig("dcgm", &[
    (POWER, r#"{"UUID":"GPU-1","Hostname":"gpu-7","GPU_I_ID":"1","GPU_I_PROFILE":"3g.40gb","exported_pod":"a","exported_namespace":"ml"}"#, "400"),
    (POWER, r#"{"UUID":"GPU-1","Hostname":"gpu-7","GPU_I_ID":"2","GPU_I_PROFILE":"3g.40gb","exported_pod":"b","exported_namespace":"ml"}"#, "400"),
    (PROFILED, r#"{"UUID":"GPU-1","Hostname":"gpu-7","GPU_I_ID":"1","GPU_I_PROFILE":"3g.40gb"}"#, "0.9"),
    (PROFILED, r#"{"UUID":"GPU-1","Hostname":"gpu-7","GPU_I_ID":"2","GPU_I_PROFILE":"3g.40gb"}"#, "0.1"),
], &[("GPU-1", None, "ml/a ml/b")])]
#[case::honoured_labels_and_the_old_namespace("dcgm", &[
    (POWER, r#"{"UUID":"GPU-1","Hostname":"gpu-7","pod":"a","namespace":"ml"}"#, "400"),
    (POWER, r#"{"UUID":"GPU-2","Hostname":"gpu-7","pod_name":"b","pod_namespace":"ml"}"#, "400"),
    (COARSE, r#"{"UUID":"GPU-2","Hostname":"gpu-7"}"#, "97"),
], &[("GPU-1", None, "ml/a"), ("GPU-2", Some(0.97), "ml/b")])]
#[case::virtual_gpus_repeat_the_board("dcgm", &[
    (POWER, r#"{"UUID":"GPU-1","Hostname":"gpu-7","vgpu":"0","exported_pod":"a","exported_namespace":"ml"}"#, "400"),
    (POWER, r#"{"UUID":"GPU-1","Hostname":"gpu-7","vgpu":"1","exported_pod":"b","exported_namespace":"ml"}"#, "400"),
    (COARSE, r#"{"UUID":"GPU-1","Hostname":"gpu-7","vgpu":"0","exported_pod":"a","exported_namespace":"ml"}"#, "80"),
    (COARSE, r#"{"UUID":"GPU-1","Hostname":"gpu-7","vgpu":"1","exported_pod":"b","exported_namespace":"ml"}"#, "80"),
], &[("GPU-1", Some(0.8), "ml/a ml/b")])]
#[case::amd_with_a_partition_and_without("amd", &[
    ("gpu_package_power", r#"{"hostname":"gpu-7","serial_number":"PC-1","gpu_id":"0","gpu_partition_id":"0","pod":"a","namespace":"ml"}"#, "520"),
    ("gpu_package_power", r#"{"hostname":"gpu-7","serial_number":"PC-1","gpu_id":"1","gpu_partition_id":"1","pod":"b","namespace":"ml"}"#, "0"),
    ("gpu_package_power", r#"{"hostname":"gpu-7","serial_number":"PC-2","gpu_id":"8","gpu_partition_id":"0","pod":"c","namespace":"ml"}"#, "700"),
    ("gpu_gfx_activity", r#"{"hostname":"gpu-7","serial_number":"PC-1","gpu_id":"0","gpu_partition_id":"0"}"#, "40"),
    ("gpu_gfx_activity", r#"{"hostname":"gpu-7","serial_number":"PC-2","gpu_id":"8","gpu_partition_id":"0"}"#, "93"),
], &[("PC-1", None, "ml/a ml/b"), ("PC-2", Some(0.93), "ml/c")])]
#[case::amd_with_a_prefix("amd", &[
    ("amd_gpu_power_usage", r#"{"hostname":"gpu-7","serial_number":"PC-1","gpu_id":"0","exported_pod":"a","exported_namespace":"ml"}"#, "120"),
    ("amd_gpu_gfx_activity", r#"{"hostname":"gpu-7","serial_number":"PC-1","gpu_id":"0"}"#, "5"),
], &[("PC-1", Some(0.05), "ml/a")])]
#[case::intel_with_tiles_and_without("intel-xpum", &[
    ("xpum_power_watts", r#"{"node":"gpu-7","uuid":"0-1","pci_bdf":"0000:29:00.0"}"#, "410"),
    ("xpum_power_watts", r#"{"node":"gpu-7","uuid":"0-2","pci_bdf":"0000:3a:00.0","kube_pod":"a","kube_namespace":"ml"}"#, "120"),
    ("xpum_engine_ratio", r#"{"node":"gpu-7","uuid":"0-1","sub_dev":"0"}"#, "0.9"),
    ("xpum_engine_ratio", r#"{"node":"gpu-7","uuid":"0-1","sub_dev":"1"}"#, "0.2"),
    ("xpum_engine_ratio", r#"{"node":"gpu-7","uuid":"0-2"}"#, "0.6"),
], &[("0-1", None, ""), ("0-2", Some(0.6), "ml/a")])]
#[tokio::test]
async fn boards_are_told_with_their_use_and_their_pods(
    #[case] preset: &str,
    #[case] all: &[Told<'_>],
    #[case] expected: &[(&str, Option<f64>, &str)],
) {
    let one =
        |(metric, labels, value): &Told<'_>| series(metric, &serde_json::from_str(labels).unwrap(), value, 10.0);
    let server = serve(all.iter().map(one).collect()).await;
    let source = format!("{{type: prometheus, preset: {preset}, url: '{}'}}", server.uri());
    let mut rig = Rig::start(&settings(&source), &["gpu-7"], at(NOW));
    let report = tokio::time::timeout(PATIENCE, rig.reports.recv())
        .await
        .unwrap()
        .unwrap();
    let boards = report.nodes.iter().flat_map(|node| &node.boards);
    let told: Vec<(&str, Option<f64>, String)> = boards
        .map(|board| {
            let pods: Vec<String> = board
                .pods
                .iter()
                .map(|pod| format!("{}/{}", pod.namespace, pod.name))
                .collect();
            (
                board.uuid.as_ref(),
                board.utilisation.map(heliotrope_core::quantity::Ratio::get),
                pods.join(" "),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(uuid, share, pods)| (*uuid, *share, (*pods).to_owned()))
        .collect();
    assert_eq!(told, expected);
    rig.stop().await;
}
