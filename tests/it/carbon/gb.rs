//! Bodies of the GB Carbon Intensity API.

use super::*;
use heliotrope_core::grid::{Basis, Signal};
use wiremock::matchers::{method, path, path_regex};

const NOW: &str = "2018-01-20T12:10:00Z";

/// A period as the API writes it: times without seconds. `actual` is what stands there, or is left out as in regions.
pub(super) fn period(from: &str, to: &str, forecast: &str, actual: Option<&str>) -> String {
    let actual = actual
        .map(|actual| format!(r#""actual":{actual},"#))
        .unwrap_or_default();
    format!(
        r#"{{"from":"2018-01-20T{from}Z","to":"2018-01-20T{to}Z","intensity":{{"forecast":{forecast},{actual}"index":"moderate"}}}}"#
    )
}

pub(super) fn national(periods: &[String]) -> String {
    format!(r#"{{"data":[{}]}}"#, periods.join(","))
}

/// A region as the API writes it, with the mix that nobody asked for.
fn region(id: u8, periods: &[String]) -> String {
    let with_mix: Vec<String> = periods
        .iter()
        .map(|period| {
            let open = period.strip_suffix('}').unwrap();
            format!(r#"{open},"generationmix":[{{"fuel":"gas","perc":43.6}},{{"fuel":"coal","perc":0}}]}}"#)
        })
        .collect();
    format!(
        r#"{{"regionid":{id},"dnoregion":"UKPN London","shortname":"London","postcode":"SW1","data":[{}]}}"#,
        with_mix.join(",")
    )
}

fn yaml(server: &MockServer, regions: &str, zones: &str) -> String {
    format!(
        "  basis: direct\n  providers: [{{name: gb, type: gb-carbon-intensity, url: '{}', regions: {{{regions}}}}}]\n  zones: {{{zones}}}\n",
        server.uri()
    )
}

/// Asks for one zone of which both routes give the same body.
async fn asked(body: ResponseTemplate, regions: &str) -> (Vec<CarbonReport>, Vec<&'static str>) {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(body).mount(&server).await;
    let mut rig = Rig::start(&settings(&yaml(&server, regions, "GB: [gb]")), NOW);
    let start = Instant::now();
    while rig.outcomes().len() < 2 {
        assert!(start.elapsed() < PATIENCE, "{:?}", rig.outcomes());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut reports = Vec::new();
    for _ in 0..rig.count("ok") {
        reports.push(rig.next().await);
    }
    let outcomes = rig.outcomes().into_iter().map(|(_, _, outcome)| outcome).collect();
    rig.stop().await;
    (reports, outcomes)
}

/// Of two reports the one with the forecast.
fn ahead(reports: &[CarbonReport]) -> &CarbonReport {
    reports.iter().find(|report| report.forecast.is_some()).unwrap()
}

#[tokio::test]
async fn a_null_actual_is_estimated_and_never_zero() {
    let server = MockServer::start().await;
    let past = national(&[
        period("11:00", "11:30", "270", Some("268")),
        period("11:30", "12:00", "266", Some("263")),
    ]);
    let next = national(&[
        period("12:00", "12:30", "250", Some("null")),
        period("12:30", "13:00", "240", Some("null")),
    ]);
    for (route, body) in [("pt24h", past), ("fw48h", next)] {
        Mock::given(path(format!("/intensity/2018-01-20T12:10Z/{route}")))
            .respond_with(json(body))
            .mount(&server)
            .await;
    }
    let mut rig = Rig::start(&settings(&yaml(&server, "", "GB: [gb]")), NOW);
    let reports = [rig.next().await, rig.next().await];
    let ahead = ahead(&reports);
    let latest = ahead.latest.unwrap();
    assert_eq!((latest.value.get(), latest.estimated), (250.0, true));
    assert_eq!(latest.until, at("2018-01-20T12:30:00Z"));
    let forecast = ahead.forecast.as_ref().unwrap();
    assert_eq!((forecast.points.len(), forecast.until), (2, at("2018-01-20T13:00:00Z")));
    assert_eq!((ahead.kind.signal, ahead.kind.basis), (Signal::Average, Basis::Direct));
    let past = reports.iter().find(|report| report.forecast.is_none()).unwrap();
    let measured = past.latest.unwrap();
    assert_eq!((measured.value.get(), measured.estimated), (263.0, false));
    assert_eq!(past.history.len(), 2);
    rig.stop().await;
}

#[tokio::test]
async fn zero_and_less_are_no_data() {
    for (forecast, actual) in [("0", "null"), ("0", "0"), ("-5", "null"), ("null", "null")] {
        let body = national(&[period("12:00", "12:30", forecast, Some(actual))]);
        let (reports, outcomes) = asked(json(body), "").await;
        assert_eq!(reports, [], "{forecast} {actual}");
        assert_eq!(outcomes, ["no-data", "no-data"], "{forecast} {actual}");
    }
    // A zero beside a figure is left out, the figure is not.
    let body = national(&[period("12:00", "12:30", "250", Some("0"))]);
    let (reports, _) = asked(json(body), "").await;
    assert_eq!(ahead(&reports).latest.unwrap().value, grams(250.0));
}

#[tokio::test]
async fn a_region_comes_as_an_object_or_in_a_list() {
    let region = region(
        13,
        &[
            period("12:00", "12:30", "162", None),
            period("12:30", "13:00", "150", None),
        ],
    );
    for body in [format!(r#"{{"data":{region}}}"#), format!(r#"{{"data":[{region}]}}"#)] {
        let server = MockServer::start().await;
        Mock::given(path_regex(
            "^/regional/intensity/2018-01-20T12:10Z/(fw48h|pt24h)/regionid/13$",
        ))
        .respond_with(json(body))
        .mount(&server)
        .await;
        let mut rig = Rig::start(&settings(&yaml(&server, "GB-LON: 13", "GB-LON: [gb]")), NOW);
        let report = rig.next_that(|report| report.forecast.is_some()).await;
        let latest = report.latest.unwrap();
        assert_eq!(
            (latest.value.get(), latest.estimated),
            (162.0, true),
            "regions have no actual"
        );
        assert_eq!(report.zone.as_str(), "GB-LON");
        rig.stop().await;
    }
}

#[tokio::test]
async fn another_region_than_asked_is_refused() {
    let period = period("12:00", "12:30", "20", None);
    let other = region(1, std::slice::from_ref(&period));
    for body in [
        format!(r#"{{"data":{other}}}"#),
        national(std::slice::from_ref(&period)),
    ] {
        let (reports, outcomes) = asked(json(body), "GB: 13").await;
        assert_eq!(
            (reports.len(), outcomes.as_slice()),
            (0, &["elsewhere", "elsewhere"][..])
        );
    }
    let both = format!(
        r#"{{"data":[{other},{}]}}"#,
        region(13, &[self::period("12:00", "12:30", "162", None)])
    );
    let (reports, _) = asked(json(both), "GB: 13").await;
    assert_eq!(
        ahead(&reports).latest.unwrap().value,
        grams(162.0),
        "its own, whatever stands beside it"
    );
}

#[tokio::test]
async fn a_period_that_comes_twice_counts_once() {
    let body = national(&[
        period("11:30", "12:00", "266", Some("263")),
        period("11:30", "12:00", "266", Some("null")),
        period("12:00", "12:30", "250", Some("null")),
        period("12:00", "12:30", "250", Some("null")),
    ]);
    let (reports, _) = asked(json(body), "").await;
    for report in &reports {
        let values: Vec<f64> = report.history.iter().map(|point| point.value.get()).collect();
        assert_eq!(values, [263.0, 250.0], "what one of the two knows is known");
    }
    assert_eq!(ahead(&reports).forecast.as_ref().unwrap().points.len(), 1);
}

#[tokio::test]
async fn a_forecast_ends_where_a_period_is_missing() {
    let body = national(&[
        period("12:00", "12:30", "250", Some("null")),
        period("12:30", "13:00", "240", Some("null")),
        period("14:00", "14:30", "100", Some("null")),
    ]);
    let (reports, _) = asked(json(body), "").await;
    let forecast = ahead(&reports).forecast.clone().unwrap();
    assert_eq!((forecast.points.len(), forecast.until), (2, at("2018-01-20T13:00:00Z")));
}

#[tokio::test]
async fn one_wrong_period_does_not_cost_the_others() {
    let body = national(&[
        period("12:00", "12:30", "250", Some("null")),
        period("noon", "12:30", "1", Some("1")),
        period("12:30", "12:30", "1", Some("1")),
    ]);
    let (reports, outcomes) = asked(json(body), "").await;
    assert_eq!(outcomes, ["ok", "ok"]);
    assert_eq!(ahead(&reports).forecast.as_ref().unwrap().points.len(), 1);
    assert_eq!(ahead(&reports).latest.unwrap().value, grams(250.0));
}

#[tokio::test]
async fn what_is_not_documented_is_refused() {
    let error =
        r#"{"error":{"code":"500 Internal Server Error","message":"There was a problem with your request."}}"#;
    let missing_comma = r#"{"data":[{"regionid":3,"data":[{"from":"2018-01-20T12:00Z","to":"2018-01-20T12:30Z","intensity":{"forecast":266,"index":"moderate"}"generationmix":[]}]}]}"#;
    let cases = [
        (
            ResponseTemplate::new(500).set_body_raw(error, "application/json"),
            "status",
        ),
        (
            ResponseTemplate::new(400).set_body_raw(error, "application/json"),
            "status",
        ),
        (json(error), "shape"),
        (json(missing_comma), "shape"),
        (
            ResponseTemplate::new(200).set_body_raw("<html>down for maintenance</html>", "text/html"),
            "shape",
        ),
        (
            json(
                r#"{"data":[{"from":"2018-01-20T12:00Z","to":"2018-01-20T12:30Z","intensity":{"forecast":"266"}}]}"#,
            ),
            "shape",
        ),
        (json(r#"{"data":[]}"#), "no-data"),
    ];
    for (body, expected) in cases {
        let (reports, outcomes) = asked(body, "").await;
        assert_eq!((reports.len(), outcomes.as_slice()), (0, &[expected, expected][..]));
    }
}

#[tokio::test]
async fn a_base_address_keeps_its_path() {
    for base in ["/mirror", "/mirror/"] {
        let server = MockServer::start().await;
        Mock::given(path("/mirror/intensity/2018-01-20T12:10Z/fw48h"))
            .respond_with(json(national(&[period("12:00", "12:30", "250", Some("null"))])))
            .mount(&server)
            .await;
        let yaml = yaml(&server, "", "GB: [gb]").replace(&server.uri(), &format!("{}{base}", server.uri()));
        let mut rig = Rig::start(&settings(&yaml), NOW);
        assert_eq!(rig.next().await.latest.unwrap().value, grams(250.0));
        rig.stop().await;
    }
}
