//! Bounds of another autoscaler.

use super::super::api_server::Fault;
use super::rivals::autoscaler;
use super::{AUTOSCALER, RIGHTSIZER, Site};
use crate::rig::until;
use serde_json::{Value, json};

async fn bound() -> Site {
    let mut site = Site::new(json!({ "mode": "bound", "minReplicas": 3, "maxReplicas": 9 }), 4).await;
    site.server.put(AUTOSCALER, autoscaler(1, 20));
    site.start();
    until("bounded", || bounds(&site) == (json!(3), json!(9))).await;
    site
}

fn bounds(site: &Site) -> (Value, Value) {
    let spec = &site.server.get(AUTOSCALER).unwrap()["spec"];
    (spec["minReplicas"].clone(), spec["maxReplicas"].clone())
}

fn delete(site: &Site) {
    let mut one = site.server.get(RIGHTSIZER).unwrap();
    one["metadata"]["deletionTimestamp"] = json!("2026-06-01T00:00:00Z");
    site.server.put(RIGHTSIZER, one);
}

#[tokio::test]
async fn what_the_autoscaler_had_is_written_down_first_and_given_back_at_the_end() {
    let site = bound().await;
    let writes: Vec<String> = site.server.writes("").into_iter().map(|write| write.path).collect();
    let place = |end: &str| writes.iter().position(|path| path.ends_with(end)).unwrap();
    assert!(place("/rightsizers/llm") < place("/status") && place("/status") < place("horizontalpodautoscalers/llm"));
    assert_eq!(
        (
            &site.status()["bounded"]["minReplicas"],
            &site.status()["bounded"]["maxReplicas"]
        ),
        (&json!(1), &json!(20))
    );
    site.looked("kept").await;
    delete(&site);
    until("gone", || site.server.get(RIGHTSIZER).is_none()).await;
    assert_eq!(bounds(&site), (json!(1), json!(20)));
    assert_eq!(site.server.writes("/scale"), []);
}

#[tokio::test]
async fn another_mode_gives_them_back_and_lets_go() {
    let site = bound().await;
    site.looked("kept").await;
    site.change("/spec/mode", json!("recommend"));
    until("given back", || bounds(&site) == (json!(1), json!(20))).await;
    until("let go", || {
        site.server.get(RIGHTSIZER).unwrap()["metadata"]["finalizers"] == json!([])
    })
    .await;
    assert_eq!(site.status()["bounded"], json!(null));
}

#[tokio::test]
async fn bounds_that_somebody_else_sets_are_what_is_given_back() {
    let site = bound().await;
    site.looked("kept").await;
    let mut other = site.server.get(AUTOSCALER).unwrap();
    other["spec"]["maxReplicas"] = json!(30);
    site.server.put(AUTOSCALER, other);
    until("bounded again", || bounds(&site) == (json!(3), json!(9))).await;
    delete(&site);
    until("gone", || site.server.get(RIGHTSIZER).is_none()).await;
    assert_eq!(bounds(&site), (json!(1), json!(30)));
}

#[tokio::test]
async fn mode_bound_without_an_autoscaler_says_so() {
    let mut site = Site::new(json!({ "mode": "bound", "minReplicas": 3, "maxReplicas": 9 }), 4).await;
    site.start();
    site.looked("refused").await;
    assert_eq!(site.reason("AbleToScale"), "NoAutoscaler");
}

#[tokio::test]
async fn bounds_that_may_not_be_set_are_told_once_and_tried_again() {
    let mut site = Site::new(json!({ "mode": "bound", "minReplicas": 3, "maxReplicas": 9 }), 4).await;
    site.server.put(AUTOSCALER, autoscaler(1, 20));
    site.server
        .fault("PATCH", "horizontalpodautoscalers/llm", Fault::Refused(403));
    site.start();
    until("told", || site.reason("AbleToScale") == "FailedUpdateBounds").await;
    assert_eq!(site.reason("Bounded"), "BoundsNotSet");
    site.looked("failed").await;
    let told = site.server.writes("/status").len();
    site.looked("failed").await;
    assert_eq!(site.server.writes("/status").len(), told, "the same is not told again");
    site.server.mend();
    until("bounded", || bounds(&site) == (json!(3), json!(9))).await;
    until("told", || site.reason("AbleToScale") == "ReadyForNewScale").await;
    assert_eq!(site.reason("Bounded"), "BoundsSet");
}

#[tokio::test]
async fn what_cannot_be_given_back_holds_and_is_told() {
    let site = bound().await;
    site.looked("kept").await;
    site.server
        .fault("PATCH", "horizontalpodautoscalers/llm", Fault::Refused(422));
    delete(&site);
    until("told", || site.reason("Ready") == "FailedRestoreBounds").await;
    assert_eq!(bounds(&site), (json!(3), json!(9)));
    site.server.mend();
    until("gone", || site.server.get(RIGHTSIZER).is_none()).await;
    assert_eq!(bounds(&site), (json!(1), json!(20)));
}

#[tokio::test]
async fn no_autoscaler_is_told_a_maximum_of_zero() {
    let night = json!({ "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "until": "00:00", "timeZone": "UTC", "minReplicas": 0, "maxReplicas": 0 });
    let spec = json!({ "mode": "bound", "minReplicas": 0, "maxReplicas": 9, "schedule": { "levels": [night] } });
    let mut site = Site::new(spec, 4).await;
    site.server.put(AUTOSCALER, autoscaler(1, 20));
    site.start();
    until("bounded", || bounds(&site) == (json!(0), json!(1))).await;
}

#[tokio::test]
async fn a_scaled_object_has_back_what_it_did_not_say_and_a_paused_one_is_told() {
    const OBJECT: &str = "/apis/keda.sh/v1alpha1/namespaces/ml/scaledobjects/serving";
    let mut site = Site::new(json!({ "mode": "bound", "minReplicas": 3, "maxReplicas": 9 }), 4).await;
    let own = json!({ "scaleTargetRef": { "name": "llm" }, "maxReplicaCount": 20, "triggers": [] });
    let object = |annotations: Value, spec: &Value| json!({ "metadata": { "name": "serving", "namespace": "ml", "annotations": annotations }, "spec": spec });
    site.server.put(OBJECT, object(json!({}), &own));
    // What KEDA makes for it, under any name.
    let mut made = autoscaler(1, 20);
    made["metadata"]["ownerReferences"] = json!([{ "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "serving", "uid": "uid-serving" }]);
    site.server.put(AUTOSCALER, made);
    site.start();
    let spec = |site: &Site| site.server.get(OBJECT).unwrap()["spec"].clone();
    until("bounded", || {
        (&spec(&site)["minReplicaCount"], &spec(&site)["maxReplicaCount"]) == (&json!(3), &json!(9))
    })
    .await;
    assert_eq!(bounds(&site), (json!(1), json!(20)), "KEDA's own is KEDA's to write");
    site.looked("kept").await;
    assert_eq!(site.reason("Bounded"), "BoundsSet");
    site.server.put(
        OBJECT,
        object(json!({ "autoscaling.keda.sh/paused-replicas": "4" }), &spec(&site)),
    );
    until("told", || site.reason("Bounded") == "AutoscalerPaused").await;
    delete(&site);
    until("gone", || site.server.get(RIGHTSIZER).is_none()).await;
    assert_eq!(spec(&site), own);
}
