//! A file that begins in the middle of a gang has where the members before were sent, and is replayed by itself.

use super::{files, logging, replayed};
use crate::rig::{NORTH, Rig, all, job, names_body, until};
use heliotrope::app::replay::{Report, replay};
use serde_json::{Value, json};
use std::path::Path;

fn member(name: &str) -> Value {
    let mut pod = job(name, 1);
    pod["metadata"]["annotations"] = json!({ "heliotrope.dev/group": "ring", "heliotrope.dev/group-size": "3" });
    pod
}

async fn kept(rig: &Rig, pod: &Value) -> Value {
    let answer: Value = rig.post("/filter", names_body(pod, &all())).await.json();
    rig.settle().await;
    answer["NodeNames"].clone()
}

/// Fills the open file with questions about nodes that exist nowhere, so that the next answer begins another.
async fn fill(rig: &Rig) {
    let template = crate::rig::node_json()[0].clone();
    let whole = |n: usize| {
        let mut node = template.clone();
        node["metadata"]["name"] = json!(format!("template-{n}"));
        node
    };
    let items: Vec<Value> = (0..300).map(whole).collect();
    let body = json!({ "Pod": job("what-if", 1), "Nodes": { "metadata": {}, "items": items }, "NodeNames": null });
    let body = body.to_string();
    let mut asked = 0;
    while rig.counted("heliotrope_decision_log_bytes_total") < 1_048_576 {
        asked += 1;
        assert!(asked < 200, "a file that is never full");
        let written = || rig.counted(r#"heliotrope_decision_log_lines_total{outcome="written"}"#);
        let before = written();
        rig.post("/filter", &body).await;
        rig.settle().await;
        until("what was answered written down", || written() > before).await;
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn g3_a_file_that_begins_in_mid_gang_has_where_the_others_were_sent() {
    let (rig, dir) = logging("{mode: prefer, wake: {default: 0}}", ", maxBytes: 1048576").await;
    assert_eq!(kept(&rig, &member("first")).await, json!(NORTH), "the greenest");
    fill(&rig).await;
    // Grids cross: only what was decided before keeps the second member in the north.
    rig.intensities(&[("SE-SE3", 900.0)]).await;
    assert_eq!(kept(&rig, &member("second")).await, json!(NORTH));
    rig.close_log().await;
    let paths = files(dir.path());
    assert_eq!(paths.len(), 2, "{paths:?}");
    let report = replayed(dir.path());
    assert_eq!((&report.differences, report.different), (&Vec::new(), 0));

    std::fs::remove_file(&paths[0]).unwrap();
    let alone = replayed(dir.path());
    assert_eq!((alone.filter, alone.different), (1, 0), "{alone:?}");
    let mut told = lines(&paths[1]);
    let forming = &told[1]["parts"]["decidedGroups"]["forming"]["annotation/ml/ring"];
    assert!(
        forming["decided"]["uid-first"].is_object(),
        "{}",
        told[1]["parts"]["decidedGroups"]
    );

    // And it is this that the answer rests on: without it the replay sends the member elsewhere.
    told[1]["parts"]["decidedGroups"] = json!({ "forming": {}, "decided": 0 });
    let text: String = told
        .iter()
        .flat_map(|line| [line.to_string(), "\n".to_owned()])
        .collect();
    let mut forgot = Report::default();
    replay(text.as_bytes(), "forgot", None, &mut forgot, |_| {}).unwrap();
    let what: Vec<&str> = forgot.differences.iter().map(|one| one.what).collect();
    assert!(
        what.contains(&"inputs") && what.contains(&"group") && what.contains(&"kept"),
        "{what:?}"
    );
}
