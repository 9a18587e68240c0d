//! WattTime v3: the session, and every trap of its wire against a body of the documented shape.

use super::*;
use crate::fakes::{FakeWattTime, Said};
use heliotrope_core::grid::{Basis, IntensityKind, Signal};
use tempfile::TempDir;

const NOW: &str = "2022-07-15T00:02:00Z";

/// The fake, the files with an account, and settings that name both.
struct WattTime {
    fake: FakeWattTime,
    folder: TempDir,
    clock: Arc<Mutex<Timestamp>>,
}

impl WattTime {
    async fn start() -> Self {
        let clock = Arc::new(Mutex::new(at(NOW)));
        let ticking = Arc::clone(&clock);
        let fake = FakeWattTime::start(Arc::new(move || *ticking.lock().unwrap())).await;
        fake.region("CAISO_NORTH", 400.0);
        let folder = tempfile::tempdir().unwrap();
        let (name, password) = FakeWattTime::account();
        std::fs::write(folder.path().join("username"), name).unwrap();
        std::fs::write(folder.path().join("password"), format!("{password}\n")).unwrap();
        Self { fake, folder, clock }
    }

    fn settings(&self, signal: &str, zones: &[(&str, &str)]) -> Settings {
        let folder = self.folder.path().display();
        let regions: Vec<String> = zones.iter().map(|(zone, region)| format!("{zone}: {region}")).collect();
        let chains: Vec<String> = zones.iter().map(|(zone, _)| format!("{zone}: [watttime]")).collect();
        let mut settings = settings(&format!(
            "  placementSignal: {signal}\n  basis: direct\n  providers: [{{name: watttime, type: watttime, url: '{}', usernameFile: '{folder}/username', passwordFile: '{folder}/password', signal: {signal}, regions: {{{}}}}}]\n  zones: {{{}}}\n",
            self.fake.url(),
            regions.join(", "),
            chains.join(", ")
        ));
        // A week of five-minute values.
        settings.outbound.max_response_bytes = 1_000_000;
        settings
    }

    fn caiso(&self, signal: &str) -> Settings {
        self.settings(signal, &[("US-CAL-CISO", "CAISO_NORTH")])
    }

    fn rig(&self, signal: &str) -> Rig {
        Rig::start(&self.caiso(signal), NOW)
    }

    /// What comes of a body of one route, while the other says nothing.
    async fn told(&self, signal: &str, route: &'static str, said: Said) -> (Option<CarbonReport>, &'static str) {
        let other = if route == "/v3/forecast" {
            "/v3/historical"
        } else {
            "/v3/forecast"
        };
        self.fake.says(other, Said::status(400, "{}"));
        self.fake.says(route, said);
        let routes = if signal == "marginal" { 2 } else { 1 };
        self.rig(signal).one_of(routes).await
    }
}

/// A forecast as the API writes it: values in lb/MWh each five minutes from midnight on.
fn forecast(values: &[&str], warnings: &str) -> String {
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(i, value)| format!(r#"{{"point_time":"2022-07-15T00:{:02}:00Z","value":{value}}}"#, i * 5))
        .collect();
    format!(
        r#"{{"data":[{}],"meta":{{"data_point_period_seconds":300,"generated_at":"2022-07-15T00:00:00Z","generated_at_period_seconds":300,"region":"CAISO_NORTH","signal_type":"co2_moer","units":"lbs_co2_per_mwh","model":{{"date":"2023-03-01"}}{warnings}}}}}"#,
        points.join(",")
    )
}

fn failures(rig: &Rig) -> Vec<Fetched> {
    let mut outcomes = rig.outcomes();
    outcomes.retain(|(_, _, outcome)| !["ok", "shared"].contains(outcome));
    outcomes
}

#[tokio::test]
async fn pounds_become_grams_and_the_first_value_is_an_estimate_of_now() {
    let watttime = WattTime::start().await;
    let body = forecast(&["870", "860", "null", "850"], "");
    let (report, _) = watttime.told("marginal", "/v3/forecast", Said::body(body)).await;
    let report = report.unwrap();
    assert_eq!(report.zone.as_str(), "US-CAL-CISO", "our name for their region");
    let marginal = IntensityKind {
        signal: Signal::Marginal,
        basis: Basis::Direct,
    };
    assert_eq!((report.kind, report.history.len()), (marginal, 0));
    let latest = report.latest.unwrap();
    assert!((latest.value.get() - 870.0 * 0.453_592_37).abs() < 1e-9);
    assert_eq!((latest.estimated, latest.until), (true, at("2022-07-15T00:05:00Z")));
    let forecast = report.forecast.unwrap();
    assert_eq!(
        (forecast.points.len(), forecast.until),
        (2, at("2022-07-15T00:10:00Z")),
        "up to the gap"
    );
    assert_eq!(forecast.issued_at, at("2022-07-15T00:00:00Z"));
}

#[tokio::test]
async fn a_marginal_zero_is_a_value_and_an_average_zero_is_none() {
    let watttime = WattTime::start().await;
    let (report, _) = watttime
        .told("marginal", "/v3/forecast", Said::body(forecast(&["0", "12"], "")))
        .await;
    assert_eq!(report.unwrap().latest.unwrap().value, GramsPerKwh::ZERO);
    for value in ["-3", "null"] {
        let (report, outcome) = watttime
            .told("marginal", "/v3/forecast", Said::body(forecast(&[value], "")))
            .await;
        assert_eq!((report, outcome), (None, "no-data"), "{value}");
    }
    let zero = forecast(&["0"], "").replace("co2_moer", "co2_aoer");
    let (report, outcome) = watttime.told("average", "/v3/historical", Said::body(zero)).await;
    assert_eq!((report, outcome), (None, "no-data"));
}

#[tokio::test]
async fn the_percentile_is_never_ranked_and_units_are_not_assumed() {
    let watttime = WattTime::start().await;
    let good = forecast(&["870"], "");
    for (body, expected) in [
        (good.replace("lbs_co2_per_mwh", "percentile"), "unit"),
        (good.replace("lbs_co2_per_mwh", "kg_co2_per_mwh"), "unit"),
        (good.replace(r#""units":"lbs_co2_per_mwh","#, ""), "shape"),
        (good.replace("co2_moer", "health_damage"), "unit"),
        (good.replace(r#""signal_type":"co2_moer","#, ""), "shape"),
        (good.replace("CAISO_NORTH", "PJM_NJ"), "elsewhere"),
        (good.replace(r#""region":"CAISO_NORTH","#, ""), "shape"),
        (
            good.replace(r#""data_point_period_seconds":300"#, r#""data_point_period_seconds":0"#),
            "shape",
        ),
        (good.replace("870", "\"870\""), "shape"),
        (r#"{"data":[]}"#.to_owned(), "shape"),
        (
            r#"[{"freq":"300","percent":"53","moer":"850.743","ba":"CAISO_NORTH"}]"#.to_owned(),
            "shape",
        ),
        (good.clone(), "ok"),
    ] {
        let (_, outcome) = watttime.told("marginal", "/v3/forecast", Said::body(&body)).await;
        assert_eq!(outcome, expected, "{body}");
    }
    assert_eq!(
        watttime.fake.asked("signal-index"),
        Vec::<String>::new(),
        "the index is not even asked for"
    );
}

#[tokio::test]
async fn another_signal_on_the_wire_is_counted_and_not_used() {
    let watttime = WattTime::start().await;
    let body = forecast(&["870"], "").replace("co2_moer", "co2_aoer");
    let (report, _) = watttime.told("marginal", "/v3/forecast", Said::body(body)).await;
    let mut builder = builder(&watttime.caiso("marginal"));
    let mismatch = builder.apply_carbon(report.unwrap(), at(NOW)).unwrap_err();
    assert!(mismatch.to_string().contains("average/direct intensity"), "{mismatch}");
}

#[tokio::test]
async fn warnings_may_be_objects_or_texts() {
    let watttime = WattTime::start().await;
    for warnings in [
        "",
        r#","warnings":null"#,
        r#","warnings":[]"#,
        r#","warnings":[{"type":"EXTENDED_FORECAST","message":"m"}]"#,
        r#","warnings":["some text"]"#,
        r#","warnings":"some text""#,
        r#","warnings":{"type":"t","message":"m"}"#,
    ] {
        let (_, outcome) = watttime
            .told("marginal", "/v3/forecast", Said::body(forecast(&["870"], warnings)))
            .await;
        assert_eq!(outcome, "ok", "{warnings}");
    }
}

#[tokio::test]
async fn the_past_says_what_was_filled_in() {
    let watttime = WattTime::start().await;
    let body = forecast(&["870", "860"], "").replace(
        r#""value":870"#,
        r#""value":870,"imputed_data_used":true,"last_updated":"2022-07-15T00:01:00Z""#,
    );
    let (report, _) = watttime.told("marginal", "/v3/historical", Said::body(body)).await;
    let report = report.unwrap();
    assert_eq!(report.forecast, None);
    let latest = report.latest.unwrap();
    assert_eq!(
        (latest.from, latest.estimated),
        (at("2022-07-15T00:00:00Z"), true),
        "the later one has not begun"
    );
    assert_eq!(report.history.len(), 1);
}

#[tokio::test]
async fn the_average_has_a_past_by_the_hour_and_no_forecast() {
    let watttime = WattTime::start().await;
    let mut rig = watttime.rig("average");
    let report = rig.next().await;
    assert_eq!(
        (report.kind.signal, report.kind.basis),
        (Signal::Average, Basis::Direct)
    );
    assert_eq!(report.history.len(), 7 * 24 + 1);
    let latest = report.latest.unwrap();
    assert_eq!(latest.until, latest.from + jiff::SignedDuration::from_hours(1));
    let asked = watttime.fake.asked("historical");
    assert!(asked[0].contains("signal_type=co2_aoer"), "{asked:?}");
    assert!(asked[0].contains("start=2022-07-08T00:02:00Z") && asked[0].contains("end=2022-07-15T00:02:00Z"));
    assert_eq!(watttime.fake.asked("forecast"), Vec::<String>::new());
    rig.stop().await;
}

#[tokio::test]
async fn zones_of_one_region_make_one_call() {
    let watttime = WattTime::start().await;
    let settings = watttime.settings("marginal", &[("US-CAL-CISO", "CAISO_NORTH"), ("US-CAL", "CAISO_NORTH")]);
    let mut rig = Rig::start(&settings, NOW);
    for _ in 0..4 {
        rig.next().await;
    }
    assert_eq!(
        (
            watttime.fake.asked("/v3/forecast").len(),
            watttime.fake.asked("/v3/historical").len()
        ),
        (1, 1)
    );
    rig.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_login_takes_its_token() {
    let watttime = WattTime::start().await;
    watttime.fake.region("PJM_NJ", 500.0);
    watttime.fake.log_in_slowly(Duration::from_millis(200));
    watttime.fake.says("my-access", Said::status(500, "{}"));
    let settings = watttime.settings("marginal", &[("US-CAL-CISO", "CAISO_NORTH"), ("US-MIDA-PJM", "PJM_NJ")]);
    let rig = Rig::start(&settings, NOW);
    rig.until("ok", 4).await;
    assert_eq!(watttime.fake.logins(), 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let watttime = WattTime::start().await;
    let mut settings = watttime.caiso("marginal");
    settings.carbon.providers[0].interval = Duration::from_millis(20);
    let rig = Rig::start(&settings, NOW);
    rig.until("ok", 5).await;
    assert_eq!(watttime.fake.logins(), 1, "one token for all calls");
    for (now, logins) in [
        ("2022-07-15T00:26:00Z", 1),
        ("2022-07-15T00:28:00Z", 2),
        ("2022-07-15T00:52:00Z", 2),
    ] {
        *watttime.clock.lock().unwrap() = at(now);
        rig.set_clock(now);
        let seen = rig.count("ok");
        rig.until("ok", seen + 3).await;
        assert_eq!(watttime.fake.logins(), logins, "{now}");
    }
    assert_eq!(failures(&rig), [], "no call was refused");
    rig.stop().await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_be_it_401_or_403() {
    for status in [401, 403] {
        let watttime = WattTime::start().await;
        let mut settings = watttime.caiso("marginal");
        settings.carbon.providers[0].interval = Duration::from_millis(20);
        let rig = Rig::start(&settings, NOW);
        rig.until("ok", 3).await;
        watttime.fake.expire(status);
        let seen = rig.count("ok");
        rig.until("ok", seen + 3).await;
        assert_eq!(watttime.fake.logins(), 2, "{status}");
        assert_eq!(failures(&rig), [], "nobody noticed");
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_region_out_of_the_plan_does_not_spend_logins() {
    let watttime = WattTime::start().await;
    // The API does not say what is allowed, and refuses each region with 403.
    watttime.fake.says("my-access", Said::status(500, "{}"));
    let zones: Vec<(String, String)> = (0..30).map(|i| (format!("Z{i}"), format!("R{i}"))).collect();
    let zones: Vec<(&str, &str)> = zones
        .iter()
        .map(|(zone, region)| (zone.as_str(), region.as_str()))
        .collect();
    let mut settings = watttime.settings("marginal", &zones);
    settings.carbon.providers[0].interval = Duration::from_millis(20);
    let rig = Rig::start(&settings, NOW);
    rig.until("denied", 60).await;
    assert_eq!(watttime.fake.logins(), 2, "one token, and one more to be sure");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(rig.count("denied"), 60, "each was asked for once today");
    rig.stop().await;
}

#[tokio::test]
async fn a_wrong_password_is_told_and_logins_have_a_budget() {
    let watttime = WattTime::start().await;
    std::fs::write(watttime.folder.path().join("password"), "wrong").unwrap();
    let zones: Vec<(String, String)> = (0..30).map(|i| (format!("Z{i}"), format!("R{i}"))).collect();
    let zones: Vec<(&str, &str)> = zones
        .iter()
        .map(|(zone, region)| (zone.as_str(), region.as_str()))
        .collect();
    let rig = Rig::start(&watttime.settings("marginal", &zones), NOW);
    rig.until("key", 15).await;
    rig.until("budget", 1).await;
    assert_eq!(
        watttime.fake.asked("/login").len(),
        20,
        "a fifth of what WattTime takes in five minutes"
    );
    assert_eq!((rig.count("ok"), watttime.fake.asked("/v3").len()), (0, 0));
    rig.stop().await;
}

#[tokio::test]
async fn a_login_without_a_token_is_refused() {
    let watttime = WattTime::start().await;
    for (said, expected) in [
        (Said::body("{}"), "shape"),
        (Said::body(r#"{"token":""}"#), "shape"),
        (Said::body(r#"{"token":"has space"}"#), "shape"),
        (Said::status(403, "{}"), "key"),
        (Said::status(429, "{}"), "rate-limited"),
        (Said::status(502, "{}"), "status"),
    ] {
        watttime.fake.says("/login", said.clone());
        let rig = watttime.rig("average");
        rig.until(expected, 1).await;
        rig.stop().await;
    }
}

#[tokio::test]
async fn what_the_account_cannot_read_is_not_asked_for() {
    let watttime = WattTime::start().await;
    let settings = watttime.settings("marginal", &[("US-CAL-CISO", "CAISO_NORTH"), ("US-MIDA-PJM", "PJM_NJ")]);
    let rig = Rig::start(&settings, NOW);
    rig.until("ok", 2).await;
    assert_eq!(watttime.fake.asked("PJM_NJ"), Vec::<String>::new());
    assert_eq!((watttime.fake.asked("my-access").len(), rig.count("denied")), (1, 0));
    let access = rig.heard.access.lock().unwrap().clone();
    assert_eq!(access.get(&("US-CAL-CISO".to_owned(), "forecast")), Some(&true));
    assert_eq!(access.get(&("US-MIDA-PJM".to_owned(), "forecast")), Some(&false));
    rig.stop().await;
}

#[tokio::test]
async fn too_many_calls_are_followed_by_rest() {
    for (after, least) in [(None, 400), (Some("1"), 1000)] {
        let watttime = WattTime::start().await;
        let said = Said::status(429, "{}");
        watttime.fake.says(
            "my-access",
            match after {
                Some(after) => said.retry_after(after),
                None => said,
            },
        );
        let mut settings = watttime.caiso("marginal");
        settings.carbon.providers[0].interval = Duration::from_millis(400);
        let start = Instant::now();
        let rig = Rig::start(&settings, NOW);
        rig.until("ok", 1).await;
        assert!(
            start.elapsed() >= Duration::from_millis(least - 10),
            "{after:?}: {:?}",
            start.elapsed()
        );
        rig.stop().await;
    }
}
