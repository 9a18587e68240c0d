//! Many at once, slow ones and long ones.

use super::*;
use heliotrope_core::rightsizing::Shape;
use serde_json::json;
use std::time::Duration;

fn sources(many: usize) -> Vec<Source> {
    let source = Source::Prometheus {
        query: text("sum(x)"),
        shape: Shape::Total,
    };
    vec![source; many]
}

async fn until(mut done: impl FnMut() -> bool) {
    let waited = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.unwrap();
}

#[tokio::test]
async fn so_many_are_read_at_once_and_no_more() {
    let rig = Rig::with(", timeout: 60s").await;
    rig.server.gives(&[(json!({"heliotrope_part": "value"}), "1")]);
    rig.server.hold(true);
    let (pods, all) = (two(), sources(40));
    let target = target(&pods);
    let reading = rig.reader.read(&target, &all, None, None, NOW);
    let letting = async {
        until(|| rig.server.under_way().0 == 16).await;
        rig.server.hold(false);
    };
    let (observed, ()) = tokio::join!(reading, letting);
    assert_eq!(observed.presence, vec![Signal::Fresh(()); 40]);
    assert_eq!(rig.server.under_way(), (0, 16));
}

/// One that hangs is given up, and so is what waits behind it; what is answered counts.
#[tokio::test]
async fn one_that_is_late_stops_no_other() {
    let rig = Rig::with(", timeout: 1s").await;
    let queue = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ml/queue";
    rig.server.hold(true);
    let (pods, mut all) = (two(), sources(17));
    let observed = rig.read(&pods, &all).await;
    assert_eq!(observed.presence, vec![Signal::Absent; 17]);
    // The last one may still get a place in the moment in which the others give theirs up.
    let (late, busy) = (rig.counted("prometheus", "late"), rig.counted("prometheus", "busy"));
    assert!(late >= 16 && late + busy == 17, "{late} {busy}");
    assert!(told(&observed)[0].ends_with("no answer within load.timeout"));

    rig.server.hold(false);
    let item = json!({"timestamp": ago(1).to_string(), "value": "1"});
    rig.server.says(queue, &json!({"items": [item]}));
    all.truncate(1);
    all.push(Source::External {
        metric: "queue".to_owned(),
        selector: None,
    });
    let observed = rig.read(&pods, &all).await;
    assert_eq!(
        observed.presence,
        [Signal::Absent, Signal::Fresh(())],
        "nobody serves the first"
    );
    assert_eq!(observed.problems.len(), 1);
}

#[tokio::test]
async fn an_answer_has_an_end() {
    let rig = Rig::start().await;
    let series: Vec<_> = (0..20_001)
        .map(|n| (json!({"heliotrope_part": "value", "n": n.to_string()}), "1"))
        .collect();
    rig.server.gives(&series);
    fails(
        &rig.read(&two(), &sources(1)).await,
        Signal::Absent,
        "more than 20000 series",
    );
    assert_eq!(rig.counted("prometheus", "too-many"), 1);
    let long = "x".repeat(9 * 1024 * 1024);
    rig.server.answers("/api/v1/query", 200, &long);
    fails(
        &rig.read(&two(), &sources(1)).await,
        Signal::Absent,
        "answered more than",
    );
    rig.server
        .answers("/apis/metrics.k8s.io/v1beta1/namespaces/ml/pods", 200, &long);
    let cpu = Source::Resource {
        name: "cpu".to_owned(),
        container: None,
    };
    fails(&rig.read(&two(), &[cpu]).await, Signal::Absent, "answered too much");
}
