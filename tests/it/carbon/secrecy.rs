//! Keys and tokens: nothing that the process emits holds one, whatever a provider does with it.

use super::*;
use crate::captured::Log;
use crate::fakes::{FakeElectricityMaps, FakeWattTime, Said};
use heliotrope::telemetry::Metrics;
use std::process::{Command, Output};
use tempfile::TempDir;

const NOW: &str = "2024-03-06T19:10:00Z";
const KEY: &str = "hush-hush-key";
/// Parts of every key, password and token of the fakes, and of the account as a header has it.
const SECRETS: [&str; 3] = ["hush", "bWU6", "aHVzaA"];

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (name, password) = FakeWattTime::account();
    for (file, text) in [("key", KEY), ("name", name), ("password", password)] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

fn carbon(maps: &str, watttime: &str, folder: &TempDir) -> String {
    let folder = folder.path().display();
    format!(
        "  basis: direct\n  providers:\n    - {{name: maps, type: electricity-maps, url: '{maps}', keyFile: '{folder}/key'}}\n    - {{name: watttime, type: watttime, url: '{watttime}', usernameFile: '{folder}/name', passwordFile: '{folder}/password', signal: average, regions: {{DE: DE}}}}\n  zones: {{DE: [maps, watttime]}}\n"
    )
}

fn assert_silent(what: &str, text: &str) {
    for secret in SECRETS {
        let held = text.lines().find(|line| line.contains(secret));
        assert!(held.is_none(), "{what} shows a key: {held:?}");
    }
}

/// Everything that comes of one behaviour of both providers: log, metrics, outcomes, the settings as a log would have them.
async fn emitted(maps: &str, watttime: &str, folder: &TempDir) -> String {
    let (log, guard) = Log::of_this_thread();
    let mut settings = settings(&carbon(maps, watttime, folder));
    for provider in &mut settings.carbon.providers {
        provider.interval = Duration::from_millis(30);
    }
    with_tls();
    let http = HttpClient::new(&settings.outbound, ["127.0.0.1".to_owned()]).unwrap();
    let shown = format!("{settings:?} {http:?}");
    let (_table, table) = watch::channel(Tables::builtin().unwrap().zones);
    let sources = CarbonSources::new(settings.carbon.clone(), table, http);
    let probes = format!("{sources:?} {:?}", sources.probe(&(Arc::new(|| at(NOW)) as _)).await);
    let (out, mut reports) = channel(64);
    let (metrics, cancel) = (Metrics::new(), CancellationToken::new());
    let run = sources.run(Arc::new(|| at(NOW)), out, metrics.clone(), cancel.clone());
    let stop = async {
        let start = Instant::now();
        let spoken = |page: &str| page.matches("heliotrope_carbon_fetches_total{").count() >= 2;
        while !spoken(&metrics.exposition()) {
            assert!(start.elapsed() < PATIENCE, "{}", metrics.exposition());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(80)).await;
        cancel.cancel();
    };
    tokio::join!(run, stop);
    drop(guard);
    let told: Vec<String> = std::iter::from_fn(|| reports.try_recv().ok())
        .map(|report| format!("{report:?}"))
        .collect();
    let log = log.text();
    assert!(log.contains("carbon"), "the log was taken in: {log}");
    format!(
        "{log}\n{}\n{}\n{shown}\n{probes}",
        metrics.exposition(),
        told.join("\n")
    )
}

#[tokio::test]
async fn nothing_emitted_holds_a_key() {
    // A server that echoes what it was given, in each way of refusing and of being broken.
    let echo = format!("{{\"error\":\"token {KEY} of me:hush (bWU6aHVzaA==) jwt-hush-1\",\"message\":\"{KEY}\"}}");
    let sayings = [
        None,
        Some(Said::body(&echo)),
        Some(Said::body(format!("not json {echo}"))),
        Some(Said::status(400, &echo)),
        Some(Said::status(401, &echo)),
        Some(Said::status(403, &echo)),
        Some(Said::status(404, &echo)),
        Some(Said::status(429, &echo).retry_after("hush")),
        Some(Said::status(503, &echo)),
    ];
    for said in sayings {
        let (maps, watttime) = (
            FakeElectricityMaps::start(KEY, Arc::new(|| at(NOW))).await,
            FakeWattTime::start(Arc::new(|| at(NOW))).await,
        );
        maps.zone("DE", 400.0);
        watttime.region("DE", 400.0);
        if let Some(said) = &said {
            for end in ["zones", "latest", "history", "past-range", "forecast"] {
                maps.says(end, said.clone());
            }
            watttime.says("historical", said.clone());
            watttime.says("my-access", said.clone());
        }
        assert_silent(
            &format!("{said:?}"),
            &emitted(maps.url(), watttime.url(), &folder()).await,
        );
        watttime.says("/login", said.unwrap_or(Said::status(502, &echo)));
        assert_silent("a login", &emitted(maps.url(), watttime.url(), &folder()).await);
    }
}

#[tokio::test]
async fn no_connection_and_no_key_file_show_no_key() {
    // Nobody listens there any more: reqwest's own errors have the address in them.
    let gone = FakeWattTime::start(Arc::new(|| at(NOW))).await.url().to_owned();
    assert_silent("a broken connection", &emitted(&gone, &gone, &folder()).await);
    let folder = folder();
    for file in ["key", "name", "password"] {
        std::fs::write(folder.path().join(file), format!("{KEY} {KEY}\nhush")).unwrap();
    }
    assert_silent("a file that holds no key", &emitted(&gone, &gone, &folder).await);
}

/// `heliotrope check`, as people run it.
async fn check(carbon: &str, arguments: &'static [&'static str]) -> (Output, String) {
    let text = format!(
        "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\noutbound: {{allowPlainHttp: ['127.0.0.1']}}\ncarbon:\n{carbon}"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let run = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heliotrope"));
        command
            .args(["check", "--config"])
            .arg(file.path())
            .args(arguments)
            .output()
            .unwrap()
    });
    let output = run.await.unwrap();
    let told = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output, String::from_utf8(told).unwrap())
}

#[tokio::test]
async fn check_asks_what_keys_can_read_only_when_told_to() {
    let (maps, watttime) = (
        FakeElectricityMaps::start(KEY, Arc::new(|| at(NOW))).await,
        FakeWattTime::start(Arc::new(|| at(NOW))).await,
    );
    maps.plan("DE", 400.0, &["carbon-intensity/latest"]);
    watttime.region("DE", 400.0);
    let folder = folder();
    let carbon = carbon(maps.url(), watttime.url(), &folder);
    let (output, told) = check(&carbon, &[]).await;
    assert!(
        output.status.success() && !told.contains("What keys can read"),
        "{told}"
    );
    assert_eq!(
        (maps.asked("").len(), watttime.asked("").len()),
        (0, 0),
        "nobody was called"
    );
    for arguments in [&["--probe"][..], &["--probe", "-o", "json"]] {
        let (output, told) = check(&carbon, arguments).await;
        assert!(output.status.success(), "{told}");
        assert_silent("check", &told);
        if arguments.len() == 1 {
            let row = told
                .lines()
                .find(|line| line.contains("maps ") && line.contains("latest "))
                .unwrap();
            assert!(row.contains("history, past, forecast"), "{row}");
            continue;
        }
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let maps = &answer["probes"][0];
        assert_eq!(
            (&maps["provider"], &maps["error"]),
            (&serde_json::json!("maps"), &serde_json::Value::Null)
        );
        let can = serde_json::json!({ "latest": true, "history": false, "past": false, "forecast": false });
        assert_eq!(maps["zones"]["DE"], can);
        assert_eq!(answer["probes"][1]["zones"]["DE"]["past"], true);
    }
    assert_eq!(
        (maps.asked("/zones").len(), maps.asked("intensity").len()),
        (2, 0),
        "one call a probe"
    );
    std::fs::write(folder.path().join("key"), "hush-wrong").unwrap();
    std::fs::write(folder.path().join("password"), "hush-wrong").unwrap();
    let (output, told) = check(&carbon, &["--probe"]).await;
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("does not take the key") && told.contains("not known"),
        "{told}"
    );
    assert_silent("check", &told);
    std::fs::remove_file(folder.path().join("key")).unwrap();
    let (_, told) = check(&carbon, &[]).await;
    assert!(told.contains("provider maps has no key here"), "{told}");
}

#[tokio::test]
async fn check_warns_of_marginal_placement() {
    let carbon = "  placementSignal: marginal\n  basis: direct\n";
    let (output, told) = check(carbon, &[]).await;
    assert!(
        output.status.success() && told.contains("carbon.placementSignal is marginal"),
        "{told}"
    );
    let (_, told) = check("  basis: direct\n", &[]).await;
    assert!(!told.contains("marginal"), "{told}");
}
