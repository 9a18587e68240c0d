//! What providers were asked, over a restart.

use super::gb::{national, period};
use super::*;
use heliotrope::carbon::CarbonMemory;
use heliotrope::history::{self, settings::HistorySettings};
use heliotrope::telemetry::Metrics;
use tempfile::TempDir;

const NOW: &str = "2018-01-20T12:10:00Z";

/// What the process before this one left in a folder.
fn left(dir: &TempDir) -> CarbonMemory {
    let settings = HistorySettings {
        dir: Some(dir.path().to_owned()),
        interval: Duration::from_secs(3600),
    };
    CarbonMemory::new(history::open(&settings, &Metrics::new()).calls)
}

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

fn good() -> ResponseTemplate {
    json(national(&[period("12:00", "12:30", "250", Some("null"))]))
}

fn provider(name: &str, server: &MockServer, keys: &str) -> String {
    format!(
        "{{name: {name}, type: gb-carbon-intensity, url: '{}'{keys}}}",
        server.uri()
    )
}

#[tokio::test]
async fn a_restart_spends_no_call_of_the_hour_twice() {
    let (server, script) = Script::serve(good()).await;
    let providers = provider("gb", &server, ", callsPerHour: 4");
    let yaml = format!("  basis: direct\n  providers: [{providers}]\n  zones: {{GB: [gb]}}\n");
    let (settings, dir) = (hurried(&yaml, Duration::from_millis(20)), folder());
    let rig = Rig::start(&settings, NOW);
    rig.until("budget", 1).await;
    rig.stop().await;
    assert_eq!(script.times("").len(), 4, "without a memory");

    let rig = Rig::remembering(&settings, NOW, left(&dir));
    rig.until("budget", 1).await;
    rig.stop().await;
    assert_eq!(script.times("").len(), 8);
    for _ in 0..2 {
        let rig = Rig::remembering(&settings, "2018-01-20T12:40:00Z", left(&dir));
        rig.until("budget", 2).await;
        let told = rig.heard.budgets.lock().unwrap()[0].clone();
        assert_eq!(told, ("gb".to_owned(), 4, 0), "half an hour later nothing is left");
        rig.stop().await;
    }
    assert_eq!(script.times("").len(), 8);
    let rig = Rig::remembering(&settings, "2018-01-20T13:10:00Z", left(&dir));
    rig.until("budget", 1).await;
    assert_eq!(script.times("").len(), 12, "an hour later all are there again");
    rig.stop().await;
}

#[tokio::test]
async fn a_restart_leaves_a_provider_alone_for_as_long_as_it_said() {
    let (server, script) = Script::serve(ResponseTemplate::new(429).insert_header("retry-after", "1800")).await;
    let (other, _) = Script::serve(good()).await;
    let providers = [provider("held", &server, ""), provider("other", &other, "")].join(", ");
    let yaml = format!("  basis: direct\n  providers: [{providers}]\n  zones: {{GB: [held], NI: [other]}}\n");
    let (settings, dir) = (hurried(&yaml, Duration::from_millis(20)), folder());
    let rig = Rig::remembering(&settings, NOW, left(&dir));
    rig.until("rate-limited", 1).await;
    rig.stop().await;
    let asked = script.times("").len();

    let rig = Rig::remembering(&settings, "2018-01-20T12:30:00Z", left(&dir));
    rig.until("ok", 10).await;
    rig.stop().await;
    assert_eq!(
        script.times("").len(),
        asked,
        "the other one was asked ten times meanwhile"
    );
    let rig = Rig::remembering(&settings, "2018-01-20T12:50:00Z", left(&dir));
    rig.until("rate-limited", 1).await;
    assert!(script.times("").len() > asked);
    rig.stop().await;
}

#[tokio::test]
async fn providers_that_the_settings_do_not_name_are_forgotten() {
    let (server, _) = Script::serve(good()).await;
    let dir = folder();
    let text = || std::fs::read_to_string(dir.path().join("calls.json")).unwrap();
    for (name, other) in [("one", "two"), ("two", "one")] {
        let providers = provider(name, &server, ", callsPerHour: 4");
        let yaml = format!("  basis: direct\n  providers: [{providers}]\n  zones: {{GB: [{name}]}}\n");
        let rig = Rig::remembering(&settings(&yaml), NOW, left(&dir));
        rig.until("ok", 1).await;
        rig.stop().await;
        assert!(text().contains(name) && !text().contains(other), "{}", text());
    }
}
