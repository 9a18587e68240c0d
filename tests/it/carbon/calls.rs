//! How often providers are called.

use super::gb::{national, period};
use super::*;

const NOW: &str = "2018-01-20T12:10:00Z";
const FAST: Duration = Duration::from_millis(100);

fn good() -> ResponseTemplate {
    json(national(&[period("12:00", "12:30", "250", Some("null"))]))
}

fn yaml(server: &MockServer, keys: &str) -> String {
    format!(
        "  basis: direct\n  providers: [{{name: gb, type: gb-carbon-intensity, url: '{}'{keys}}}]\n  zones: {{GB: [gb]}}\n",
        server.uri()
    )
}

#[tokio::test]
async fn zones_that_one_call_serves_make_one_call() {
    let (server, script) = Script::serve(good().set_delay(Duration::from_millis(300))).await;
    let url = server.uri();
    // Five zones without a region are the country, and so is the one zone of the other provider.
    let yaml = format!(
        "  basis: direct\n  providers:\n    - {{name: a, type: gb-carbon-intensity, url: '{url}'}}\n    - {{name: b, type: gb-carbon-intensity, url: '{url}'}}\n  zones: {{A: [a], B: [a], C: [a], D: [a], E: [a, b]}}\n"
    );
    let mut rig = Rig::start(&settings(&yaml), NOW);
    let mut heard = std::collections::BTreeMap::new();
    for _ in 0..12 {
        let report = rig.next().await;
        *heard
            .entry((report.zone.to_string(), report.source.to_string(), report.priority))
            .or_insert(0) += 1;
    }
    let expected = ["A", "B", "C", "D", "E"].map(|zone| ((zone.to_owned(), "a".to_owned(), 0), 2));
    assert_eq!(heard.remove(&("E".to_owned(), "b".to_owned(), 1)), Some(2));
    assert_eq!(
        heard.into_iter().collect::<Vec<_>>(),
        expected,
        "each hears of both answers"
    );
    assert_eq!((script.times("fw48h").len(), script.times("pt24h").len()), (1, 1));
    assert_eq!((rig.count("ok"), rig.count("shared")), (2, 2));
    let labels: Vec<String> = rig.outcomes().into_iter().map(|(_, zone, _)| zone).collect();
    assert!(
        labels.contains(&"*".to_owned()) && labels.contains(&"E".to_owned()),
        "{labels:?}"
    );
    rig.stop().await;
}

#[tokio::test]
async fn the_past_is_asked_for_once_in_half_an_hour() {
    let (server, script) = Script::serve(good()).await;
    let rig = Rig::start(&hurried(&yaml(&server, ""), FAST), NOW);
    rig.until("ok", 5).await;
    assert_eq!(script.times("pt24h").len(), 1);
    let times = script.times("fw48h");
    assert!(
        times.windows(2).all(|two| two[1] - two[0] >= FAST.mul_f64(0.9)),
        "{times:?}"
    );
    rig.stop().await;
}

#[tokio::test]
async fn no_call_is_made_beyond_the_budget() {
    let (server, script) = Script::serve(good()).await;
    let rig = Rig::start(
        &hurried(&yaml(&server, ", callsPerHour: 4"), Duration::from_millis(20)),
        NOW,
    );
    rig.until("budget", 3).await;
    assert_eq!(script.times("").len(), 4);
    assert_eq!(rig.count("ok"), 4);
    let budgets = rig.heard.budgets.lock().unwrap().clone();
    assert_eq!(
        budgets.first().unwrap(),
        &("gb".to_owned(), 4, 4),
        "shown before the first call"
    );
    assert_eq!(budgets.last().unwrap(), &("gb".to_owned(), 4, 0));
    rig.stop().await;
}

#[tokio::test]
async fn failed_calls_cost_budget_too() {
    let (server, script) = Script::serve(ResponseTemplate::new(500)).await;
    let rig = Rig::start(
        &hurried(&yaml(&server, ", callsPerHour: 3"), Duration::from_millis(20)),
        NOW,
    );
    rig.until("budget", 2).await;
    assert_eq!((script.times("").len(), rig.count("status")), (3, 3));
    rig.stop().await;
}

#[tokio::test]
async fn retry_after_is_honoured_by_every_call_to_the_provider() {
    for status in [429, 503] {
        let asks_for_rest = ResponseTemplate::new(status).insert_header("Retry-After", "1");
        let (server, script) = Script::serve(asks_for_rest).await;
        let mut rig = Rig::start(&hurried(&yaml(&server, ""), Duration::from_millis(50)), NOW);
        let outcome = if status == 429 { "rate-limited" } else { "status" };
        rig.until(outcome, 2).await;
        let refused = script.times("");
        script.set(good());
        rig.next().await;
        let after = script.times("")[refused.len()] - *refused.last().unwrap();
        assert!(
            after >= Duration::from_millis(950),
            "{status}: asked again after {after:?}"
        );
        rig.stop().await;
    }
}

#[tokio::test]
async fn failures_slow_down_and_an_answer_ends_that() {
    let (server, script) = Script::serve(ResponseTemplate::new(500)).await;
    let mut rig = Rig::start(&hurried(&yaml(&server, ""), FAST), NOW);
    let start = Instant::now();
    while script.times("fw48h").len() < 4 {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let times = script.times("fw48h");
    for (two, least) in times.windows(2).zip([1, 2, 4]) {
        let gap = two[1] - two[0];
        assert!(
            gap >= (FAST * least).mul_f64(0.9),
            "{gap:?} is less than {least} intervals"
        );
    }
    script.set(good());
    rig.next_that(|report| report.forecast.is_some()).await;
    let well = script.times("fw48h").len();
    rig.until("ok", 6).await;
    let times = script.times("fw48h");
    let gaps: Vec<Duration> = times[well - 1..].windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps.iter().all(|gap| *gap >= FAST.mul_f64(0.9)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap < FAST * 2), "every interval again: {gaps:?}");
    rig.stop().await;
}
