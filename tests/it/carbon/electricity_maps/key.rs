//! What a key can read, and what happens when it cannot, or has read enough.

use super::*;

#[tokio::test]
async fn what_the_key_cannot_read_is_not_asked_for() {
    let maps = Maps::start().await;
    maps.fake
        .plan("DE", 400.0, &["carbon-intensity/latest", "carbon-intensity/history"]);
    maps.fake.zone("PL", 700.0);
    let mut rig = Rig::start(&maps.settings("lifecycle", "", &["DE", "PL", "SE"]), NOW);
    for _ in 0..6 {
        rig.next().await;
    }
    rig.until("ok", 6).await;
    assert_eq!(rig.count("ok"), rig.outcomes().len(), "{:?}", rig.outcomes());
    let asked = |part: &str| {
        maps.fake
            .asked("carbon-intensity")
            .iter()
            .filter(|asked| asked.contains(part))
            .count()
    };
    assert_eq!((asked("zone=DE"), asked("zone=PL"), asked("zone=SE")), (2, 4, 0));
    let access = rig.heard.access.lock().unwrap().clone();
    let can = |zone: &str, what: &'static str| access[&(zone.to_owned(), what)];
    assert!(can("DE", "latest") && !can("DE", "forecast") && can("PL", "past") && !can("SE", "latest"));
    assert_eq!(maps.fake.asked("/zones").len(), 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_probe_that_fails_keeps_nobody_from_asking() {
    let maps = Maps::start().await;
    maps.fake.zone("DE", 400.0);
    maps.fake.says("/zones", Said::status(500, "{}"));
    let rig = maps.rig("");
    rig.until("ok", 4).await;
    assert!(rig.outcomes().contains(&("maps".to_owned(), "*".to_owned(), "status")));
    assert_eq!(maps.fake.asked("/zones").len(), 1, "once a day, answered or not");
    assert!(rig.heard.access.lock().unwrap().is_empty());
    rig.stop().await;
}

#[tokio::test]
async fn the_probe_is_a_call_like_any_other() {
    let maps = Maps::start().await;
    maps.fake.zone("DE", 400.0);
    let rig = maps.rig(", callsPerHour: 3");
    rig.until("budget", 2).await;
    rig.until("ok", 2).await;
    assert_eq!(maps.fake.asked("").len(), 3, "the probe and two routes");
    assert_eq!(
        rig.heard.budgets.lock().unwrap().last(),
        Some(&("maps".to_owned(), 3, 0))
    );
    rig.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_not_asked_for_again_today() {
    let maps = Maps::start().await;
    maps.fake.says(
        "/zones",
        Said::body("{}".replace("{}", r#"{"DE":{"zoneName":"Germany"}}"#)),
    );
    maps.fake.zone("DE", 400.0);
    maps.fake.says("forecast", Said::status(403, "{}"));
    let mut settings = maps.settings("lifecycle", "", &["DE"]);
    settings.carbon.providers[0].interval = Duration::from_millis(20);
    let rig = Rig::start(&settings, NOW);
    let start = Instant::now();
    while maps.fake.asked("latest").len() < 6 {
        assert!(start.elapsed() < PATIENCE, "{:?}", rig.outcomes());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((maps.fake.asked("forecast").len(), rig.count("denied")), (1, 1));
    rig.stop().await;
}

#[tokio::test]
async fn a_limit_without_a_time_is_an_interval_of_rest() {
    let maps = Maps::start().await;
    maps.fake.says("/zones", Said::status(429, "{}"));
    maps.fake.zone("DE", 400.0);
    let mut settings = maps.settings("lifecycle", "", &["DE"]);
    settings.carbon.providers[0].interval = Duration::from_millis(400);
    let start = Instant::now();
    let rig = Rig::start(&settings, NOW);
    rig.until("ok", 1).await;
    assert!(start.elapsed() >= Duration::from_millis(390), "{:?}", start.elapsed());
    rig.stop().await;
    maps.fake.says("/zones", Said::status(429, "{}").retry_after("1"));
    let start = Instant::now();
    let rig = Rig::start(&settings, NOW);
    rig.until("ok", 1).await;
    assert!(
        start.elapsed() >= Duration::from_millis(990),
        "Retry-After is longer: {:?}",
        start.elapsed()
    );
    rig.stop().await;
}

#[tokio::test]
async fn a_key_that_changes_or_is_missing_is_noticed() {
    let maps = Maps::start().await;
    maps.fake.zone("DE", 400.0);
    let path = maps.folder.path().join("key");
    std::fs::remove_file(&path).unwrap();
    let mut settings = maps.settings("lifecycle", "", &["DE"]);
    settings.carbon.providers[0].interval = Duration::from_millis(20);
    let rig = Rig::start(&settings, NOW);
    rig.until("key", 2).await;
    assert_eq!(maps.fake.asked("").len(), 0, "nobody is called without a key");
    std::fs::write(&path, "wrong").unwrap();
    let start = Instant::now();
    while maps.fake.asked("latest").is_empty() {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::write(&path, KEY).unwrap();
    rig.until("ok", 1).await;
    rig.stop().await;
}

/// A process that starts again and again asks once a day; and at once when the key is another, for that is why it was
/// started again.
#[tokio::test]
async fn a_restart_does_not_ask_again_what_the_key_can_read() {
    let maps = Maps::start().await;
    maps.fake.plan("DE", 400.0, &["carbon-intensity/latest"]);
    let (settings, dir) = (
        maps.settings("lifecycle", "", &["DE"]),
        tempfile::TempDir::new().unwrap(),
    );
    let kept = heliotrope::history::settings::HistorySettings {
        dir: Some(dir.path().to_owned()),
        interval: Duration::from_secs(3600),
    };
    let written = |at: Timestamp| {
        let key = std::fs::File::options()
            .write(true)
            .open(maps.folder.path().join("key"))
            .unwrap();
        key.set_modified(at.into()).unwrap();
    };
    let after = |hours: i64| at(NOW) + jiff::SignedDuration::from_hours(hours);
    written(after(-1));
    for (hours, probes) in [(0, 1), (23, 1), (24, 2), (25, 2), (26, 3)] {
        if hours == 26 {
            written(after(26));
        }
        let opened = heliotrope::history::open(&kept, &heliotrope::telemetry::Metrics::new());
        let memory = heliotrope::carbon::CarbonMemory::new(opened.calls);
        drop((opened.kept, opened.keeping));
        let rig = Rig::remembering(&settings, &after(hours).to_string(), memory);
        rig.until("ok", 1).await;
        let access = rig.heard.access.lock().unwrap().clone();
        assert_eq!(access.get(&("DE".to_owned(), "latest")), Some(&true), "{hours}");
        assert_eq!(access.get(&("DE".to_owned(), "forecast")), Some(&false), "{hours}");
        rig.stop().await;
        assert_eq!(maps.fake.asked("/zones").len(), probes, "after {hours} hours");
    }
    assert!(maps.fake.asked("forecast").is_empty());
    let text = std::fs::read_to_string(dir.path().join("calls.json")).unwrap();
    assert!(!text.contains(KEY), "no key is written down");
}
