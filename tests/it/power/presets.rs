//! Every preset against bodies as its exporter's series stand in a Prometheus, with the trap of each.

use super::*;
use heliotrope_core::snapshot::{HostScope, PowerRung};
use rstest::rstest;
use std::fmt::Write as _;
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const NOW: &str = "2026-03-01T12:00:00Z";

/// Labels of a series and its value.
type Series<'s> = (&'s str, &'s str);

/// A Prometheus that has these series of each query, ten seconds old; other queries have an empty vector.
async fn serve(queries: &[(&str, &str, &[Series<'_>])]) -> MockServer {
    let server = MockServer::start().await;
    let answer = |series: &[Series<'_>], stamps: bool| {
        let mut result = String::new();
        for (labels, value) in series {
            let comma = if result.is_empty() { "" } else { "," };
            let stamp = format!("{}", at(NOW).as_second() - 10);
            let value = if stamps { stamp.as_str() } else { value };
            write!(
                result,
                r#"{comma}{{"metric":{{{labels}}},"value":[1772366400,"{value}"]}}"#
            )
            .unwrap();
        }
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}},"warnings":["some shard did not answer"],"infos":["metric might not be a counter"]}}"#
        );
        ResponseTemplate::new(200).set_body_raw(body, "application/json")
    };
    for (expression, metric, series) in queries {
        for (query, stamps) in [
            ((*expression).to_owned(), false),
            (format!("timestamp({metric})"), true),
        ] {
            Mock::given(path("/api/v1/query"))
                .and(query_param("query", query))
                .respond_with(answer(series, stamps))
                .mount(&server)
                .await;
        }
    }
    Mock::given(path("/api/v1/query"))
        .respond_with(answer(&[], false))
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

/// What a source on such a server says of some nodes.
async fn said(keys: &str, nodes: &[&str], queries: &[(&str, &str, &[Series<'_>])]) -> Rig {
    let server = serve(queries).await;
    let source = format!("{{type: prometheus, url: '{}', {keys}}}", server.uri());
    let mut rig = Rig::start(&settings(&source), nodes, at(NOW));
    rig.take().await;
    rig
}

#[tokio::test]
async fn amd_boards_are_read_of_every_generation_and_partitions_count_once() {
    let power: [Series<'_>; 7] = [
        // Without a serial number each partition would be a board of its own.
        (
            r#""hostname":"gpu-4","gpu_id":"0","gpu_partition_id":"0","card_model":"AMD Instinct MI300X""#,
            "520",
        ),
        (
            r#""hostname":"gpu-4","gpu_id":"1","gpu_partition_id":"1","card_model":"AMD Instinct MI300X""#,
            "0",
        ),
        (
            r#""hostname":"gpu-1","gpu_id":"0","serial_number":"PC-1","gpu_partition_id":"0","card_model":"AMD Instinct MI300X""#,
            "540",
        ),
        (
            r#""hostname":"gpu-1","gpu_id":"1","serial_number":"PC-1","gpu_partition_id":"1","card_model":"AMD Instinct MI300X""#,
            "0",
        ),
        (
            r#""hostname":"gpu-1","gpu_id":"7","serial_number":"PC-1","gpu_partition_id":"7","card_model":"AMD Instinct MI300X""#,
            "0",
        ),
        (
            r#""hostname":"gpu-1","gpu_id":"8","serial_number":"PC-2","partition_id":"0","pod":"train-0","namespace":"ml""#,
            "700",
        ),
        (
            r#""hostname":"gpu-1","gpu_id":"9","serial_number":"PC-2","partition_id":"1""#,
            "0",
        ),
    ];
    let average: [Series<'_>; 2] = [
        (
            r#""hostname":"gpu-2","gpu_id":"0","card_model":"AMD Instinct MI250X""#,
            "300",
        ),
        (
            r#""hostname":"gpu-3","gpu_id":"0","card_model":"AMD Instinct MI250X""#,
            "310",
        ),
    ];
    // A board that has both keeps the first, though the other is larger.
    let both: [Series<'_>; 1] = [(
        r#""hostname":"gpu-1","gpu_id":"0","serial_number":"PC-1","gpu_partition_id":"0""#,
        "999",
    )];
    let mut rig = said(
        "preset: amd",
        &["gpu-1", "gpu-2", "gpu-3", "gpu-4"],
        &[
            ("gpu_package_power", "gpu_package_power", &power),
            ("gpu_average_package_power", "gpu_average_package_power", &average),
            ("amd_gpu_package_power", "amd_gpu_package_power", &both),
        ],
    )
    .await;
    for (node, watts, boards) in [
        ("gpu-1", 1240.0, 2),
        ("gpu-2", 300.0, 1),
        ("gpu-3", 310.0, 1),
        ("gpu-4", 520.0, 1),
    ] {
        let view = rig.view(node);
        assert_eq!(
            (view.watts.map(Watts::get), view.boards),
            (Some(watts), boards),
            "{node}"
        );
    }
    rig.stop().await;
}

#[tokio::test]
async fn intel_cards_and_tiles_are_not_added_to_their_gpus() {
    let series: [Series<'_>; 5] = [
        (
            r#""node":"gpu-1","uuid":"0-1","dev_name":"Intel Data Center GPU Max 1550","pci_bdf":"0000:29:00.0","vendor":"Intel""#,
            "410",
        ),
        (
            r#""node":"gpu-1","uuid":"0-2","dev_name":"Intel Data Center GPU Max 1550","pci_bdf":"0000:3a:00.0","vendor":"Intel""#,
            "390",
        ),
        (
            r#""node":"gpu-1","uuid":"0-1","pci_bdf":"0000:29:00.0","sub_dev":"0""#,
            "200",
        ),
        (
            r#""node":"gpu-1","uuid":"0-1","pci_bdf":"0000:29:00.0","sub_dev":"1""#,
            "210",
        ),
        (r#""node":"gpu-1","card":"2147483649""#, "800"),
    ];
    let mut rig = said(
        "preset: intel-xpum",
        &["gpu-1"],
        &[("xpum_power_watts", "xpum_power_watts", &series)],
    )
    .await;
    let view = rig.view("gpu-1");
    assert_eq!((view.watts.map(Watts::get), view.boards), (Some(800.0), 2));
    rig.stop().await;
}

/// What hosts say: keys of the source, its query and metric, its series, and the watts and scope of the node.
#[rstest]
#[case::kepler_0_9("preset: kepler-0.9", "rate(kepler_node_platform_joules_total[120s])", "kepler_node_platform_joules_total", &[
    (r#""exported_instance":"n1","instance":"10.0.0.7:9102","mode":"idle","source":"acpi""#, "210.5"),
    (r#""exported_instance":"n1","instance":"10.0.0.7:9102","mode":"dynamic","source":"acpi""#, "389.5"),
], Some((600.0, HostScope::Machine)))]
#[case::kepler_0_9_says_zero("preset: kepler-0.9", "rate(kepler_node_platform_joules_total[120s])", "kepler_node_platform_joules_total", &[
    (r#""exported_instance":"n1","mode":"idle""#, "0"), (r#""exported_instance":"n1","mode":"dynamic""#, "0"),
], None)]
#[case::kepler_0_9_packages("preset: kepler-0.9-package", "rate(kepler_node_package_joules_total[120s])", "kepler_node_package_joules_total", &[
    (r#""exported_instance":"n1","package":"0","mode":"idle""#, "40"), (r#""exported_instance":"n1","package":"0","mode":"dynamic""#, "60"),
    (r#""exported_instance":"n1","package":"1","mode":"idle""#, "41"),
], Some((141.0, HostScope::Packages)))]
#[case::kepler_zones_overlap("preset: kepler", "kepler_node_cpu_watts", "kepler_node_cpu_watts", &[
    (r#""node_name":"n1","zone":"package","path":"/sys/class/powercap/intel-rapl:0""#, "110"),
    (r#""node_name":"n1","zone":"core","path":"/sys/class/powercap/intel-rapl:0:0""#, "80"),
    (r#""node_name":"n1","zone":"dram","path":"/sys/class/powercap/intel-rapl:0:1""#, "15"),
    (r#""node_name":"n1","zone":"psys","path":"/sys/class/powercap/intel-rapl:1""#, "190"),
], Some((110.0, HostScope::Packages)))]
#[case::kepler_platform("preset: kepler-platform", "kepler_platform_watts", "kepler_platform_watts", &[
    (r#""source":"redfish","node_name":"n1","bmc_id":"b","chassis_id":"c","source_id":"PSU1","source_name":"PSU 1","source_type":"PowerSupply""#, "430"),
    (r#""source":"redfish","node_name":"n1","bmc_id":"b","chassis_id":"c","source_id":"PSU2","source_name":"PSU 2","source_type":"PowerSupply""#, "420"),
], Some((850.0, HostScope::Machine)))]
#[case::ipmi("preset: ipmi, nodes: {10.1.0.7: n1}", "ipmi_dcmi_power_consumption_current_watts", "ipmi_dcmi_power_consumption_current_watts", &[
    (r#""instance":"10.1.0.7:9290","job":"ipmi""#, "1830"),
], Some((1830.0, HostScope::Machine)))]
#[case::ipmi_scraped_by_two_jobs("preset: ipmi", "ipmi_dcmi_power_consumption_current_watts", "ipmi_dcmi_power_consumption_current_watts", &[
    (r#""instance":"n1:9290","job":"a""#, "1830"), (r#""instance":"n1:9290","job":"b""#, "1820"),
], Some((1830.0, HostScope::Machine)))]
#[case::node_exporter("preset: node-exporter", "rate(node_rapl_package_joules_total[120s])", "node_rapl_package_joules_total", &[
    (r#""instance":"n1:9100","index":"0","path":"/host/sys/class/powercap/intel-rapl:0""#, "95.5"),
    (r#""instance":"n1:9100","index":"1","path":"/host/sys/class/powercap/intel-rapl:1""#, "104.5"),
], Some((200.0, HostScope::Packages)))]
#[case::scaphandre("preset: scaphandre", "scaph_host_power_microwatts", "scaph_host_power_microwatts", &[
    (r#""instance":"n1:8080""#, "187500000"),
], Some((187.5, HostScope::Packages)))]
#[case::a_series_of_ones_own("metric: outlet_kw, unit: kW, measures: machine, nodeLabel: host, match: {outlet: A}", "outlet_kw", "outlet_kw", &[
    (r#""host":"n1","outlet":"A""#, "1.25"), (r#""host":"n1","outlet":"B""#, "9"),
], Some((1250.0, HostScope::Machine)))]
#[case::a_counter_of_ones_own("metric: e_total, unit: mJ, measures: packages, rateWindow: 5m", "rate(e_total[300s])", "e_total", &[
    (r#""node":"n1""#, "150000"),
], Some((150.0, HostScope::Packages)))]
#[case::no_number("preset: ipmi", "ipmi_dcmi_power_consumption_current_watts", "ipmi_dcmi_power_consumption_current_watts", &[
    (r#""instance":"n1:9290""#, "NaN"), (r#""instance":"n2:9290""#, "400"),
], None)]
#[case::more_than_a_machine_draws("preset: ipmi", "ipmi_dcmi_power_consumption_current_watts", "ipmi_dcmi_power_consumption_current_watts", &[
    (r#""instance":"n1:9290""#, "65535000"), (r#""instance":"n2:9290""#, "400"),
], None)]
#[tokio::test]
async fn hosts_are_read_in_watts(
    #[case] keys: &str,
    #[case] query: &str,
    #[case] metric: &str,
    #[case] series: &[Series<'_>],
    #[case] expected: Option<(f64, HostScope)>,
) {
    // A second node of which another source would speak keeps reports coming where n1 is not in them.
    let server = serve(&[(query, metric, series)]).await;
    let source = format!("{{type: prometheus, url: '{}', {keys}}}", server.uri());
    let mut rig = Rig::start(&settings(&source), &["n1", "n2"], at(NOW));
    if expected.is_some() {
        rig.take().await;
    } else {
        rig.until_fetched().await;
    }
    let host = rig.host("n1");
    assert_eq!(
        host.as_ref().map(|host| (host.reading.value.get(), host.scope)),
        expected
    );
    assert_eq!(rig.view("n1").rung, PowerRung::Model, "a host is no board");
    rig.stop().await;
}

#[tokio::test]
async fn kepler_and_dcgm_call_a_board_by_the_same_name() {
    let kepler: [Series<'_>; 2] = [
        (
            r#""node_name":"n1","gpu":"0","gpu_uuid":"GPU-1","gpu_name":"NVIDIA H100 80GB HBM3","vendor":"nvidia""#,
            "99",
        ),
        (
            r#""node_name":"n1","gpu":"1","gpu_uuid":"GPU-2","gpu_name":"NVIDIA H100 80GB HBM3","vendor":"nvidia""#,
            "80",
        ),
    ];
    let dcgm: [Series<'_>; 1] = [(
        r#""Hostname":"n1","UUID":"GPU-1","modelName":"NVIDIA H100 80GB HBM3""#,
        "412",
    )];
    let server = serve(&[
        ("kepler_node_gpu_watts", "kepler_node_gpu_watts", &kepler),
        ("DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_POWER_USAGE", &dcgm),
    ])
    .await;
    let of = |preset: &str| format!("{{type: prometheus, preset: {preset}, url: '{}'}}", server.uri());
    let mut rig = Rig::start(
        &settings(&format!("{}, {}", of("dcgm"), of("kepler-gpu"))),
        &["n1"],
        at(NOW),
    );
    rig.take_until(|report| report.source.as_str() == "dcgm+kepler-gpu")
        .await;
    let view = rig.view("n1");
    assert_eq!(
        (view.watts.map(Watts::get), view.boards),
        (Some(492.0), 2),
        "GPU-1 of the first, GPU-2 of the other"
    );
    rig.stop().await;
}

#[tokio::test]
async fn names_of_older_and_lower_cased_exporters_are_given() {
    let old: [Series<'_>; 2] = [
        (r#""gpu":"0","uuid":"GPU-1","kubernetes_node":"n1""#, "250"),
        (
            r#""gpu":"0","uuid":"GPU-1","kubernetes_node":"n1","vgpu":"3","exported_pod":"b""#,
            "250",
        ),
    ];
    let mut rig = said(
        "metric: dcgm_power_usage, nodeLabel: kubernetes_node",
        &["n1"],
        &[("dcgm_power_usage", "dcgm_power_usage", &old)],
    )
    .await;
    assert_eq!(
        (rig.watts("n1"), rig.view("n1").boards),
        (250.0, 1),
        "virtual GPUs repeat the board"
    );
    rig.stop().await;
}

#[rstest]
#[case::cannot_execute(ResponseTemplate::new(422).set_body_string(r#"{"status":"error","errorType":"execution","error":"found duplicate series"}"#), "status")]
#[case::bad_data(ResponseTemplate::new(400).set_body_string(r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\""}"#), "status")]
#[case::timed_out(ResponseTemplate::new(503).set_body_string(r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#), "status")]
#[case::a_login_page(ResponseTemplate::new(200).set_body_raw("<!doctype html><html><body>Sign in</body></html>", "text/html"), "shape")]
#[case::an_error_that_is_a_success(ResponseTemplate::new(200).set_body_string(r#"{"status":"error","errorType":"internal","error":"x"}"#), "shape")]
#[case::a_scalar(ResponseTemplate::new(200).set_body_string(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}"#), "shape")]
#[case::an_empty_vector(ResponseTemplate::new(200).set_body_string(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#), "no-data")]
#[tokio::test]
async fn an_answer_without_watts_says_nothing(#[case] answer: ResponseTemplate, #[case] outcome: &str) {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/query"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let source = format!("{{type: prometheus, preset: kepler-0.9, url: '{}'}}", server.uri());
    let mut rig = Rig::start(&settings(&source), &["n1"], at(NOW));
    rig.until_metric(&format!(
        r#"heliotrope_power_fetches_total{{source="kepler-0.9",outcome="{outcome}"}} 2"#
    ))
    .await;
    assert!(rig.reports.try_recv().is_err() && rig.host("n1").is_none());
    rig.stop().await;
}
