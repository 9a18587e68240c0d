//! What Prometheus answers presets with, and what it comes to.

use super::*;
use serde_json::{Value, json};

/// A series of a part of an answer.
fn part<'a>(part: &str, labels: Value, value: &'a str) -> (Value, &'a str) {
    let mut labels = labels;
    labels["heliotrope_part"] = json!(part);
    (labels, value)
}

const FRESH: &str = "1799999990";
const OLD: &str = "1799999800";

fn per_pod(query: PromQuery) -> Source {
    Source::Prometheus {
        query,
        shape: heliotrope_core::rightsizing::Shape::PerPod,
    }
}

fn total(query: PromQuery) -> Source {
    Source::Prometheus {
        query,
        shape: heliotrope_core::rightsizing::Shape::Total,
    }
}

fn queue() -> PromQuery {
    preset(Server::Vllm, Measure::QueueDepth, None)
}

fn p99() -> PromQuery {
    preset(Server::Vllm, Measure::Latency, Some(0.99))
}

#[tokio::test]
async fn a_gauge_is_joined_to_the_pods_of_the_target() {
    let rig = Rig::start().await;
    rig.server.gives(&[
        part("value", json!({"pod": "llm-7d9-a"}), "3"),
        part("value", json!({"pod": "llm-7d9-b"}), "0"),
        part("value", json!({"pod": "other"}), "100"),
        part("stamp", json!({"pod": "llm-7d9-a"}), FRESH),
        part("stamp", json!({"pod": "llm-7d9-b"}), FRESH),
    ]);
    let observed = rig.read(&two(), &[per_pod(queue())]).await;
    assert_eq!(
        values(&observed.readings[0]),
        (vec![Some(3000), Some(0)], vec![]),
        "zero is a value"
    );
    let MetricReading::Pods { pods, .. } = &observed.readings[0] else {
        unreachable!()
    };
    assert_eq!(
        pods[0].sample.unwrap().at,
        ago(10),
        "when it was scraped, not when it was asked for"
    );
    assert_eq!((told(&observed), rig.counted("prometheus", "ok")), (vec![], 1));
    assert_eq!(
        rig.server.expression(),
        "label_replace(sum by (pod) (vllm:num_requests_waiting{namespace=\"ml\",pod=~\"llm-7d9-(?:a|b)\"}), \
         \"heliotrope_part\", \"value\", \"heliotrope_part\", \"\") or \
         label_replace(min by (pod) (timestamp(vllm:num_requests_waiting{namespace=\"ml\",pod=~\"llm-7d9-(?:a|b)\"})), \
         \"heliotrope_part\", \"stamp\", \"heliotrope_part\", \"\")"
    );
}

#[tokio::test]
async fn absent_stale_and_zero_are_three_things() {
    let rig = Rig::start().await;
    rig.server.gives(&[]);
    fails(
        &rig.read(&two(), &[per_pod(queue())]).await,
        Signal::Absent,
        "(vllm:num_requests_waiting): no series",
    );
    fails(&rig.read(&two(), &[total(queue())]).await, Signal::Absent, "no series");
    rig.server.gives(&[
        part("value", json!({"pod": "llm-7d9-a"}), "3"),
        part("stamp", json!({"pod": "llm-7d9-a"}), OLD),
    ]);
    fails(
        &rig.read(&two(), &[per_pod(queue())]).await,
        Signal::Stale(seconds(200)),
        "200 s old",
    );
    rig.server
        .gives(&[part("value", json!({}), "3"), part("stamp", json!({}), OLD)]);
    fails(
        &rig.read(&two(), &[total(queue())]).await,
        Signal::Stale(seconds(200)),
        "200 s old",
    );
    rig.server
        .gives(&[part("value", json!({}), "0"), part("stamp", json!({}), FRESH)]);
    let observed = rig.read(&two(), &[total(queue())]).await;
    assert_eq!(
        (observed.readings, observed.presence),
        (vec![MetricReading::Values(vec![0])], vec![Signal::Fresh(())])
    );
    assert_eq!(
        (rig.counted("prometheus", "absent"), rig.counted("prometheus", "stale")),
        (2, 2)
    );
}

#[tokio::test]
async fn values_that_say_nothing_are_not_zero() {
    let rig = Rig::start().await;
    for value in ["NaN", "+Inf", "-Inf", "-1", "1e300"] {
        rig.server.gives(&[
            part("value", json!({"pod": "llm-7d9-a"}), value),
            part("stamp", json!({"pod": "llm-7d9-a"}), FRESH),
        ]);
        fails(
            &rig.read(&two(), &[per_pod(queue())]).await,
            Signal::Absent,
            "do not count",
        );
        rig.server
            .gives(&[part("value", json!({}), value), part("stamp", json!({}), FRESH)]);
        fails(
            &rig.read(&two(), &[total(queue())]).await,
            Signal::Absent,
            "do not count",
        );
        rig.server
            .gives(&[part("value", json!({}), "5"), part("value", json!({"a": "b"}), value)]);
        fails(
            &rig.read(&two(), &[total(text("sum(x)"))]).await,
            Signal::Absent,
            "do not count",
        );
    }
    rig.server.gives(&[
        part("value", json!({"pod": "llm-7d9-a"}), "NaN"),
        part("value", json!({"pod": "llm-7d9-b"}), "4"),
        part("stamp", json!({"pod": "llm-7d9-b"}), FRESH),
    ]);
    let observed = rig.read(&two(), &[per_pod(queue())]).await;
    assert_eq!(
        values(&observed.readings[0]).0,
        [None, Some(4000)],
        "the other pod counts"
    );
    assert_eq!(told(&observed).len(), 1);
}

#[tokio::test]
async fn a_percentile_is_of_the_merged_buckets_of_the_targets_pods() {
    let rig = Rig::start().await;
    rig.server.gives(&[
        part("value", json!({}), "1.25"),
        part("rate", json!({}), "3"),
        part("stamp", json!({}), FRESH),
    ]);
    let (latency, told) = rig.latency(&two(), &p99()).await;
    assert_eq!(
        (latency, told),
        (Signal::Fresh(SignedDuration::from_millis(1250)), vec![])
    );
    let asked = rig.server.expression();
    let merged = "histogram_quantile(0.99, sum by (le) \
        (rate(vllm:e2e_request_latency_seconds_bucket{namespace=\"ml\",pod=~\"llm-7d9-(?:a|b)\"}[120s])))";
    assert!(asked.contains(merged), "{asked}");
}

/// The mean of two percentiles is no percentile.
#[tokio::test]
async fn a_percentile_of_each_pod_is_refused() {
    let rig = Rig::start().await;
    fails(
        &rig.read(&two(), &[per_pod(p99())]).await,
        Signal::Absent,
        "must not be averaged",
    );
    assert_eq!(rig.server.asked(), [""; 0]);
}

#[tokio::test]
async fn no_requests_is_calm_and_none_finished_is_not() {
    let rig = Rig::start().await;
    let idle = [
        part("value", json!({}), "NaN"),
        part("rate", json!({}), "0"),
        part("stamp", json!({}), FRESH),
        part("busy", json!({}), "0"),
    ];
    rig.server.gives(&idle);
    assert_eq!(
        rig.latency(&two(), &p99()).await,
        (Signal::Fresh(SignedDuration::ZERO), vec![])
    );

    let mut hung = idle.clone();
    hung[3].1 = "7";
    rig.server.gives(&hung);
    let (latency, told) = rig.latency(&two(), &p99()).await;
    assert_eq!(
        latency,
        Signal::Absent,
        "seven requests and no answer in two minutes is no calm"
    );
    assert!(
        told[0].starts_with("latency.response (vllm:e2e_request_latency_seconds): requests are under way"),
        "{told:?}"
    );

    rig.server
        .gives(&[part("stamp", json!({}), FRESH), part("busy", json!({}), "0")]);
    let (latency, told) = rig.latency(&two(), &p99()).await;
    assert_eq!(latency, Signal::Absent, "one scrape gives no rate");
    assert!(told[0].contains("too few samples"), "{told:?}");

    let mut old = idle;
    old[2].1 = OLD;
    rig.server.gives(&old);
    assert_eq!(
        rig.latency(&two(), &p99()).await.0,
        Signal::Stale(seconds(200)),
        "no rate of the past"
    );
}

/// The replica that is overloaded is the one whose scrape takes too long: without it the others look calm.
#[tokio::test]
async fn g7_a_replica_that_cannot_be_scraped_makes_the_whole_unknown() {
    let rig = Rig::start().await;
    rig.server.gives(&[
        part("value", json!({}), "0.1"),
        part("rate", json!({}), "3"),
        part("stamp", json!({}), FRESH),
        part("down", json!({"pod": "llm-7d9-b"}), FRESH),
    ]);
    let (latency, told) = rig.latency(&two(), &p99()).await;
    assert_eq!(latency, Signal::Absent);
    assert!(told[0].contains("1 replica(s) cannot be scraped"), "{told:?}");
    fails(
        &rig.read(&two(), &[total(queue())]).await,
        Signal::Absent,
        "cannot be scraped",
    );
    let up = "up{namespace=\"ml\",pod=~\"llm-7d9-(?:a|b)\"}";
    let down = format!("(max by (pod) (timestamp({up})) and on (pod) (max by (pod) ({up}) == 0))");
    assert!(rig.server.expression().contains(&down), "{}", rig.server.expression());
    assert_eq!(rig.counted("prometheus", "unscraped"), 2);
}

/// Replicas come and go all the time, and more so where the grid decides how many there are: that one cannot be scraped says nothing
/// of the service unless it may have had requests in hand.
#[tokio::test]
async fn only_a_replica_that_may_serve_is_missed() {
    type Change<'a> = &'a dyn Fn(&mut Pod);
    let rig = Rig::start().await;
    rig.server.gives(&[
        part("value", json!({}), "0.1"),
        part("rate", json!({}), "3"),
        part("stamp", json!({}), FRESH),
        part("down", json!({"pod": "llm-7d9-b"}), FRESH),
    ]);
    let ready = |ready, since| {
        Some(ReadyCondition {
            ready,
            changed: ago(since),
        })
    };
    let is_missed = async |what: &str, change: Change<'_>| {
        let mut pods = two();
        change(&mut pods[1].facts);
        let (latency, _) = rig.latency(&pods, &p99()).await;
        match latency {
            Signal::Absent => true,
            Signal::Fresh(time) if time == SignedDuration::from_millis(100) => false,
            other => panic!("{what}: {other:?}"),
        }
    };
    // It was tried ten seconds ago.
    let cases: [(&str, bool, Change<'_>); 9] = [
        ("serves", true, &|_| ()),
        ("goes", false, &|pod| pod.deleting = true),
        ("failed", false, &|pod| pod.phase = PodPhase::Failed),
        ("has no node yet", false, &|pod| {
            (pod.phase, pod.ready, pod.started) = (PodPhase::Pending, None, None);
        }),
        ("loads its model", false, &|pod| pod.ready = ready(Some(false), 3695)),
        ("is not ready any more", true, &|pod| pod.ready = ready(Some(false), 5)),
        ("its node does not answer", true, &|pod| {
            (pod.phase, pod.ready) = (PodPhase::Unknown, ready(None, 60));
        }),
        ("became ready after the try", false, &|pod| {
            pod.ready = ready(Some(true), 8);
        }),
        ("became ready before the try", true, &|pod| {
            pod.ready = ready(Some(true), 12);
        }),
    ];
    for (what, missed, change) in cases {
        assert_eq!(is_missed(what, change).await, missed, "{what}");
    }
}

#[tokio::test]
async fn counters_are_rates_and_times_are_seconds() {
    let rig = Rig::with(", window: 5m").await;
    rig.server.gives(&[
        part("value", json!({}), "250000"),
        part("rate", json!({}), "1"),
        part("stamp", json!({}), FRESH),
    ]);
    let (mean, _) = rig
        .latency(&two(), &preset(Server::Triton, Measure::QueueTime, None))
        .await;
    assert_eq!(mean, Signal::Fresh(SignedDuration::from_millis(250)), "microseconds");
    let asked = rig.server.expression();
    let scope = "namespace=\"ml\",pod=~\"llm-7d9-(?:a|b)\"";
    let divided = format!(
        "(sum (rate(nv_inference_queue_duration_us{{{scope}}}[300s])) / sum (rate(nv_inference_request_success{{{scope}}}[300s])))"
    );
    assert!(asked.contains(&divided), "{asked}");

    let (quantile, _) = rig
        .latency(&two(), &preset(Server::Triton, Measure::FirstToken, Some(0.95)))
        .await;
    assert_eq!(quantile, Signal::Fresh(seconds(250)), "milliseconds");

    let rate = per_pod(preset(Server::Tgi, Measure::Requests, None));
    rig.server.gives(&[
        part("value", json!({"pod": "llm-7d9-a"}), "2.5"),
        part("stamp", json!({"pod": "llm-7d9-a"}), FRESH),
    ]);
    let observed = rig.read(&two(), &[rate]).await;
    assert_eq!(values(&observed.readings[0]).0, [Some(2500), None]);
    let asked = rig.server.expression();
    assert!(
        asked.contains(&format!("sum by (pod) (rate(tgi_request_success{{{scope}}}[300s]))")),
        "{asked}"
    );
}

#[tokio::test]
async fn shares_are_averaged_and_an_exporters_pod_is_the_one_that_it_names() {
    let rig = Rig::start().await;
    rig.server.gives(&[
        part(
            "value",
            json!({"exported_pod": "llm-7d9-a", "pod": "dcgm-exporter-0"}),
            "0.75",
        ),
        part("value", json!({"pod": "llm-7d9-b"}), "0.5"),
        part(
            "stamp",
            json!({"exported_pod": "llm-7d9-a", "pod": "dcgm-exporter-0"}),
            FRESH,
        ),
        part("stamp", json!({"pod": "llm-7d9-b"}), FRESH),
    ]);
    let busy = per_pod(preset(Server::Dcgm, Measure::GpuUtilisation, None));
    let observed = rig.read(&two(), &[busy]).await;
    assert_eq!(values(&observed.readings[0]).0, [Some(750), Some(500)]);
    let asked = rig.server.expression();
    let series = "avg by (exported_pod, pod) ((DCGM_FI_PROF_GR_ENGINE_ACTIVE{namespace=\"ml\",pod=~\"llm-7d9-(?:a|b)\"} or \
        DCGM_FI_PROF_GR_ENGINE_ACTIVE{exported_namespace=\"ml\",exported_pod=~\"llm-7d9-(?:a|b)\"}))";
    assert!(asked.contains(series), "{asked}");
}

#[tokio::test]
async fn what_tenants_write_stays_between_its_quotes() {
    let rig = Rig::start().await;
    rig.server.gives(&[]);
    let labels = BTreeMap::from([("model_name".to_owned(), "a\"} or up{x=\"\\\n".to_owned())]);
    let query = PromQuery::preset((Server::Vllm, Measure::QueueDepth), None, labels, None).unwrap();
    rig.read(&two(), &[per_pod(query)]).await;
    let asked = rig.server.expression();
    assert!(asked.contains(r#",model_name="a\"} or up{x=\"\\\u000a"})"#), "{asked}");
}

#[tokio::test]
async fn a_target_without_pods_has_no_metric_of_its_pods() {
    let rig = Rig::start().await;
    fails(&rig.read(&[], &[total(queue())]).await, Signal::Absent, "no pods");
    let many: Vec<TargetPod> = (0..4000).map(|n| pod(&format!("llm-{n:06}"))).collect();
    fails(
        &rig.read(&many, &[total(queue())]).await,
        Signal::Absent,
        "more pods than one question can name",
    );
    assert_eq!(rig.server.asked(), [""; 0]);
}
