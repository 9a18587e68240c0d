//! The metrics APIs in the shapes that they are documented in.

use super::*;
use heliotrope_core::rightsizing::ObjectRef;
use serde_json::{Value, json};

const RESOURCE: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/ml/pods";
const EXTERNAL: &str = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ml/queue";

fn resource(container: Option<&str>) -> Source {
    Source::Resource {
        name: "cpu".to_owned(),
        container: container.map(str::to_owned),
    }
}

fn usage(pod: &str, seconds_ago: i64, server: &str, proxy: &str) -> Value {
    json!({"metadata": {"name": pod, "namespace": "ml"}, "timestamp": ago(seconds_ago).to_string(), "window": "14.937s",
        "containers": [{"name": "server", "usage": {"cpu": server, "memory": "1Gi"}},
                       {"name": "proxy", "usage": {"cpu": proxy, "memory": "64Mi"}}]})
}

fn list(kind: &str, version: &str, items: &[Value]) -> Value {
    json!({"kind": kind, "apiVersion": version, "metadata": {}, "items": items})
}

#[tokio::test]
async fn resources_are_the_sum_of_the_containers_and_of_their_requests() {
    let rig = Rig::start().await;
    let items = [
        usage("llm-7d9-a", 20, "437012345n", "1u"),
        usage("llm-7d9-b", 20, "600m", "0"),
        usage("llm-7d9-gone", 20, "1", "0"),
    ];
    rig.server
        .says(RESOURCE, &list("PodMetricsList", "metrics.k8s.io/v1beta1", &items));
    let observed = rig.read(&two(), &[resource(None)]).await;
    let (samples, strays) = values(&observed.readings[0]);
    assert_eq!(
        samples,
        [Some(439), Some(600)],
        "each container is rounded up by itself"
    );
    assert_eq!(strays, [1000], "the API counts it to the target");
    let MetricReading::Pods { pods, .. } = &observed.readings[0] else {
        unreachable!()
    };
    assert_eq!(pods[0].request, Some(750));
    let sample = pods[0].sample.unwrap();
    assert_eq!(
        (sample.at, sample.window),
        (ago(20), SignedDuration::from_millis(14_937))
    );
    assert_eq!(rig.server.asked(), [format!("{RESOURCE}?labelSelector=app%3Dllm")]);
    assert_eq!(
        (observed.presence, observed.problems),
        (vec![Signal::Fresh(())], vec![])
    );
    assert_eq!(rig.counted("resource", "ok"), 1);
}

#[tokio::test]
async fn one_container_is_read_by_itself_and_a_name_that_no_pod_has_is_a_mistake() {
    let rig = Rig::start().await;
    let items = [usage("llm-7d9-a", 20, "1", "5m"), usage("llm-7d9-b", 20, "1", "7m")];
    rig.server
        .says(RESOURCE, &list("PodMetricsList", "metrics.k8s.io/v1beta1", &items));
    let observed = rig.read(&two(), &[resource(Some("proxy"))]).await;
    assert_eq!(values(&observed.readings[0]).0, [Some(5), Some(7)]);
    let MetricReading::Pods { pods, .. } = &observed.readings[0] else {
        unreachable!()
    };
    assert_eq!(pods[1].request, Some(250));
    fails(
        &rig.read(&two(), &[resource(Some("sever"))]).await,
        Signal::Absent,
        "no container of this name",
    );
}

#[tokio::test]
async fn a_pod_whose_resource_is_not_measured_or_too_old_has_no_sample() {
    let rig = Rig::start().await;
    let mut unmeasured = usage("llm-7d9-b", 20, "1", "1");
    unmeasured["containers"][1]["usage"] = json!({"memory": "1Gi"});
    let items = [usage("llm-7d9-a", 20, "1", "0"), unmeasured];
    rig.server
        .says(RESOURCE, &list("PodMetricsList", "metrics.k8s.io/v1beta1", &items));
    let observed = rig.read(&two(), &[resource(None)]).await;
    assert_eq!(values(&observed.readings[0]).0, [Some(1000), None]);

    let items = [usage("llm-7d9-a", 20, "1", "0"), usage("llm-7d9-b", 121, "1", "0")];
    rig.server
        .says(RESOURCE, &list("PodMetricsList", "metrics.k8s.io/v1beta1", &items));
    let observed = rig.read(&two(), &[resource(None)]).await;
    assert_eq!(values(&observed.readings[0]).0, [Some(1000), None]);
    assert_eq!(observed.presence, [Signal::Fresh(())]);
    assert!(told(&observed)[0].contains("121 s old"), "{:?}", told(&observed));

    let items = [usage("llm-7d9-a", 300, "1", "0"), usage("llm-7d9-b", 121, "1", "0")];
    rig.server
        .says(RESOURCE, &list("PodMetricsList", "metrics.k8s.io/v1beta1", &items));
    let observed = rig.read(&two(), &[resource(None)]).await;
    fails(&observed, Signal::Stale(seconds(121)), "beyond load.freshFor");
    assert_eq!(rig.counted("resource", "stale"), 1);
}

#[tokio::test]
async fn nothing_said_is_not_zero() {
    let rig = Rig::start().await;
    fails(
        &rig.read(&two(), &[resource(None)]).await,
        Signal::Absent,
        "no such metric",
    );
    for nothing in [json!([]), Value::Null] {
        let empty = json!({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": nothing});
        rig.server.says(RESOURCE, &empty);
        fails(&rig.read(&two(), &[resource(None)]).await, Signal::Absent, "no series");
    }
    let items = [usage("llm-7d9-a", 20, "0", "0"), usage("llm-7d9-b", 20, "0", "0")];
    rig.server
        .says(RESOURCE, &list("PodMetricsList", "metrics.k8s.io/v1beta1", &items));
    let observed = rig.read(&two(), &[resource(None)]).await;
    assert_eq!(values(&observed.readings[0]).0, [Some(0), Some(0)]);
    assert_eq!(observed.presence, [Signal::Fresh(())]);
}

/// Says which versions of the custom metrics API are served.
fn serves(rig: &Rig, versions: &[&str]) {
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| json!({"groupVersion": format!("custom.metrics.k8s.io/{version}"), "version": version}))
        .collect();
    let group = json!({"kind": "APIGroup", "apiVersion": "v1", "name": "custom.metrics.k8s.io", "versions": versions,
        "preferredVersion": versions[0]});
    rig.server.says("/apis/custom.metrics.k8s.io", &group);
}

fn pods_metric() -> Source {
    Source::Pods {
        metric: "vllm_num_requests_waiting".to_owned(),
        selector: Some("model=a".to_owned()),
    }
}

#[tokio::test]
async fn custom_metrics_of_pods_are_read_in_the_newer_version() {
    let rig = Rig::start().await;
    serves(&rig, &["v1beta1", "v1beta2"]);
    let item = |pod: &str, value: &str| {
        json!({"describedObject": {"kind": "Pod", "namespace": "ml", "name": pod, "apiVersion": "/v1"},
            "metric": {"name": "vllm_num_requests_waiting", "selector": null},
            "timestamp": ago(5).to_string(), "windowSeconds": 30, "value": value})
    };
    let path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ml/pods/*/vllm_num_requests_waiting";
    let items = [item("llm-7d9-a", "4"), item("llm-7d9-b", "2500m")];
    rig.server
        .says(path, &list("MetricValueList", "custom.metrics.k8s.io/v1beta2", &items));
    for _ in 0..2 {
        let observed = rig.read(&two(), &[pods_metric()]).await;
        assert_eq!(values(&observed.readings[0]), (vec![Some(4000), Some(2500)], vec![]));
        let MetricReading::Pods { pods, .. } = &observed.readings[0] else {
            unreachable!()
        };
        assert_eq!(pods[0].sample.unwrap().window, seconds(30));
        assert_eq!(pods[0].request, None);
    }
    let asked = rig.server.asked();
    assert_eq!(
        asked[1],
        format!("{path}?labelSelector=app%3Dllm&metricLabelSelector=model%3Da")
    );
    assert_eq!(asked.len(), 3, "versions are asked for once: {asked:?}");
    assert_eq!(rig.counted("custom", "ok"), 2);
}

/// In v1beta1 the window is called `window`, and the metric has another shape.
#[tokio::test]
async fn an_adapter_that_serves_the_older_version_alone_is_read_too() {
    let rig = Rig::start().await;
    serves(&rig, &["v1beta1"]);
    let item = json!({"describedObject": {"kind": "Pod", "namespace": "ml", "name": "llm-7d9-a", "apiVersion": "/v1"},
        "metricName": "vllm_num_requests_waiting", "timestamp": ago(5).to_string(), "window": 45, "value": "0"});
    let undated = json!({"describedObject": {"name": "llm-7d9-b"}, "metricName": "x", "timestamp": ago(5).to_string(), "value": "1"});
    let path = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/ml/pods/*/vllm_num_requests_waiting";
    rig.server.says(
        path,
        &list("MetricValueList", "custom.metrics.k8s.io/v1beta1", &[item, undated]),
    );
    let observed = rig.read(&two(), &[pods_metric()]).await;
    let MetricReading::Pods { pods, .. } = &observed.readings[0] else {
        unreachable!()
    };
    let windows = pods.iter().map(|pod| pod.sample.unwrap().window);
    assert_eq!(
        windows.collect::<Vec<_>>(),
        [seconds(45), seconds(60)],
        "a minute where it is not said"
    );
}

/// Once the remembered version is gone one reading fails, and not all until the memory of it ends.
#[tokio::test]
async fn an_adapter_that_serves_another_version_after_its_upgrade_is_read_again() {
    let rig = Rig::start().await;
    let item = json!({"describedObject": {"name": "llm-7d9-a"}, "timestamp": ago(5).to_string(), "value": "4"});
    let path = |version: &str| {
        format!("/apis/custom.metrics.k8s.io/{version}/namespaces/ml/pods/*/vllm_num_requests_waiting")
    };
    let says = |version: &str| {
        serves(&rig, &[version]);
        let kind = format!("custom.metrics.k8s.io/{version}");
        let body = list("MetricValueList", &kind, std::slice::from_ref(&item));
        rig.server.says(&path(version), &body);
    };
    says("v1beta1");
    rig.read(&two(), &[pods_metric()]).await;
    says("v1beta2");
    rig.server.answers(&path("v1beta1"), 404, "404 page not found");
    fails(
        &rig.read(&two(), &[pods_metric()]).await,
        Signal::Absent,
        "no such metric",
    );
    let observed = rig.read(&two(), &[pods_metric()]).await;
    assert_eq!(observed.presence, [Signal::Fresh(())], "{observed:?}");
}

#[tokio::test]
async fn without_an_adapter_custom_metrics_are_absent() {
    let rig = Rig::start().await;
    fails(
        &rig.read(&two(), &[pods_metric()]).await,
        Signal::Absent,
        "no such metric",
    );
    serves(&rig, &["v1beta3"]);
    fails(
        &rig.read(&two(), &[pods_metric()]).await,
        Signal::Absent,
        "no such metric",
    );
    assert_eq!(rig.counted("custom", "absent"), 2);
}

fn object(api_version: &str, kind: &str, name: &str) -> Source {
    Source::Object {
        object: ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        },
        metric: "hits".to_owned(),
        selector: None,
    }
}

#[tokio::test]
async fn a_metric_of_an_object_is_asked_for_by_the_name_of_its_resource() {
    let rig = Rig::start().await;
    serves(&rig, &["v1beta2"]);
    let resources = json!({"kind": "APIResourceList", "groupVersion": "networking.k8s.io/v1", "resources": [
        {"name": "ingresses/status", "singularName": "", "namespaced": true, "kind": "Ingress", "verbs": ["get"]},
        {"name": "ingresses", "singularName": "ingress", "namespaced": true, "kind": "Ingress", "verbs": ["get"]}]});
    rig.server.says("/apis/networking.k8s.io/v1", &resources);
    let path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ml/ingresses.networking.k8s.io/front/hits";
    let item = json!({"describedObject": {"kind": "Ingress", "namespace": "ml", "name": "front"},
        "metric": {"name": "hits"}, "timestamp": ago(5).to_string(), "value": "12500m"});
    rig.server.says(
        path,
        &list(
            "MetricValueList",
            "custom.metrics.k8s.io/v1beta2",
            std::slice::from_ref(&item),
        ),
    );
    let source = [object("networking.k8s.io/v1", "Ingress", "front")];
    assert_eq!(
        rig.read(&two(), &source).await.readings,
        [MetricReading::Values(vec![12_500])]
    );

    rig.server.says(
        path,
        &list(
            "MetricValueList",
            "custom.metrics.k8s.io/v1beta2",
            &[item.clone(), item.clone()],
        ),
    );
    fails(
        &rig.read(&two(), &source).await,
        Signal::Absent,
        "2 series, where one is wanted",
    );
    let unknown = [object("networking.k8s.io/v1", "Egress", "front")];
    fails(&rig.read(&two(), &unknown).await, Signal::Absent, "no such kind");

    // Its own namespace, whatever name is given: nobody reaches into another one.
    let path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/ml/metrics/hits";
    rig.server
        .says(path, &list("MetricValueList", "custom.metrics.k8s.io/v1beta2", &[item]));
    let observed = rig.read(&two(), &[object("v1", "Namespace", "other")]).await;
    assert_eq!(observed.readings, [MetricReading::Values(vec![12_500])]);
}

fn external() -> Source {
    Source::External {
        metric: "queue".to_owned(),
        selector: Some("tier in (a,b)".to_owned()),
    }
}

fn series(seconds_ago: i64, value: &str) -> Value {
    json!({"metricName": "queue", "metricLabels": {"a": "b"}, "timestamp": ago(seconds_ago).to_string(), "window": 60, "value": value})
}

#[tokio::test]
async fn all_series_of_an_external_metric_count() {
    let rig = Rig::start().await;
    let items = [series(1, "1500m"), series(1, "2")];
    rig.server.says(
        EXTERNAL,
        &list("ExternalMetricValueList", "external.metrics.k8s.io/v1beta1", &items),
    );
    let observed = rig.read(&[], &[external()]).await;
    assert_eq!(
        observed.readings,
        [MetricReading::Values(vec![1500, 2000])],
        "at zero replicas too"
    );
    assert_eq!(
        rig.server.asked(),
        [format!("{EXTERNAL}?labelSelector=tier+in+%28a%2Cb%29")]
    );
}

/// The sum of what is left would be another sum.
#[tokio::test]
async fn g7_one_series_too_old_or_unreadable_spoils_the_sum() {
    let rig = Rig::start().await;
    let says = |items: &[Value]| {
        let body = list("ExternalMetricValueList", "external.metrics.k8s.io/v1beta1", items);
        rig.server.says(EXTERNAL, &body);
    };
    says(&[series(1, "5"), series(500, "7")]);
    fails(
        &rig.read(&two(), &[external()]).await,
        Signal::Stale(seconds(500)),
        "500 s old",
    );
    says(&[series(1, "5"), series(1, "NaN")]);
    fails(&rig.read(&two(), &[external()]).await, Signal::Absent, "do not count");
    says(&[series(-500, "5")]);
    fails(&rig.read(&two(), &[external()]).await, Signal::Absent, "clocks differ");
    let mut undated = series(1, "5");
    undated["timestamp"] = Value::Null;
    says(&[undated]);
    fails(&rig.read(&two(), &[external()]).await, Signal::Absent, "how old it is");
    says(&[series(1, "0")]);
    let observed = rig.read(&two(), &[external()]).await;
    assert_eq!(observed.readings, [MetricReading::Values(vec![0])], "zero is a value");
}

#[tokio::test]
async fn a_call_that_comes_to_nothing_is_told_without_a_word_of_the_answer_or_the_tenant() {
    let rig = Rig::start().await;
    let secret = Source::External {
        metric: "hunter2".to_owned(),
        selector: Some("token=hunter2".to_owned()),
    };
    let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ml/hunter2";
    for (status, body, why, outcome) in [
        (403, "no, hunter2", "grant get", "forbidden"),
        (503, "hunter2", "no adapter that answers", "unavailable"),
        (500, "hunter2", "answered 500", "status"),
        (200, "hunter2", "something else than documented", "shape"),
        (404, "hunter2", "no such metric", "absent"),
    ] {
        rig.server.answers(path, status, body);
        let observed = rig.read(&two(), std::slice::from_ref(&secret)).await;
        fails(&observed, Signal::Absent, why);
        assert!(!format!("{:?}{:?}", observed.problems, told(&observed)).contains("hunter2"));
        assert_eq!(rig.counted("external", outcome), 1, "{outcome}");
    }
}

/// A name with slashes or dots stays one name, and asks nothing of anybody else.
#[tokio::test]
async fn a_metrics_name_cannot_leave_its_place_in_the_address() {
    let rig = Rig::start().await;
    let source = |metric: &str| Source::External {
        metric: metric.to_owned(),
        selector: None,
    };
    let names = ["../../../api/v1/secrets", "..", ".", "", "a?b#c"];
    let observed = rig.read(&two(), &names.map(source)).await;
    assert!(
        observed
            .readings
            .iter()
            .all(|reading| *reading == MetricReading::Failed)
    );
    let below = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ml/";
    let asked = rig.server.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|uri| uri.strip_prefix(below).is_some_and(|name| !name.contains(['/', '?']))),
        "{asked:?}"
    );
}
