//! Others who set the same number.

use super::{AUTOSCALER, DEPLOYMENT, Site, rightsizer};
use crate::controllers::api_server::Fault;
use crate::rig::until;
use serde_json::{Value, json};

fn apply() -> Value {
    json!({ "mode": "apply", "minReplicas": 3, "maxReplicas": 9 })
}

pub(super) fn autoscaler(min: i32, max: i32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "llm", "namespace": "ml" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "llm" }, "minReplicas": min, "maxReplicas": max,
        },
    })
}

#[tokio::test]
async fn g7_an_autoscaler_of_the_same_target_is_not_fought() {
    let mut site = Site::new(apply(), 1).await;
    site.server.put(AUTOSCALER, autoscaler(1, 5));
    site.start();
    until("refused", || site.looks("refused") > 1).await;
    assert_eq!(site.reason("AbleToScale"), "ConflictingAutoscaler");
    assert_eq!(site.replicas(), 1);
    let written = site.written();
    assert!(
        written.iter().all(|write| write.path.ends_with("/events")),
        "{written:?}"
    );
    assert_eq!(written.len(), 1, "told once");
}

#[tokio::test]
async fn g7_who_declares_the_replicas_is_not_fought() {
    let mut site = Site::new(apply(), 1).await;
    let mut target = site.server.get(DEPLOYMENT).unwrap();
    target["metadata"]["managedFields"] = json!([{
        "manager": "flux\u{202e} client", "operation": "Apply", "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:replicas": {} } },
    }]);
    site.server.put(DEPLOYMENT, target);
    site.start();
    site.looked("refused").await;
    assert_eq!(site.reason("Ready"), "FieldDeclared");
    let told = site.status()["conditions"][0]["message"].as_str().unwrap().to_owned();
    assert!(told.starts_with("fluxclient declares spec.replicas"), "{told}");
    assert_eq!(site.replicas(), 1);
}

#[tokio::test]
async fn g7_of_two_rightsizers_of_one_target_the_older_acts() {
    let mut site = Site::new(apply(), 1).await;
    let mut older = rightsizer("older", json!({ "mode": "apply", "minReplicas": 2, "maxReplicas": 9 }));
    older["metadata"]["creationTimestamp"] = json!("2025-01-01T00:00:00Z");
    site.server.put(&super::RIGHTSIZER.replace("/llm", "/older"), older);
    site.start();
    until("scaled", || site.replicas() == 2).await;
    until("refused", || site.reason("AbleToScale") == "ConflictingRightsizer").await;
    site.looked("refused").await;
    assert_eq!(site.server.writes("/scale").len(), 1);
}

/// An autoscaler of KEDA's, two of which nobody knows who wins, and autoscalers that cannot be listed.
#[tokio::test]
async fn g7_no_autoscaler_is_fought_whatever_its_kind_and_number_or_unseen() {
    let keda = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": { "name": "llm", "namespace": "ml" },
        "spec": { "scaleTargetRef": { "name": "llm" }, "minReplicaCount": 1, "maxReplicaCount": 5 },
    });
    let mut second = autoscaler(1, 5);
    second["metadata"]["name"] = json!("second");
    for (others, reason) in [
        (
            vec![("/apis/keda.sh/v1alpha1/namespaces/ml/scaledobjects/llm", keda)],
            "ConflictingAutoscaler",
        ),
        (
            vec![(AUTOSCALER, autoscaler(1, 5)), (SECOND, second)],
            "AmbiguousAutoscaler",
        ),
        (Vec::new(), "FailedGetScale"),
    ] {
        let mut site = Site::new(apply(), 1).await;
        if others.is_empty() {
            site.server.store().missing.push("horizontalpodautoscalers");
        }
        for (path, other) in others {
            site.server.put(path, other);
        }
        site.start();
        until(reason, || site.reason("AbleToScale") == reason).await;
        site.looked(if reason == "FailedGetScale" {
            "unknown-target"
        } else {
            "refused"
        })
        .await;
        assert_eq!(
            (site.replicas(), site.server.writes("/scale").len()),
            (json!(1), 0),
            "{reason}"
        );
    }
}

const SECOND: &str = "/apis/autoscaling/v2/namespaces/ml/horizontalpodautoscalers/second";

/// Of two of one age the name decides, and in mode bound it is the same.
#[tokio::test]
async fn g7_of_two_rightsizers_of_one_age_one_acts_also_in_mode_bound() {
    let path = super::RIGHTSIZER.replace("/llm", "/a-first");
    let mut site = Site::new(apply(), 1).await;
    let first = json!({ "mode": "apply", "minReplicas": 2, "maxReplicas": 9 });
    site.server.put(&path, rightsizer("a-first", first));
    site.start();
    until("scaled", || site.replicas() == 2).await;
    until("refused", || site.reason("AbleToScale") == "ConflictingRightsizer").await;
    site.looked("refused").await;
    assert_eq!(site.server.writes("/scale").len(), 1);

    let mut site = Site::new(json!({ "mode": "bound", "minReplicas": 3, "maxReplicas": 9 }), 4).await;
    let mut older = rightsizer(
        "a-first",
        json!({ "mode": "bound", "minReplicas": 2, "maxReplicas": 8 }),
    );
    older["metadata"]["creationTimestamp"] = json!("2025-01-01T00:00:00Z");
    site.server.put(&path, older);
    site.server.put(AUTOSCALER, autoscaler(1, 20));
    site.start();
    until("refused", || site.reason("AbleToScale") == "ConflictingRightsizer").await;
    site.looked("refused").await;
    let bounds = |site: &Site| {
        let spec = &site.server.get(AUTOSCALER).unwrap()["spec"];
        (spec["minReplicas"].clone(), spec["maxReplicas"].clone())
    };
    until("bounded", || bounds(&site) == (json!(2), json!(8))).await;
    site.looked("refused").await;
    assert_eq!(bounds(&site), (json!(2), json!(8)));
}

/// Who declares the bounds of an autoscaler would set them back; who changes it meanwhile is not written over.
#[tokio::test]
async fn g7_whoever_declares_or_changes_the_bounds_is_not_fought() {
    let bound = json!({ "mode": "bound", "minReplicas": 3, "maxReplicas": 9 });
    let mut site = Site::new(bound.clone(), 4).await;
    let mut declared = autoscaler(1, 20);
    declared["metadata"]["managedFields"] = json!([{
        "manager": "flux", "operation": "Apply", "apiVersion": "autoscaling/v2",
        "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:minReplicas": {} } },
    }]);
    site.server.put(AUTOSCALER, declared);
    site.start();
    site.looked("refused").await;
    assert_eq!(site.reason("AbleToScale"), "FieldDeclared");
    assert_eq!(site.server.get(AUTOSCALER).unwrap()["spec"]["maxReplicas"], 20);

    let mut site = Site::new(bound, 4).await;
    site.server.put(AUTOSCALER, autoscaler(1, 20));
    site.server
        .fault("PATCH", "horizontalpodautoscalers/llm", Fault::Overtaken);
    site.start();
    site.looked("raced").await;
    assert_eq!(site.server.get(AUTOSCALER).unwrap()["spec"]["maxReplicas"], 20);
}
