//! Electricity Maps, v4 and v3: every trap of its wire against a body of the documented shape.

mod key;

use super::*;
use crate::fakes::{FakeElectricityMaps, Said};
use heliotrope_core::grid::{Basis, IntensityKind, Signal};
use tempfile::TempDir;

const NOW: &str = "2024-03-06T19:10:00Z";
const KEY: &str = "hush-hush-key";

/// The fake, the file with its key, and settings that name both.
struct Maps {
    fake: FakeElectricityMaps,
    folder: TempDir,
}

impl Maps {
    async fn start() -> Self {
        let fake = FakeElectricityMaps::start(KEY, Arc::new(|| at(NOW))).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), format!("{KEY}\n")).unwrap();
        Self { fake, folder }
    }

    fn settings(&self, basis: &str, keys: &str, zones: &[&str]) -> Settings {
        let key = self.folder.path().join("key");
        let zones: Vec<String> = zones.iter().map(|zone| format!("{zone}: [maps]")).collect();
        settings(&format!(
            "  basis: {basis}\n  providers: [{{name: maps, type: electricity-maps, url: '{}', keyFile: '{}'{keys}}}]\n  zones: {{{}}}\n",
            self.fake.url(),
            key.display(),
            zones.join(", ")
        ))
    }

    fn rig(&self, keys: &str) -> Rig {
        Rig::start(&self.settings("lifecycle", keys, &["DE"]), NOW)
    }

    /// What comes of one route that says something of the test's own, while the others say nothing.
    async fn told(&self, basis: &str, route: &'static str, said: Said) -> (Option<CarbonReport>, &'static str) {
        self.fake.zone("DE", 400.0);
        for other in ["latest", "history", "past-range", "forecast"] {
            self.fake.says(other, Said::status(400, "{}"));
        }
        self.fake.says(route, said);
        Rig::start(&self.settings(basis, "", &["DE"]), NOW).one_of(4).await
    }
}

/// A point of a list, as the API writes it.
fn point(hour: u32, grams: &str) -> String {
    format!(
        r#"{{"zone":"DE","carbonIntensity":{grams},"datetime":"2024-03-06T{hour:02}:00:00.000Z","updatedAt":"2024-03-06T18:48:27.926Z","createdAt":"2024-03-03T19:47:16.265Z","emissionFactorType":"lifecycle","isEstimated":false,"estimationMethod":null}}"#
    )
}

fn list(name: &str, points: &[String]) -> Said {
    Said::body(format!(r#"{{"zone":"DE","{name}":[{}]}}"#, points.join(",")))
}

fn kind(basis: Basis) -> IntensityKind {
    IntensityKind {
        signal: Signal::Average,
        basis,
    }
}

#[tokio::test]
async fn both_versions_give_the_running_hour_the_past_and_what_is_predicted() {
    for (version, lookup) in [
        ("v4", "disableCallerLookup=true"),
        ("v3", "shouldUseFallbackCallerLookup=false"),
    ] {
        for (basis, expected) in [("lifecycle", Basis::Lifecycle), ("direct", Basis::Direct)] {
            let maps = Maps::start().await;
            maps.fake.zone("DE", 400.0);
            let mut rig = Rig::start(&maps.settings(basis, &format!(", version: {version}"), &["DE"]), NOW);
            let reports = [rig.next().await, rig.next().await, rig.next().await, rig.next().await];
            assert!(
                reports.iter().all(|report| report.kind == kind(expected)),
                "{reports:?}"
            );
            let newest = reports
                .iter()
                .filter_map(|report| report.latest)
                .max_by_key(|latest| latest.from);
            let newest = newest.unwrap();
            assert_eq!(
                (newest.value, newest.estimated),
                (grams(400.0), true),
                "estimated annotates"
            );
            assert_eq!(
                (newest.from, newest.until),
                (at("2024-03-06T19:00:00Z"), at("2024-03-06T20:00:00Z"))
            );
            let forecast = reports.iter().find_map(|report| report.forecast.as_ref()).unwrap();
            assert_eq!(forecast.points.len(), 25, "hours 0 to 24");
            assert_eq!(forecast.until, at("2024-03-07T20:00:00Z"));
            let past = reports.iter().map(|report| report.history.len()).max();
            assert_eq!(past, Some(168), "a week for the climatology");
            for route in ["latest", "history", "past-range", "forecast"] {
                let asked = maps.fake.asked(&format!("/{version}/carbon-intensity/{route}?"));
                assert_eq!(asked.len(), 1, "{route}: {asked:?}");
                for part in [
                    lookup,
                    "zone=DE",
                    "flowTraced=true",
                    &format!("emissionFactorType={basis}"),
                ] {
                    assert!(asked[0].contains(part), "{part} is not in {asked:?}");
                }
            }
            assert_eq!(maps.fake.asked("/zones").len(), 1, "one probe");
            rig.stop().await;
        }
    }
}

#[tokio::test]
async fn the_horizon_is_that_of_the_plan() {
    let maps = Maps::start().await;
    maps.fake.zone("DE", 400.0);
    let mut rig = maps.rig(", horizonHours: 72");
    let report = rig.next_that(|report| report.forecast.is_some()).await;
    assert_eq!(report.forecast.unwrap().points.len(), 73);
    rig.stop().await;
}

#[tokio::test]
async fn a_data_centre_stands_for_its_zone_and_the_zone_is_compared() {
    let maps = Maps::start().await;
    maps.fake.zone("DE", 400.0);
    let body = |zone: &str| Said::body(point(19, "120").replace("\"DE\"", &format!("\"{zone}\"")));
    maps.fake.says("latest", body("DE"));
    let rig = maps.rig(", dataCenters: {DE: GCP/Europe-West3}");
    rig.until("ok", 1).await;
    let asked = maps.fake.asked("latest");
    assert!(
        asked[0].contains("dataCenterProvider=gcp&dataCenterRegion=europe-west3"),
        "{asked:?}"
    );
    assert!(!asked[0].contains("zone="), "{asked:?}");
    rig.stop().await;
    let (report, outcome) = maps.told("lifecycle", "latest", body("BE")).await;
    assert_eq!((report, outcome), (None, "elsewhere"));
}

#[tokio::test]
async fn the_zone_of_the_callers_address_is_never_taken() {
    // A zone that the API does not know, though its list is not to be had: with the look-up closed it says so.
    let maps = Maps::start().await;
    maps.fake.zone("FR", 20.0);
    maps.fake.says("/zones", Said::status(500, "{}"));
    let rig = maps.rig("");
    rig.until("status", 5).await;
    assert_eq!((rig.count("ok"), rig.count("elsewhere")), (0, 0));
    rig.stop().await;
    // And should it answer with another zone all the same, or not say which, the answer is refused.
    for zone in [r#""zone":"FR","#, ""] {
        for (route, body) in [
            (
                "latest",
                format!(r#"{{{zone}"carbonIntensity":20,"datetime":"2024-03-06T19:00:00.000Z"}}"#),
            ),
            (
                "history",
                format!(r#"{{{zone}"history":[{{"carbonIntensity":20,"datetime":"2024-03-06T18:00:00.000Z"}}]}}"#),
            ),
            (
                "forecast",
                format!(r#"{{{zone}"forecast":[{{"carbonIntensity":20,"datetime":"2024-03-06T19:00:00.000Z"}}]}}"#),
            ),
        ] {
            let (report, outcome) = maps.told("lifecycle", route, Said::body(body)).await;
            assert_eq!((report, outcome), (None, "elsewhere"), "{route} {zone}");
        }
    }
    let mixed = [point(17, "300"), point(18, "20").replace("\"DE\"", "\"FR\"")];
    let (report, outcome) = maps.told("lifecycle", "history", list("history", &mixed)).await;
    assert_eq!(
        (report, outcome),
        (None, "elsewhere"),
        "one point of another zone spoils the list"
    );
}

#[tokio::test]
async fn null_is_no_data_and_zero_only_where_a_grid_can_have_it() {
    let maps = Maps::start().await;
    for (basis, value, expected) in [
        ("lifecycle", "null", None),
        ("lifecycle", "0", None),
        ("lifecycle", "-4", None),
        ("direct", "null", None),
        ("direct", "-4", None),
        ("direct", "0", Some(0.0)),
        ("lifecycle", "31", Some(31.0)),
    ] {
        let body = point(19, value).replace("lifecycle", basis);
        let (report, outcome) = maps.told(basis, "latest", Said::body(body)).await;
        let latest = report.and_then(|report| report.latest).map(|latest| latest.value.get());
        assert_eq!(latest, expected, "{basis} {value}");
        assert_eq!(outcome == "no-data", expected.is_none(), "{basis} {value}: {outcome}");
    }
}

#[tokio::test]
async fn one_list_has_three_names_and_gaps_stay_gaps() {
    let maps = Maps::start().await;
    let points = [point(15, "310"), point(16, "null"), point(17, "330"), point(18, "0")];
    for name in ["history", "data", "forecast"] {
        for route in ["history", "past-range"] {
            let (report, _) = maps.told("lifecycle", route, list(name, &points)).await;
            let report = report.unwrap();
            let values: Vec<f64> = report.history.iter().map(|point| point.value.get()).collect();
            assert_eq!(values, [310.0, 330.0], "{route} as {name}");
            let latest = report.latest.unwrap();
            assert_eq!((latest.value.get(), latest.until), (330.0, at("2024-03-06T18:00:00Z")));
        }
    }
    let ahead = [
        point(18, "300"),
        point(19, "310"),
        point(20, "320"),
        point(21, "null"),
        point(22, "90"),
    ];
    let (report, _) = maps.told("lifecycle", "forecast", list("forecast", &ahead)).await;
    let report = report.unwrap();
    assert_eq!(
        (report.latest, report.history.len()),
        (None, 0),
        "a forecast is no observation"
    );
    let forecast = report.forecast.unwrap();
    assert_eq!(
        (forecast.points.len(), forecast.until),
        (2, at("2024-03-06T21:00:00Z")),
        "from now to the gap"
    );
    // An hour that is not there at all is as much of a gap as a null.
    let ahead = [point(19, "310"), point(20, "320"), point(22, "90")];
    let (report, _) = maps.told("lifecycle", "forecast", list("forecast", &ahead)).await;
    let forecast = report.unwrap().forecast.unwrap();
    assert_eq!((forecast.points.len(), forecast.until), (2, at("2024-03-06T21:00:00Z")));
}

#[tokio::test]
async fn wrappers_that_could_mean_two_things_are_refused() {
    let maps = Maps::start().await;
    let one = point(19, "300");
    for (body, expected) in [
        (format!(r#"{{"zone":"DE","data":[{one}]}}"#), "ok"),
        (format!(r#"{{"zone":"DE","data":{one}}}"#), "ok"),
        (
            r#"{"zone":"DE","value":300,"unit":"gCO2eq/kWh","datetime":"2024-03-06T19:00:00+00:00","temporalGranularity":"hourly"}"#.to_owned(),
            "ok",
        ),
        (format!(r#"{{"zone":"DE","data":[{one}],"history":[{}]}}"#, point(19, "20")), "shape"),
        (
            format!(r#"{{"zone":"DE","carbonIntensity":20,"datetime":"2024-03-06T19:00:00Z","data":[{one}]}}"#),
            "shape",
        ),
        (one.replace("\"carbonIntensity\":300", "\"carbonIntensity\":300,\"value\":20"), "shape"),
        (one.replace("300", "\"300\""), "shape"),
        (one.replace("2024-03-06T19:00:00.000Z", "19:00"), "shape"),
        (one.replace("isEstimated", "temporalGranularity\":\"fortnightly\",\"isEstimated"), "shape"),
        (
            format!(r#"{{"zone":"DE","data":[{one},{}]}}"#, point(18, "20").replace("lifecycle", "direct")),
            "shape",
        ),
        (one.replace("isEstimated", "unit\":\"%\",\"isEstimated"), "unit"),
        (one.replace("isEstimated", "unit\":\"lbCO2eq/MWh\",\"isEstimated"), "unit"),
        ("[]".to_owned(), "shape"),
        (r#"{"zone":"DE"}"#.to_owned(), "shape"),
        (r#"{"error":"Something went wrong"}"#.to_owned(), "shape"),
        ("<html>maintenance</html>".to_owned(), "shape"),
    ] {
        let (report, outcome) = maps.told("lifecycle", "latest", Said::body(&body)).await;
        assert_eq!(outcome, expected, "{body}");
        let value = report.map(|report| report.latest.unwrap().value.get());
        assert_eq!(value, (expected == "ok").then_some(300.0), "{body}");
    }
}

#[tokio::test]
async fn g5_an_hour_that_has_not_begun_is_not_the_latest() {
    let maps = Maps::start().await;
    // Both of these are legal: the value of an hour is published before it, with a time later than `updatedAt`.
    let (report, _) = maps.told("lifecycle", "latest", Said::body(point(19, "216"))).await;
    assert_eq!(report.unwrap().latest.unwrap().from, at("2024-03-06T19:00:00Z"));
    let (early, _) = maps.told("lifecycle", "latest", Said::body(point(20, "10"))).await;
    let mut builder = builder(&maps.settings("lifecycle", "", &["DE"]));
    builder.apply_carbon(early.unwrap(), at(NOW)).unwrap();
    let best = |builder: &mut SnapshotBuilder, now: &str| {
        let snapshot = builder.build(at(now));
        let zone = snapshot
            .find_zone(&"DE".parse().unwrap())
            .and_then(|zone| snapshot.zone(zone))?;
        Some(zone.best()?.1.now.get())
    };
    assert_eq!(best(&mut builder, NOW), None, "at ten past seven nobody knows of eight");
}

#[tokio::test]
async fn refusals_are_told_by_what_they_mean() {
    let maps = Maps::start().await;
    let gateway = r#"{"message":"no Route matched with those values"}"#;
    for (said, expected) in [
        (
            Said::status(401, r#"{"message":"Invalid authentication credentials"}"#),
            "key",
        ),
        (Said::status(403, r#"{"error":"not in your plan"}"#), "denied"),
        (Said::status(404, gateway), "shape"),
        (Said::status(404, r#"{"error":"Zone 'DE' does not exist."}"#), "status"),
        (Said::status(400, r#"{"error":"bad request"}"#), "status"),
        (Said::status(503, "upstream"), "status"),
        (Said::status(429, "{}"), "rate-limited"),
    ] {
        let (report, outcome) = maps.told("lifecycle", "latest", said.clone()).await;
        assert_eq!((report, outcome), (None, expected), "{said:?}");
    }
}

#[tokio::test]
async fn another_kind_on_the_wire_is_counted_and_not_used() {
    let maps = Maps::start().await;
    maps.fake.zone("DE", 400.0);
    for route in ["history", "past-range", "forecast"] {
        maps.fake.says(route, Said::status(400, "{}"));
    }
    let direct = point(19, "20").replace("lifecycle", "direct");
    maps.fake.says("latest", Said::body(direct));
    let mut rig = maps.rig("");
    rig.until("mismatch", 1).await;
    let report = rig.next().await;
    let mut builder = builder(&maps.settings("lifecycle", "", &["DE"]));
    let mismatch = builder.apply_carbon(report, at(NOW)).unwrap_err();
    assert!(mismatch.to_string().contains("average/direct"), "{mismatch}");
    assert!(builder.build(at(NOW)).zones().iter().all(|zone| zone.best().is_none()));
    assert!(
        rig.outcomes()
            .contains(&("maps".to_owned(), "DE".to_owned(), "mismatch"))
    );
    rig.stop().await;
}

/// What says its basis may come after what does not.
#[tokio::test]
async fn an_answer_that_says_no_basis_has_the_one_that_others_say() {
    for (said, expected) in [
        (r#""emissionFactorType":"direct","#, Basis::Direct),
        ("", Basis::Lifecycle),
    ] {
        let maps = Maps::start().await;
        maps.fake.zone("DE", 400.0);
        let silent = |hour, name| {
            let point = point(hour, "20").replace(r#""emissionFactorType":"lifecycle","#, "");
            list(name, &[point])
        };
        maps.fake.says("history", Said::status(400, "{}"));
        maps.fake.says("past-range", silent(12, "data"));
        maps.fake.says("forecast", silent(19, "forecast"));
        maps.fake.says("latest", Said::status(503, "{}"));
        let mut settings = maps.settings("lifecycle", "", &["DE"]);
        settings.carbon.providers[0].interval = Duration::from_millis(50);
        let mut rig = Rig::start(&settings, NOW);
        rig.until("status", 3).await;
        assert_eq!(rig.drain(), [], "not believed yet");
        let latest = point(19, "20").replace(r#""emissionFactorType":"lifecycle","#, said);
        maps.fake.says("latest", Said::body(latest));
        let noon = at("2024-03-06T12:00:00Z");
        let (mut reports, mut past, mut ahead) = (Vec::new(), false, false);
        while !(past && ahead) {
            let report = rig.next().await;
            past |= report.latest.is_some_and(|latest| latest.from == noon);
            ahead |= report.forecast.is_some();
            reports.push(report);
        }
        assert!(
            reports.iter().all(|report| report.kind == kind(expected)),
            "{reports:?}"
        );
        rig.stop().await;
    }
}
