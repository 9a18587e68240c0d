//! dcgm-exporter's gauge as Prometheus answers it, label for label as documented.

use super::*;
use heliotrope_core::snapshot::PowerRung;
use std::fmt::Write as _;
use wiremock::matchers::{header, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const METRIC: &str = "DCGM_FI_DEV_POWER_USAGE";
/// When everything is asked.
const NOW: &str = "2026-03-01T12:00:00Z";
/// Ten seconds before.
const FRESH: i64 = -10;

/// One series: its labels but the constant ones, its value, and its time in seconds from now.
type Series = (String, &'static str, i64);

/// Labels of a board of an H100 node. `host` is the label with the host, with its name.
fn board(uuid: &str, host: &str, more: &str) -> String {
    format!(
        r#""gpu":"0","UUID":"{uuid}","pci_bus_id":"00000000:5B:00.0","device":"nvidia0","modelName":"NVIDIA H100 80GB HBM3",{host},"DCGM_FI_DRIVER_VERSION":"570.86.15"{more}"#
    )
}

/// Labels that Prometheus adds for the exporter; with `honorLabels: false` those of the workload are `exported_`.
fn workload(pod: &str) -> String {
    format!(
        r#","container":"exporter","namespace":"gpu-operator","pod":"dcgm-exporter-x7k2q","exported_container":"main","exported_namespace":"ml","exported_pod":"{pod}""#
    )
}

fn answer(series: &[Series], named: bool, value: impl Fn(&Series) -> String) -> ResponseTemplate {
    let mut result = String::new();
    for one in series {
        let comma = if result.is_empty() { "" } else { "," };
        let name = if named {
            format!(r#""__name__":"{METRIC}","#)
        } else {
            String::new()
        };
        let value = value(one);
        write!(
            result,
            r#"{comma}{{"metric":{{{name}{}}},"value":[1772366400.000,"{value}"]}}"#,
            one.0
        )
        .unwrap();
    }
    let body = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#);
    ResponseTemplate::new(200).set_body_raw(body, "application/json")
}

/// A Prometheus that has these series.
async fn serve(series: &[Series]) -> MockServer {
    let server = MockServer::start().await;
    set(&server, series).await;
    server
}

async fn set(server: &MockServer, series: &[Series]) {
    server.reset().await;
    let values = answer(series, true, |(_, value, _)| (*value).to_owned());
    let stamps = answer(series, false, |(_, _, age)| format!("{}.5", at(NOW).as_second() + age));
    for (query, answer) in [(METRIC.to_owned(), values), (format!("timestamp({METRIC})"), stamps)] {
        Mock::given(path("/api/v1/query"))
            .and(query_param("query", query))
            .respond_with(answer)
            .mount(server)
            .await;
    }
}

fn source(server: &MockServer, more: &str) -> String {
    format!("{{type: prometheus, preset: dcgm, url: '{}'{more}}}", server.uri())
}

/// The room on one server, with the first report taken in.
async fn first(series: &[Series], nodes: &[&str], more: &str) -> Rig {
    let server = serve(series).await;
    let mut rig = Rig::start(&settings(&source(&server, more)), nodes, at(NOW));
    rig.take().await;
    rig
}

#[tokio::test]
async fn every_spelling_of_the_host_label_is_read() {
    for host in [
        r#""Hostname":"gpu-7""#,
        r#""hostname":"gpu-7""#,
        r#""exported_Hostname":"gpu-7","Hostname":"prometheus-target""#,
        r#""Hostname":"dcgm-exporter-x7k2q","node":"gpu-7""#,
    ] {
        let series = [(board("GPU-1", host, ""), "412.3", FRESH)];
        let mut rig = first(&series, &["gpu-7"], "").await;
        let view = rig.view("gpu-7");
        assert_eq!((view.rung, view.boards), (PowerRung::Fresh, 1), "{host}");
        assert!((view.watts.unwrap().get() - 412.3).abs() < 1e-9);
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_label_of_the_operators_choice_wins() {
    let host = r#""Hostname":"dcgm-exporter-x7k2q","kubernetes_node":"gpu-7""#;
    let series = [(board("GPU-1", host, ""), "412.3", FRESH)];
    let mut rig = first(&series, &["gpu-7"], ", nodeLabel: kubernetes_node").await;
    assert_eq!(rig.view("gpu-7").rung, PowerRung::Fresh);
    rig.stop().await;
}

#[tokio::test]
async fn a_host_is_found_with_or_without_its_domain_or_by_the_settings() {
    let nodes = ["gpu-7", "gpu-8.example.com", "gpu-9", "gpu-10"];
    for (host, node) in [
        ("gpu-7.example.com", "gpu-7"),
        ("gpu-7.example.com:9400", "gpu-7"),
        ("gpu-8", "gpu-8.example.com"),
        ("10.0.0.9", "gpu-9"),
        ("10.0.0.9:9400", "gpu-9"),
        ("dcgm-exporter-x7k2q", "gpu-10"),
    ] {
        let label = format!(r#""Hostname":"{host}""#);
        let series = [(board("GPU-1", &label, ""), "412.3", FRESH)];
        let map = ", nodes: {10.0.0.9: gpu-9, dcgm-exporter-x7k2q: gpu-10}";
        let mut rig = first(&series, &nodes, map).await;
        for name in nodes {
            let expected = if name == node {
                PowerRung::Fresh
            } else {
                PowerRung::Model
            };
            assert_eq!(rig.view(name).rung, expected, "{host} as {name}");
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn repeats_of_one_board_count_once() {
    let host = r#""Hostname":"gpu-7""#;
    let mig = |id: &str| format!(r#","GPU_I_PROFILE":"1g.10gb","GPU_I_ID":"{id}"{}"#, workload("train"));
    // Seven instances of one board, three pods in time slices on another, and a third that nobody holds.
    let mut series: Vec<Series> = (0..7)
        .map(|id| (board("GPU-1", host, &mig(&id.to_string())), "400", FRESH))
        .collect();
    for pod in ["a", "b", "c"] {
        series.push((board("GPU-2", host, &workload(pod)), "300", FRESH));
    }
    series.push((board("GPU-3", host, ""), "70", FRESH));
    let mut rig = first(&series, &["gpu-7"], "").await;
    let view = rig.view("gpu-7");
    assert_eq!((view.boards, view.watts.unwrap().get()), (3, 770.0));
    rig.stop().await;
}

#[tokio::test]
async fn a_series_that_lingers_gives_way_to_the_newest_of_its_board() {
    let host = r#""Hostname":"gpu-7""#;
    let series = [
        (board("GPU-1", host, &workload("gone")), "650", -200),
        (board("GPU-1", host, ""), "75", FRESH),
    ];
    let mut rig = first(&series, &["gpu-7"], "").await;
    let view = rig.view("gpu-7");
    assert_eq!((view.rung, view.watts.unwrap().get()), (PowerRung::Fresh, 75.0));
    rig.stop().await;
}

#[tokio::test]
async fn a_sample_is_as_old_as_its_own_stamp() {
    let host = r#""Hostname":"gpu-7""#;
    for (age, rung) in [
        (-80, PowerRung::Fresh),
        (-120, PowerRung::Stale),
        (-400, PowerRung::Model),
    ] {
        let series = [(board("GPU-1", host, ""), "412.3", age)];
        let mut rig = first(&series, &["gpu-7"], "").await;
        let view = rig.view("gpu-7");
        assert_eq!(view.rung, rung, "{age} s");
        if rung != PowerRung::Model {
            let half = at(NOW).as_millisecond() + age * 1000 + 500;
            assert_eq!(view.observed_at.unwrap().as_millisecond(), half);
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_node_is_as_old_as_its_oldest_board() {
    let host = r#""Hostname":"gpu-7""#;
    let series = [
        (board("GPU-1", host, ""), "400", FRESH),
        (board("GPU-2", host, ""), "400", -200),
    ];
    let mut rig = first(&series, &["gpu-7"], "").await;
    assert_eq!(rig.view("gpu-7").rung, PowerRung::Stale);
    rig.stop().await;
}

#[tokio::test]
async fn what_no_board_can_say_is_refused_and_counted() {
    let host = r#""Hostname":"gpu-7""#;
    let mut series = Vec::new();
    for (uuid, value) in [("A", "NaN"), ("B", "+Inf"), ("C", "-5"), ("D", "65535"), ("E", "many")] {
        series.push((board(&format!("GPU-{uuid}"), host, ""), value, FRESH));
    }
    series.push((board("GPU-F", host, ""), "412.3", FRESH));
    series.push((board("GPU-G", r#""other":"x""#, ""), "412.3", FRESH));
    let mut rig = first(&series, &["gpu-7"], "").await;
    let view = rig.view("gpu-7");
    assert_eq!((view.boards, view.watts.unwrap().get()), (1, 412.3));
    let page = rig.metrics.exposition();
    let count = |name: &str| {
        let line = page.lines().find(|line| line.starts_with(name));
        let value: f64 = line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap();
        value
    };
    // Asked again meanwhile, each round counts the same.
    let rounds = count(r#"heliotrope_power_fetches_total{source="dcgm",outcome="ok"}"#);
    assert!(rounds >= 1.0);
    for (name, each) in [("implausible", 4.0), ("nameless", 1.0)] {
        let counted = count(&format!("heliotrope_power_{name}_samples_total{{source=\"dcgm\"}}"));
        assert!(counted >= each && (counted / each).fract() == 0.0, "{name}: {counted}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn two_sources_of_one_node_do_not_take_turns() {
    let host = r#""Hostname":"gpu-7""#;
    let whole = [
        (board("GPU-1", host, ""), "400", FRESH),
        (board("GPU-2", host, ""), "300", FRESH),
    ];
    // The other server is behind on one board, and does not know the second.
    let behind = [(board("GPU-1", host, ""), "90", -60)];
    let (one, two) = (serve(&whole).await, serve(&behind).await);
    let sources = format!("{}, {}", source(&one, ", name: one"), source(&two, ", name: two"));
    let mut rig = Rig::start(&settings(&sources), &["gpu-7"], at(NOW));
    rig.until_metric(r#"heliotrope_power_fetches_total{source="one",outcome="ok"} 1"#)
        .await;
    rig.until_metric(r#"heliotrope_power_fetches_total{source="two",outcome="ok"} 3"#)
        .await;
    for _ in 0..6 {
        rig.take().await;
    }
    for _ in 0..6 {
        rig.take().await;
        assert!((rig.watts("gpu-7") - 700.0).abs() < 1e-9);
    }
    rig.stop().await;
}

#[tokio::test]
async fn sources_that_see_a_part_each_make_the_whole() {
    let host = r#""Hostname":"gpu-7""#;
    let one = serve(&[(board("GPU-1", host, ""), "400", FRESH)]).await;
    let two = serve(&[(board("GPU-2", host, ""), "300", FRESH)]).await;
    let sources = format!("{}, {}", source(&one, ", name: one"), source(&two, ", name: two"));
    let mut rig = Rig::start(&settings(&sources), &["gpu-7"], at(NOW));
    rig.take_until(|report| report.source.as_str() == "one+two").await;
    assert_eq!((rig.watts("gpu-7"), rig.view("gpu-7").boards), (700.0, 2));
    rig.stop().await;
}

#[tokio::test]
async fn g5_a_source_that_falls_silent_ages_and_comes_back() {
    let host = r#""Hostname":"gpu-7""#;
    let series = [(board("GPU-1", host, ""), "400", FRESH)];
    let server = serve(&series).await;
    let mut rig = Rig::start(&settings(&source(&server, "")), &["gpu-7"], at(NOW));
    rig.take().await;
    for (answer, outcome) in [
        (ResponseTemplate::new(503), "status"),
        (
            ResponseTemplate::new(200).set_body_string("<html>login</html>"),
            "shape",
        ),
        (answer(&[], true, |_| String::new()), "no-data"),
    ] {
        server.reset().await;
        Mock::given(path("/api/v1/query"))
            .respond_with(answer)
            .mount(&server)
            .await;
        rig.until_metric(&format!(
            r#"heliotrope_power_fetches_total{{source="dcgm",outcome="{outcome}"}} 2"#
        ))
        .await;
    }
    while let Ok(report) = rig.reports.try_recv() {
        rig.builder.apply_power(report);
    }
    for (second, rung) in [(60, PowerRung::Fresh), (150, PowerRung::Stale), (400, PowerRung::Model)] {
        *rig.clock.lock().unwrap() = at(NOW) + Duration::from_secs(second);
        assert_eq!(rig.view("gpu-7").rung, rung, "after {second} s");
    }
    *rig.clock.lock().unwrap() = at(NOW);
    set(&server, &series).await;
    rig.take().await;
    assert_eq!(rig.view("gpu-7").rung, PowerRung::Fresh);
    rig.stop().await;
}

#[tokio::test]
async fn a_prometheus_that_wants_to_know_who_asks_is_told() {
    let server = MockServer::start().await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "hush-wrong").unwrap();
    let series = [(board("GPU-1", r#""Hostname":"n1""#, ""), "70", FRESH)];
    let values = answer(&series, true, |(_, value, _)| (*value).to_owned());
    let stamps = answer(&series, false, |(_, _, age)| format!("{}.5", at(NOW).as_second() + age));
    for (query, answer) in [(METRIC.to_owned(), values), (format!("timestamp({METRIC})"), stamps)] {
        Mock::given(path("/api/v1/query"))
            .and(query_param("query", query))
            .and(header("authorization", "Bearer hush-1"))
            .and(header("x-scope-orgid", "gpus"))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    Mock::given(path("/api/v1/query"))
        .respond_with(ResponseTemplate::new(401))
        .with_priority(9)
        .mount(&server)
        .await;
    let access = format!(
        ", access: {{tokenFile: '{}', headers: {{X-Scope-OrgID: gpus}}}}",
        token.path().display()
    );
    let mut rig = Rig::start(&settings(&source(&server, &access)), &["n1"], at(NOW));
    rig.until(|rig| rig.fetched("dcgm", "denied") > 0).await;
    std::fs::write(token.path(), "hush-1").unwrap();
    rig.take().await;
    assert_eq!(rig.view("n1").rung, PowerRung::Fresh);
    rig.stop().await;
}

#[test]
fn exporters_are_asked_without_credentials_and_say_so() {
    let wrong = |source: &str| {
        let text = format!("apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\npower: {{sources: [{source}]}}\n");
        format!("{:?}", parse(&text, Path::new("/")).unwrap_err())
    };
    let exporter =
        wrong("{type: exporter, preset: amd, targets: [{url: 'https://a.example'}], access: {tokenFile: t}}");
    assert!(
        exporter.contains("power.sources[0].access") && exporter.contains("is for a source of type prometheus"),
        "{exporter}"
    );
    let plain = wrong("{type: prometheus, url: 'http://a.example', access: {tokenFile: t}}");
    assert!(
        plain.contains("power.sources[0].access") && plain.contains("outbound.allowPlainHttp"),
        "{plain}"
    );
}
