//! Others who set the same number.

use super::{AUTOSCALER, DEPLOYMENT, Site, rightsizer};
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
