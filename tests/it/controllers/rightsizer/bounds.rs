//! Bounds of another autoscaler.

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
