//! Changing the replicas.

use super::Site;
use super::rivals::autoscaler;
use crate::carbon::with_tls;
use crate::controllers::api_server::Fault;
use crate::rig::until;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

fn apply(min: i32) -> serde_json::Value {
    // A rate that looks back far, so that what was changed is remembered over the whole test.
    let policy = json!({ "policies": [{ "type": "Pods", "value": 99, "periodSeconds": 1800 }] });
    json!({
        "mode": "apply", "minReplicas": min, "maxReplicas": 9, "behavior": { "scaleUp": policy, "scaleDown": policy },
    })
}

#[tokio::test]
async fn a_change_is_written_down_made_and_confirmed() {
    let mut site = Site::new(apply(3), 1).await;
    site.start();
    until("scaled", || site.looks("scaled") == 1).await;
    let writes = site.server.writes("");
    let paths: Vec<&str> = writes
        .iter()
        .map(|write| write.path.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(paths[..3], ["status", "scale", "status"], "{paths:?}");
    let (begun, scale, confirmed) = (&writes[0].body["status"], &writes[1], &writes[2].body["status"]);
    assert_eq!(
        (&begun["scaling"]["from"], &begun["scaling"]["to"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(
        begun["memory"]["events"],
        json!([{ "at": begun["scaling"]["at"], "change": 2 }])
    );
    assert_eq!(
        (&confirmed["scaling"], &confirmed["currentReplicas"]),
        (&json!(null), &json!(3))
    );
    assert_eq!(confirmed["memory"]["events"], begun["memory"]["events"]);
    assert_eq!(scale.body["spec"]["replicas"], 3);
    assert!(
        scale.body["metadata"]["resourceVersion"].is_string(),
        "about what was read"
    );
    // An Event on the Rightsizer, and nothing more at later looks.
    until("an event", || site.server.writes("/events").len() == 1).await;
    assert_eq!(site.server.writes("/events")[0].body["reason"], "Rescaled");
    site.looked("kept").await;
    site.looked("kept").await;
    let scales = site.server.writes("/scale").len();
    assert_eq!(scales, 1);
    assert!(
        site.server.writes("/status").len() <= 3,
        "a status that says nothing new is not written"
    );
}

#[tokio::test]
async fn g7_a_change_since_it_was_read_is_not_written_over() {
    let mut site = Site::new(apply(3), 1).await;
    site.server.fault("PATCH", "/scale", Fault::Overtaken);
    site.start();
    site.looked("raced").await;
    assert_eq!(site.replicas(), 1);
    assert_eq!(
        site.status()["scaling"]["to"],
        3,
        "the next look finds out that it was not made"
    );
    site.server.mend();
    until("scaled", || site.looks("scaled") == 1).await;
    let status = site.status();
    assert_eq!((site.replicas(), &status["scaling"]), (json!(3), &json!(null)));
    assert_eq!(
        status["memory"]["events"].as_array().map(Vec::len),
        Some(1),
        "{status:#}"
    );
}

#[tokio::test]
async fn a_write_without_an_answer_counts_once_if_it_was_made() {
    let mut site = Site::new(apply(3), 1).await;
    site.server.fault("PATCH", "/scale", Fault::MadeUnanswered);
    site.start();
    site.looked("unknown").await;
    site.restart().await;
    until("settled", || site.status()["scaling"].is_null()).await;
    let status = site.status();
    assert_eq!(
        status["memory"]["events"].as_array().map(Vec::len),
        Some(1),
        "{status:#}"
    );
    assert_eq!(site.replicas(), 3);
    // The client tries again by itself; it is one change all the same.
    let scales = site.server.writes("/scale");
    assert!(scales.iter().all(|scale| scale.body == scales[0].body));
}

#[tokio::test]
async fn a_change_that_a_killed_process_did_not_get_to_is_made_once() {
    let mut site = Site::new(apply(3), 1).await;
    let at = "2026-11-01T00:00:00Z";
    let mut one = site.server.get(super::RIGHTSIZER).unwrap();
    let recent = jiff::Timestamp::from_second(system_now()).unwrap().to_string();
    one["status"] = json!({
        "currentReplicas": 1, "desiredReplicas": 3, "scaling": { "at": recent, "from": 1, "to": 3 },
        "memory": { "events": [{ "at": recent, "change": 2 }], "recommendations": [{ "at": at, "replicas": 1 }] },
    });
    site.server.put(super::RIGHTSIZER, one);
    site.start();
    until("scaled", || site.looks("scaled") == 1).await;
    let status = site.status();
    assert_eq!(site.replicas(), 3);
    assert_eq!(
        status["memory"]["events"].as_array().map(Vec::len),
        Some(1),
        "{status:#}"
    );
    assert_ne!(
        status["memory"]["events"][0]["at"],
        json!(recent),
        "the one that was never made is gone"
    );
}

fn system_now() -> i64 {
    heliotrope::telemetry::system_clock()().as_second() - 5
}

#[tokio::test]
async fn g6_nothing_but_the_status_is_written_in_recommend_or_while_paused() {
    let mut site = Site::new(json!({ "mode": "recommend", "minReplicas": 3, "maxReplicas": 9 }), 1).await;
    site.start();
    site.looked("kept").await;
    assert_eq!(site.status()["desiredReplicas"], 3);
    assert_eq!(site.reason("AbleToScale"), "Recommending");
    site.change("/metadata/annotations", json!({ "heliotrope.dev/paused": "true" }));
    site.change("/spec/mode", json!("apply"));
    until("paused", || site.reason("AbleToScale") == "Paused").await;
    site.looked("kept").await;
    assert_eq!(site.written(), []);
    assert_eq!(site.replicas(), 1);
}

#[tokio::test]
async fn g6_nothing_is_written_when_the_lease_is_over() {
    let mut site = Site::new(apply(3), 1).await;
    site.term = heliotrope::controllers::lease::Term::new(tokio::time::Instant::now());
    site.start();
    site.looked("deposed").await;
    assert_eq!((site.server.writes("").len(), site.replicas()), (0, json!(1)));
}

/// A lease that runs out between the status that begins a change and the change.
#[tokio::test]
async fn g6_nothing_is_changed_when_the_lease_ends_after_the_status() {
    let mut site = Site::new(apply(3), 1).await;
    let term = site.term.clone();
    site.server
        .then("/status", move || term.renewed(tokio::time::Instant::now()));
    site.start();
    site.looked("deposed").await;
    assert_eq!(site.status()["scaling"]["to"], 3, "it was begun");
    assert_eq!((site.written(), site.replicas()), (Vec::new(), json!(1)));

    let mut site = Site::new(json!({ "mode": "bound", "minReplicas": 3, "maxReplicas": 9 }), 4).await;
    site.server.put(super::AUTOSCALER, autoscaler(1, 20));
    let term = site.term.clone();
    site.server
        .then("/status", move || term.renewed(tokio::time::Instant::now()));
    site.start();
    site.looked("deposed").await;
    assert_eq!(site.status()["bounded"]["set"]["max"], 9, "it was begun");
    assert_eq!(site.server.get(super::AUTOSCALER).unwrap()["spec"]["maxReplicas"], 20);
}

/// Neither the status of a plan that changes nothing, nor bounds, nor what a deleted one is held by.
#[tokio::test]
async fn g6_nothing_at_all_is_written_by_whoever_has_lost_the_lease() {
    let bounded = json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "name": "llm",
        "minReplicas": 1, "maxReplicas": 20, "set": { "min": 3, "max": 9 } });
    for (mode, bounded, deleted) in [
        ("recommend", None, false),
        ("bound", None, false),
        ("recommend", Some(&bounded), false),
        ("bound", Some(&bounded), true),
        ("recommend", None, true),
    ] {
        let mut site = Site::new(json!({ "mode": mode, "minReplicas": 3, "maxReplicas": 9 }), 4).await;
        site.server.put(super::AUTOSCALER, autoscaler(1, 20));
        let mut one = site.server.get(super::RIGHTSIZER).unwrap();
        one["metadata"]["finalizers"] = json!(["heliotrope.dev/restore-bounds"]);
        if let Some(bounded) = bounded {
            one["status"] = json!({ "bounded": bounded });
        }
        if deleted {
            one["metadata"]["deletionTimestamp"] = json!("2026-06-01T00:00:00Z");
        }
        site.server.put(super::RIGHTSIZER, one);
        site.term = heliotrope::controllers::lease::Term::new(tokio::time::Instant::now());
        site.start();
        site.looked("deposed").await;
        assert_eq!(
            site.server.writes(""),
            [],
            "{mode}, bounded: {}, deleted: {deleted}",
            bounded.is_some()
        );
    }
}

/// Bounds that were set stay set while it is paused, also in another mode.
#[tokio::test]
async fn g6_bounds_are_not_given_back_while_paused() {
    let mut site = Site::new(json!({ "mode": "recommend", "minReplicas": 3, "maxReplicas": 9 }), 4).await;
    site.server.put(super::AUTOSCALER, autoscaler(3, 9));
    site.change("/metadata/annotations", json!({ "heliotrope.dev/paused": "true" }));
    let mut one = site.server.get(super::RIGHTSIZER).unwrap();
    one["status"] = json!({ "bounded": { "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "name": "llm",
        "minReplicas": 1, "maxReplicas": 20, "set": { "min": 3, "max": 9 } } });
    site.server.put(super::RIGHTSIZER, one);
    site.start();
    site.looked("kept").await;
    site.looked("kept").await;
    assert_eq!(site.written(), []);
    assert_eq!(site.status()["bounded"]["maxReplicas"], 20);
}

#[tokio::test]
async fn g7_without_metrics_the_replicas_stay() {
    let mut site = Site::new(apply(1), 4).await;
    let mut one = site.server.get(super::RIGHTSIZER).unwrap();
    one["spec"]["metrics"] = json!([{ "type": "Pods", "pods": {
        "metric": { "name": "queue" }, "target": { "type": "AverageValue", "averageValue": "5" },
    }}]);
    site.server.put(super::RIGHTSIZER, one);
    site.start();
    site.looked("kept").await;
    assert_eq!(site.reason("ScalingActive"), "FailedGetMetrics");
    assert_eq!((site.written(), site.replicas()), (Vec::new(), json!(4)));
    assert_eq!(site.status()["desiredReplicas"], 4);
}

/// Who reads the status can say to the operator what is missing, and reads no secret in it.
#[tokio::test]
async fn g7_a_prometheus_that_does_not_take_who_asks_is_told_in_the_status_and_the_replicas_stay() {
    with_tls();
    let prometheus = MockServer::start().await;
    let refusal = ResponseTemplate::new(401).set_body_string("no: Bearer hush-1");
    Mock::given(any()).respond_with(refusal).mount(&prometheus).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "hush-1").unwrap();
    let mut site = Site::new(apply(1), 4).await;
    site.sections = format!(
        "outbound: {{allowPlainHttp: ['127.0.0.1']}}\nload: {{prometheus: {{url: '{}', access: {{tokenFile: '{}'}}}}}}\n",
        prometheus.uri(),
        token.path().display()
    );
    let mut one = site.server.get(super::RIGHTSIZER).unwrap();
    one["spec"]["metrics"] = json!([{ "type": "External", "external": {
        "metric": { "name": "queue" }, "target": { "type": "AverageValue", "averageValue": "5" },
    }}]);
    one["spec"]["sources"] = json!([{ "metric": "queue", "query": "sum(queue)" }]);
    site.server.put(super::RIGHTSIZER, one);
    site.start();
    site.looked("kept").await;
    assert_eq!(site.reason("ScalingActive"), "FailedGetMetrics");
    let told = site.condition("ScalingActive", "message");
    assert!(
        told.contains("(401): it refuses what load.prometheus.access shows"),
        "{told}"
    );
    assert!(!site.status().to_string().contains("hush"), "{told}");
    let shown = prometheus.received_requests().await.unwrap();
    assert_eq!(shown[0].headers["authorization"], "Bearer hush-1");
    assert_eq!((site.written(), site.replicas()), (Vec::new(), json!(4)));
}
