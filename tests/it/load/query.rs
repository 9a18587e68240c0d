//! Queries of the tenants' own.

use super::*;
use heliotrope_core::rightsizing::Shape;
use serde_json::{Value, json};

fn source(query: &str, shape: Shape) -> Source {
    Source::Prometheus {
        query: text(query),
        shape,
    }
}

fn value(mut labels: Value, value: &str) -> (Value, &str) {
    labels["heliotrope_part"] = json!("value");
    (labels, value)
}

const ASKED: &str = ", \"heliotrope_part\", \"value\", \"heliotrope_part\", \"\")";

#[tokio::test]
async fn an_answer_for_pods_bears_their_names() {
    let rig = Rig::start().await;
    let query = "sum by (pod) (my_queue{namespace=\"ml\"})";
    rig.server.gives(&[
        value(json!({"pod": "llm-7d9-a"}), "1.5"),
        value(json!({"pod": "llm-7d9-b"}), "0"),
        value(json!({"pod": "llm-old"}), "9"),
    ]);
    let observed = rig.read(&two(), &[source(query, Shape::PerPod)]).await;
    assert_eq!(values(&observed.readings[0]), (vec![Some(1500), Some(0)], vec![]));
    assert_eq!(rig.server.expression(), format!("label_replace((\n{query}\n){ASKED}"));

    rig.server.gives(&[value(json!({"instance": "10.0.0.1"}), "1")]);
    let observed = rig.read(&two(), &[source(query, Shape::PerPod)]).await;
    fails(&observed, Signal::Absent, "the label with the pod's name");
    rig.server.gives(&[
        value(json!({"pod": "llm-7d9-a", "engine": "0"}), "1"),
        value(json!({"pod": "llm-7d9-a", "engine": "1"}), "2"),
    ]);
    let observed = rig.read(&two(), &[source(query, Shape::PerPod)]).await;
    fails(&observed, Signal::Absent, "add them up");
}

#[tokio::test]
async fn the_series_of_a_total_are_all_passed_on() {
    let rig = Rig::start().await;
    rig.server
        .gives(&[value(json!({"queue": "a"}), "3"), value(json!({"queue": "b"}), "4.5")]);
    let observed = rig.read(&[], &[source("sum by (queue) (x)", Shape::Total)]).await;
    assert_eq!(
        observed.readings,
        [MetricReading::Values(vec![3000, 4500])],
        "at zero replicas too"
    );
}

/// Prometheus looks five minutes back: what a selector finds may be that old, and bears the time of the question.
#[tokio::test]
async fn of_a_selector_it_is_asked_how_old_its_samples_are() {
    let rig = Rig::start().await;
    let stamp = |value| (json!({"heliotrope_part": "stamp"}), value);
    rig.server.gives(&[value(json!({}), "3"), stamp("1799999800")]);
    let query = "my_queue{pod=~\"a(b)\"} # (comment";
    let observed = rig
        .read(&two(), &[source("my_queue{pod=~\"a(b)\"}", Shape::Total)])
        .await;
    fails(&observed, Signal::Stale(seconds(200)), "200 s old");
    assert!(
        rig.server
            .expression()
            .contains("timestamp(\nmy_queue{pod=~\"a(b)\"}\n)")
    );
    rig.server.gives(&[value(json!({}), "3"), stamp("1799999999")]);
    let observed = rig.read(&two(), &[source(query, Shape::Total)]).await;
    assert_eq!(observed.presence, [Signal::Fresh(())]);
    assert!(
        rig.server.expression().contains("# (comment\n)"),
        "a comment ends with its line"
    );
}

#[tokio::test]
async fn a_latency_is_one_series_in_seconds() {
    let rig = Rig::start().await;
    let query = text("histogram_quantile(0.99, sum by (le) (rate(x_bucket[2m])))");
    rig.server.gives(&[value(json!({}), "0.25")]);
    assert_eq!(
        rig.latency(&two(), &query).await.0,
        Signal::Fresh(SignedDuration::from_millis(250))
    );
    for (series, why) in [
        (vec![], "no series"),
        (vec![value(json!({}), "NaN")], "do not count"),
        (vec![value(json!({}), "-1")], "do not count"),
        (
            vec![value(json!({"a": "1"}), "1"), value(json!({"a": "2"}), "1")],
            "2 series",
        ),
    ] {
        rig.server.gives(&series);
        let (latency, told) = rig.latency(&two(), &query).await;
        assert_eq!(latency, Signal::Absent, "{why}");
        assert!(
            told[0].starts_with("latency.response: ") && told[0].contains(why),
            "{told:?}"
        );
    }
    let observed = rig.reader.read(&target(&two()), &[], None, Some(&query), NOW).await;
    assert_eq!((observed.latency, observed.queue_age), (Signal::Absent, Signal::Absent));
    assert!(told(&observed)[0].starts_with("latency.queueAge: "));
}

#[tokio::test]
async fn queries_can_be_forbidden_and_prometheus_left_out() {
    let rig = Rig::with(", queries: presets").await;
    let observed = rig.read(&two(), &[source("up", Shape::Total)]).await;
    fails(&observed, Signal::Absent, "load.queries");
    assert_eq!(rig.counted("prometheus", "off"), 1);
    let settings = settings("window: 2m");
    let http = HttpClient::new(&settings.outbound, []).unwrap();
    let client = kube::Client::try_from(kube::Config::new(rig.server.url().parse().unwrap())).unwrap();
    let reader = Reader::new(&settings.load, &http, client, Metrics::new());
    let observed = reader
        .read(&target(&two()), &[source("up", Shape::Total)], None, None, NOW)
        .await;
    fails(&observed, Signal::Absent, "set load.prometheus.url");
    assert_eq!(rig.server.asked(), [""; 0]);
}

#[tokio::test]
async fn a_refusal_is_told_without_a_word_of_the_query() {
    let rig = Rig::start().await;
    let error = r#"{"status":"error","errorType":"bad_data","error":"parse error near hunter2"}"#;
    for (status, body, why) in [
        (400, error, "refuses the query"),
        (422, error, "refuses the query"),
        (200, error, "did not answer with an instant vector"),
        (200, "hunter2", "did not answer with an instant vector"),
        (503, "hunter2", "answered 503"),
    ] {
        rig.server.answers("/api/v1/query", status, body);
        let observed = rig.read(&two(), &[source("hunter2 {", Shape::Total)]).await;
        fails(&observed, Signal::Absent, why);
        assert!(!format!("{:?}{:?}", observed.problems, told(&observed)).contains("hunter2"));
    }
    let scalar = json!({"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}});
    rig.server.says("/api/v1/query", &scalar);
    let observed = rig.read(&two(), &[source("1", Shape::Total)]).await;
    fails(&observed, Signal::Absent, "instant vector");
}
