//! Intensities from a Prometheus, shaped as grid-intensity-go exports them.

use super::*;
use wiremock::matchers::{path, query_param};

const NOW: &str = "2024-06-13T09:00:00Z";
/// 2024-06-13T08:24:00Z, the stamp that the exporter gave its sample.
const STAMP: &str = "1718267040";
const QUERY: &str = "grid_intensity_carbon_average";

/// Labels, value and time of a sample.
type Sample<'a> = (&'a str, &'a str, &'a str);

fn matrix(samples: &[Sample<'_>]) -> String {
    let series: Vec<String> = samples
        .iter()
        .map(|(labels, value, stamp)| {
            format!(
                r#"{{"metric":{{"__name__":"{QUERY}","provider":"x","node":"","region":"",{labels}}},"values":[[1718260000,"999"],[{stamp},"{value}"]]}}"#,
            )
        })
        .collect();
    format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#,
        series.join(",")
    )
}

/// A server that has these samples, each after an older one. As the real one it finds what is older than five minutes only
/// in a range.
async fn server(samples: &[Sample<'_>]) -> MockServer {
    let server = MockServer::start().await;
    let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    for (query, body) in [
        (QUERY.to_owned(), empty.to_owned()),
        (format!("{QUERY}[21600s]"), matrix(samples)),
    ] {
        Mock::given(path("/prom/api/v1/query"))
            .and(query_param("query", query))
            .and(query_param("time", "2024-06-13T09:00:00Z"))
            .respond_with(json(body))
            .mount(&server)
            .await;
    }
    server
}

fn rig(server: &MockServer, signal: &str, unit: &str) -> Rig {
    let yaml = format!(
        "  placementSignal: {signal}\n  basis: direct\n  providers: [{{name: series, type: prometheus, url: '{}/prom', query: {QUERY}, unit: {unit}, signal: {signal}, basis: direct}}]\n  zones: {{FR: [series], DE: [series]}}\n",
        server.uri()
    );
    Rig::start(&settings(&yaml), NOW)
}

/// Zone, value and whether estimated, of everything told in one round.
async fn told(samples: &[Sample<'_>], signal: &str, unit: &str) -> Vec<(String, f64, bool)> {
    let server = server(samples).await;
    let mut rig = rig(&server, signal, unit);
    let start = Instant::now();
    while rig.outcomes().is_empty() {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let reports = rig.drain();
    assert_eq!(reports.is_empty(), rig.count("no-data") == 1, "{:?}", rig.outcomes());
    rig.stop().await;
    let told = reports.iter().map(|report| {
        let latest = report.latest.unwrap();
        (report.zone.to_string(), latest.value.get(), latest.estimated)
    });
    told.collect()
}

#[tokio::test]
async fn a_sample_is_as_old_as_its_own_stamp() {
    let labels = r#""location":"FR","units":"gCO2e per kWh","is_estimated":"false""#;
    let server = server(&[(labels, "67.781", STAMP)]).await;
    let mut rig = rig(&server, "average", "g/kWh");
    let latest = rig.next().await.latest.unwrap();
    assert_eq!((latest.value.get(), latest.estimated), (67.781, false));
    assert_eq!(latest.from, at("2024-06-13T08:24:00Z"), "not when it was asked for");
    assert_eq!(latest.until, at("2024-06-13T09:24:00Z"));
    rig.stop().await;
}

#[tokio::test]
async fn what_is_no_intensity_is_no_data() {
    let fr = r#""location":"FR""#;
    for value in ["NaN", "+Inf", "-Inf", "-5", "0", "many"] {
        assert_eq!(told(&[(fr, value, STAMP)], "average", "g/kWh").await, [], "{value}");
    }
    for stamp in ["1e300", "-1e300"] {
        assert_eq!(
            told(&[(fr, "60", stamp)], "average", "g/kWh").await,
            [],
            "no time: {stamp}"
        );
    }
    let de = r#""location":"DE""#;
    let rest = told(&[(fr, "NaN", STAMP), (de, "300", STAMP)], "average", "g/kWh").await;
    assert_eq!(rest, [("DE".to_owned(), 300.0, false)], "the others count");
}

#[tokio::test]
async fn a_marginal_zero_is_a_value() {
    let fr = r#""location":"FR""#;
    assert_eq!(
        told(&[(fr, "0", STAMP)], "marginal", "g/kWh").await,
        [("FR".to_owned(), 0.0, false)]
    );
}

#[tokio::test]
async fn pounds_are_converted_and_percentages_never_ranked() {
    let pounds = r#""location":"FR","units":"lbCO2e per MWh""#;
    let value = told(&[(pounds, "1000", STAMP)], "marginal", "lb/MWh").await[0].1;
    assert!((value - 453.592_37).abs() < 1e-9);
    let percent = r#""location":"FR","units":"percent""#;
    for (labels, unit) in [(percent, "g/kWh"), (percent, "lb/MWh"), (pounds, "g/kWh")] {
        assert_eq!(
            told(&[(labels, "37.1", STAMP)], "marginal", unit).await,
            [],
            "{labels} as {unit}"
        );
    }
}

#[tokio::test]
async fn of_several_series_of_a_zone_the_newest_counts_then_the_highest() {
    let one = r#""location":"FR","instance":"one""#;
    let two = r#""location":"FR","instance":"two","is_estimated":"true""#;
    let newer = told(&[(one, "50", "1718267100"), (two, "90", STAMP)], "average", "g/kWh").await;
    assert_eq!(newer, [("FR".to_owned(), 50.0, false)]);
    let even = told(&[(one, "50", STAMP), (two, "90", STAMP)], "average", "g/kWh").await;
    assert_eq!(even, [("FR".to_owned(), 90.0, true)]);
}

#[tokio::test]
async fn labels_that_are_no_zone_say_nothing() {
    let samples = [
        (r#""other":"FR""#, "50", STAMP),
        (r#""location":"not a zone""#, "50", STAMP),
        (r#""location":"""#, "50", STAMP),
        (r#""location":"PL""#, "50", STAMP),
    ];
    let server = server(&samples).await;
    let mut rig = rig(&server, "average", "g/kWh");
    rig.until("ok", 1).await;
    assert_eq!(rig.drain(), [], "PL has no chain with this provider");
    rig.stop().await;
}

/// Two tenants of one server: what the one may see is not the other's answer.
#[tokio::test]
async fn who_asks_as_another_is_answered_by_itself() {
    let server = MockServer::start().await;
    for (tenant, zone, value) in [("a", "FR", "30"), ("b", "DE", "400")] {
        let labels = format!(r#""location":"{zone}""#);
        Mock::given(path("/prom/api/v1/query"))
            .and(query_param("query", format!("{QUERY}[21600s]")))
            .and(wiremock::matchers::header("x-scope-orgid", tenant))
            .respond_with(json(matrix(&[(&labels, value, STAMP)])))
            .mount(&server)
            .await;
    }
    let provider = |tenant: &str| {
        format!(
            "{{name: {tenant}, type: prometheus, url: '{}/prom', query: {QUERY}, unit: g/kWh, signal: average, basis: direct, access: {{headers: {{X-Scope-OrgID: {tenant}}}}}}}",
            server.uri()
        )
    };
    let yaml = format!(
        "  basis: direct\n  providers: [{}, {}]\n  zones: {{FR: [a], DE: [b]}}\n",
        provider("a"),
        provider("b")
    );
    let mut rig = Rig::start(&settings(&yaml), NOW);
    let mut told = std::collections::BTreeMap::new();
    while told.len() < 2 {
        let report = rig.next().await;
        told.insert(report.zone.to_string(), report.latest.unwrap().value.get());
    }
    assert_eq!(told, [("DE".to_owned(), 400.0), ("FR".to_owned(), 30.0)].into());
    rig.stop().await;
}

#[test]
fn access_is_for_this_type_alone() {
    let text = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\ncarbon: {basis: direct, providers: [{name: gb, type: gb-carbon-intensity, access: {tokenFile: t}}], zones: {GB: [gb]}}\n";
    let told = format!("{:?}", parse(text, Path::new("/")).unwrap_err());
    assert!(
        told.contains("carbon.providers[0].access") && told.contains("has no effect"),
        "{told}"
    );
}
