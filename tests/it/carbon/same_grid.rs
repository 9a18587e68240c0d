//! One and the same grid, served by every provider in turn to the real extender: the same answers, byte by byte.

use super::{at, grams, json, settings, with_tls};
use crate::fakes::{FakeElectricityMaps, FakeWattTime};
use crate::rig::{self, all, job, names_body, node_events};
use heliotrope::carbon::CarbonSources;
use heliotrope::outbound::HttpClient;
use heliotrope_core::grid::{YearlyAverage, ZoneRow, ZoneTable};
use heliotrope_core::quantity::{Rung, Source};
use heliotrope_core::snapshot::ClusterEvent;
use jiff::SignedDuration;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{path_regex, query_param};
use wiremock::{Mock, MockServer};

/// The clock of the rig.
const NOW: &str = "2026-06-01T12:00:00Z";
const KEY: &str = "hush-hush-key";
/// The grid: zone, its region in the GB API (which has no such zones: the numbers are lent), and g/kWh.
const GRID: [(&str, u8, f64); 3] = [("SE-SE3", 1, 20.0), ("GB", 2, 150.0), ("DE", 3, 400.0)];

/// What a provider of the grid lives on.
#[derive(Default)]
struct Stage {
    /// `carbon.providers`, as one line of YAML.
    provider: String,
    yearly: ZoneTable,
    maps: Option<FakeElectricityMaps>,
    _watttime: Option<FakeWattTime>,
    _server: Option<MockServer>,
    _folder: Option<tempfile::TempDir>,
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

async fn gb() -> Stage {
    let server = MockServer::start().await;
    for (_, id, grams) in GRID {
        let periods: Vec<String> = (0..96)
            .map(|half| {
                let time = |half: i32| (at(NOW) + SignedDuration::from_mins(30) * half).strftime("%Y-%m-%dT%H:%MZ").to_string();
                format!(
                    r#"{{"from":"{}","to":"{}","intensity":{{"forecast":{grams},"index":"moderate"}},"generationmix":[]}}"#,
                    time(half),
                    time(half + 1)
                )
            })
            .collect();
        let body = format!(
            r#"{{"data":{{"regionid":{id},"shortname":"x","data":[{}]}}}}"#,
            periods.join(",")
        );
        Mock::given(path_regex(format!(
            "^/regional/intensity/2026-06-01T12:00Z/(fw48h|pt24h)/regionid/{id}$"
        )))
        .respond_with(json(body))
        .mount(&server)
        .await;
    }
    Stage {
        provider: format!(
            "{{name: it, type: gb-carbon-intensity, url: '{}', regions: {{SE-SE3: 1, GB: 2, DE: 3}}}}",
            server.uri()
        ),
        _server: Some(server),
        ..Stage::default()
    }
}

async fn electricity_maps(version: &str) -> Stage {
    let fake = FakeElectricityMaps::start(KEY, Arc::new(|| at(NOW))).await;
    for (zone, _, grams) in GRID {
        fake.zone(zone, grams);
    }
    let folder = folder(&[("key", KEY)]);
    Stage {
        provider: format!(
            "{{name: it, type: electricity-maps, version: {version}, url: '{}', keyFile: '{}'}}",
            fake.url(),
            folder.path().join("key").display()
        ),
        maps: Some(fake),
        _folder: Some(folder),
        ..Stage::default()
    }
}

async fn watttime() -> Stage {
    let fake = FakeWattTime::start(Arc::new(|| at(NOW))).await;
    for (zone, _, grams) in GRID {
        fake.region(zone, grams);
    }
    let (name, password) = FakeWattTime::account();
    let folder = folder(&[("name", name), ("password", password)]);
    let path = folder.path().display();
    Stage {
        provider: format!(
            "{{name: it, type: watttime, url: '{}', usernameFile: '{path}/name', passwordFile: '{path}/password', signal: average, regions: {{SE-SE3: SE-SE3, GB: GB, DE: DE}}}}",
            fake.url()
        ),
        _watttime: Some(fake),
        _folder: Some(folder),
        ..Stage::default()
    }
}

fn file(form: &str) -> Stage {
    let hours = |hour: i32| at(NOW) + SignedDuration::from_hours(1) * hour;
    let mut csv = "datetime,zone,carbon_intensity\n".to_owned();
    let mut zones = Vec::new();
    for (zone, _, grams) in GRID {
        let mut points = Vec::new();
        for hour in -72..48 {
            writeln!(csv, "{},{zone},{grams}", hours(hour)).unwrap();
            points.push(format!(r#"{{"from":"{}","value":{grams}}}"#, hours(hour)));
        }
        zones.push(format!(r#"{{"zone":"{zone}","points":[{}]}}"#, points.join(",")));
    }
    let text = if form == "csv" {
        csv
    } else {
        format!("[{}]", zones.join(","))
    };
    let folder = folder(&[("grid", &text)]);
    Stage {
        provider: format!(
            "{{name: it, type: file, path: '{}', signal: average, basis: direct}}",
            folder.path().join("grid").display()
        ),
        _folder: Some(folder),
        ..Stage::default()
    }
}

async fn prometheus() -> Stage {
    let server = MockServer::start().await;
    let stamp = at(NOW).as_second();
    let series = GRID.map(|(zone, _, grams)| {
        format!(r#"{{"metric":{{"location":"{zone}","units":"gCO2e per kWh"}},"values":[[{stamp},"{grams}"]]}}"#)
    });
    let body = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#,
        series.join(",")
    );
    Mock::given(query_param("query", "ci[21600s]"))
        .respond_with(json(body))
        .mount(&server)
        .await;
    Stage {
        provider: format!(
            "{{name: it, type: prometheus, url: '{}', query: ci, unit: g/kWh, signal: average, basis: direct}}",
            server.uri()
        ),
        _server: Some(server),
        ..Stage::default()
    }
}

fn table() -> Stage {
    let mut yearly = ZoneTable::default();
    for (zone, _, intensity) in GRID {
        let average = YearlyAverage {
            intensity: grams(intensity),
            year: 2025,
            source: Source::new("the test"),
        };
        let row = ZoneRow {
            name: zone.to_owned(),
            lifecycle: None,
            direct: Some(average),
        };
        yearly.insert(zone.parse().unwrap(), row);
    }
    Stage {
        provider: "{name: it, type: static}".to_owned(),
        yearly,
        ..Stage::default()
    }
}

/// The extender with a provider's figures, until all zones but `silent` have one.
async fn served(stage: &Stage, silent: &[&str]) -> (rig::Rig, CancellationToken) {
    with_tls();
    let carbon = format!(
        "  basis: direct\n  providers: [{}]\n  zones: {{SE-SE3: [it], GB: [it], DE: [it]}}\n",
        stage.provider
    );
    let mut settings = settings(&carbon);
    settings.outbound.max_response_bytes = 1_000_000;
    let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
    let (_, yearly) = watch::channel(stage.yearly.clone());
    let rig = rig::Rig::silent("placement: {mode: prefer}").await;
    let mut events = node_events();
    events.extend([ClusterEvent::NodesListed, ClusterEvent::PodsListed]);
    rig.tell(events).await;
    let stop = CancellationToken::new();
    let sources = CarbonSources::new(settings.carbon, yearly, http);
    let (out, metrics) = (rig.senders.carbon.clone(), rig.metrics.clone());
    tokio::spawn(sources.run(Arc::new(|| at(NOW)), out, metrics, stop.clone()));
    let told = |zone: &str| {
        let snapshot = rig.world.snapshot();
        let zone = snapshot
            .find_zone(&zone.parse().unwrap())
            .and_then(|zone| snapshot.zone(zone));
        // Averages are all that a table has; of the others the running period is waited for.
        let best = zone.and_then(|zone| zone.best()).map(|(rung, _)| rung);
        best.is_some_and(|rung| rung == Rung::Live || stage.provider.contains("static"))
    };
    let spoken = GRID.iter().filter(|(zone, ..)| !silent.contains(zone));
    let zones: Vec<&str> = spoken.map(|(zone, ..)| *zone).collect();
    rig::until("a figure of every zone", || zones.iter().all(|zone| told(zone))).await;
    rig.settle().await;
    (rig, stop)
}

/// What the extender answers about pods of several sizes: filter and prioritize, as they are on the wire.
async fn answers(rig: &rig::Rig) -> Vec<String> {
    let mut answers = Vec::new();
    for gpus in [1, 2, 4, 8] {
        let body = names_body(&job(&format!("job-{gpus}"), gpus), &all());
        for verb in ["/filter", "/prioritize"] {
            answers.push(rig.post(verb, &body).await.text().to_owned());
        }
    }
    answers
}

#[tokio::test]
async fn every_provider_of_one_grid_gives_the_same_answers() {
    let stages = [
        ("gb", gb().await),
        ("electricity maps v4", electricity_maps("v4").await),
        ("electricity maps v3", electricity_maps("v3").await),
        ("watttime average", watttime().await),
        ("csv", file("csv")),
        ("json", file("json")),
        ("prometheus", prometheus().await),
        ("table", table()),
    ];
    let mut first: Option<Vec<String>> = None;
    for (name, stage) in &stages {
        let (rig, stop) = served(stage, &[]).await;
        let answers = answers(&rig).await;
        assert_eq!(rig.answered("prioritize", "applied"), 4, "{name}");
        assert!(
            answers[1].contains(r#""Score":10"#) && answers[1].contains(r#""Score":0"#),
            "{name}: {answers:?}"
        );
        match &first {
            None => first = Some(answers),
            Some(first) => assert_eq!(&answers, first, "{name} differs from {}", stages[0].0),
        }
        stop.cancel();
    }
}

/// Settings refuse two kinds where they show them; this is what only the wire shows.
#[tokio::test]
async fn a_zone_of_another_kind_on_the_wire_is_counted_and_not_ranked() {
    let stage = electricity_maps("v4").await;
    let fake = stage.maps.as_ref().unwrap();
    // One zone answers in lifecycle, though asked in direct, and as if it were the greenest of all.
    fake.answers_in("DE", "lifecycle");
    fake.zone("DE", 1.0);
    let (rig, stop) = served(&stage, &["DE"]).await;
    rig::until("the mismatch", || {
        rig.counted("heliotrope_carbon_kind_mismatches_total") > 0
    })
    .await;
    let series = r#"heliotrope_carbon_fetches_total{provider="it",zone="DE",outcome="mismatch"}"#;
    assert!(rig.counted(series) > 0, "{}", rig.metrics.exposition());
    let body = names_body(&job("one", 1), &all());
    let scores: Vec<serde_json::Value> = rig.post("/prioritize", &body).await.json();
    let score = |node: &str| {
        scores.iter().find(|row| row["Host"] == node).unwrap()["Score"]
            .as_i64()
            .unwrap()
    };
    assert!(score(rig::NORTH[0]) > score(rig::CENTRAL[0]), "{scores:?}");
    assert!(
        score(rig::CENTRAL[0]) >= score(rig::WEST[0]),
        "the median of what is known: {scores:?}"
    );
    stop.cancel();
}
