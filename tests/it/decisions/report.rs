//! `heliotrope report --decisions`: the sums of the running process, counted again from what it wrote down.

use super::{files, logging, logging_under};
use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, job, names_body, pod_event, until};
use heliotrope_core::snapshot::ClusterEvent;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

const SHADOW: &str =
    "{mode: shadow, selectableModes: [prefer], wake: {default: 0}, denyZones: [GB], exemptNamespaces: [kube-system]}";

async fn ask(rig: &Rig, pod: &Value) {
    let mut names = all();
    names.push("node-of-tomorrow");
    assert_eq!(rig.post("/filter", names_body(pod, &names)).await.status, 200);
    assert_eq!(rig.post("/prioritize", names_body(pod, &names)).await.status, 200);
    rig.settle().await;
}

async fn bind(rig: &Rig, pod: &Value, node: &str) {
    rig.tell(vec![pod_event(&bound(pod.clone(), node))]).await;
}

fn command(files: &[PathBuf], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .args(["report", "--decisions"])
        .args(files)
        .args(arguments)
        .output()
        .unwrap()
}

fn counted(files: &[PathBuf]) -> Value {
    let output = command(files, &["-o", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn complained(output: &Output) -> String {
    assert_eq!(
        output.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Everything of a report but when it was made and what it was made from.
fn sums(mut report: Value) -> Value {
    let all = report.as_object_mut().unwrap();
    for made in ["since", "asOf", "period", "decisions"] {
        all.remove(made);
    }
    report
}

/// Whole nodes that exist nowhere: a few of these questions fill a file.
async fn fill(rig: &Rig, dir: &Path) {
    let template = crate::rig::node_json()[0].clone();
    let items: Vec<Value> = (0..400)
        .map(|n| {
            let mut node = template.clone();
            node["metadata"]["name"] = json!(format!("template-{n}"));
            node
        })
        .collect();
    let held = files(dir).len();
    let mut asked = 0;
    while files(dir).len() == held {
        asked += 1;
        assert!(asked < 100, "a file that is never full");
        let body =
            json!({ "Pod": job("what-if", 1), "Nodes": { "metadata": {}, "items": items }, "NodeNames": null });
        assert_eq!(rig.post("/filter", body.to_string()).await.status, 200);
        rig.settle().await;
    }
}

/// All that can become of a pod, over two days, grids that cross, and two files of one process.
async fn a_life(limits: &str) -> (Value, tempfile::TempDir) {
    let (rig, dir) = logging(SHADOW, limits).await;
    let mut steered = job("steered", 1);
    steered["metadata"]["annotations"] = json!({"heliotrope.dev/mode": "prefer"});
    let mut exempt = job("exempt", 1);
    exempt["metadata"]["namespace"] = json!("kube-system");
    for (pod, node) in [
        (&steered, NORTH[0]),
        (&job("dear", 4), CENTRAL[0]),
        (&job("denied", 2), WEST[1]),
        (&exempt, NORTH[1]),
        (&job("late", 1), "node-of-tomorrow"),
    ] {
        ask(&rig, pod).await;
        bind(&rig, pod, node).await;
    }
    bind(&rig, &job("unasked", 3), WEST[0]).await;
    ask(&rig, &job("waits", 2)).await;
    ask(&rig, &job("slow", 1)).await;
    rig.advance(SignedDuration::from_hours(14));
    rig.intensities(&[("SE-SE3", 500.0), ("GB", 90.0), ("DE", 60.0)]).await;
    // Tried again, and decided otherwise.
    ask(&rig, &job("waits", 2)).await;
    if !limits.is_empty() {
        fill(&rig, dir.path()).await;
    }
    bind(&rig, &job("waits", 2), NORTH[1]).await;
    // Decided on the day before, and asked about once more when it is too late.
    bind(&rig, &job("slow", 1), NORTH[0]).await;
    rig.advance(SignedDuration::from_mins(1));
    ask(&rig, &job("slow", 1)).await;
    ask(&rig, &job("never-bound", 2)).await;
    let gone = Arc::from("uid-never-bound");
    rig.tell(vec![ClusterEvent::PodGone { uid: gone }]).await;
    let live: Value = rig.get("/report").await.json();
    rig.close_log().await;
    (live, dir)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sums_from_the_files_are_those_of_the_process_to_the_last_bit() {
    let (live, dir) = a_life("").await;
    let all = &live["total"]["all"];
    assert_eq!((&all["placements"], &all["priced"]), (&json!(8), &json!(5)), "{live:#}");
    assert_eq!(
        all["unpriced"],
        json!({"exempt": 1, "bypassed": 1, "unknown-node": 1}),
        "{live:#}"
    );
    assert_eq!(live["days"].as_array().unwrap().len(), 2);
    let told = counted(&files(dir.path()));
    assert_eq!(sums(told.clone()), sums(live));
    assert_eq!(
        told["decisions"],
        json!({"files": 1, "calls": 9, "bound": 8, "undecided": 0, "dropped": 0, "torn": 0, "different": 0})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_and_its_binding_may_stand_in_two_files_given_in_any_order() {
    let (live, dir) = a_life(", maxBytes: 1048576").await;
    let mut paths = files(dir.path());
    assert!(paths.len() > 1, "{paths:?}");
    let told = counted(&paths);
    assert_eq!(sums(told.clone()), sums(live));
    paths.reverse();
    assert_eq!(sums(counted(&paths)), sums(told));
    // Without the first file, decisions of pods that are bound in the second are missing, and said to be.
    let last = counted(&paths[..1]);
    assert_eq!(
        (&last["decisions"]["bound"], &last["decisions"]["undecided"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(last["total"]["all"]["unpriced"], json!({"forgotten": 2}));
    let text = String::from_utf8(command(&paths[..1], &[]).stdout).unwrap();
    assert!(
        text.contains("2 pods were weighed, and their decision is in none of these files"),
        "{text}"
    );
}

/// Each replica sees every pod bound, and one of them was asked. When the leader changes, a pod may be decided by both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_several_replicas_saw_bound_count_once_with_the_last_decision() {
    let (first, first_dir) = logging(SHADOW, "").await;
    let (second, second_dir) = logging(SHADOW, "").await;
    // The second one's clock lags: it sees bindings before the first has decided.
    first.advance(SignedDuration::from_secs(5));
    first.settle().await;
    ask(&first, &job("a", 2)).await;
    bind(&first, &job("a", 2), CENTRAL[0]).await;
    bind(&second, &job("a", 2), CENTRAL[0]).await;
    let alone: Value = first.get("/report").await.json();
    ask(&first, &job("b", 2)).await;
    // The leader is gone; the other one has heard of other grids meanwhile.
    second.advance(SignedDuration::from_mins(10));
    second.intensities(&[("SE-SE3", 500.0), ("DE", 60.0)]).await;
    ask(&second, &job("b", 2)).await;
    bind(&second, &job("b", 2), NORTH[1]).await;
    first.advance(SignedDuration::from_mins(11));
    bind(&first, &job("b", 2), NORTH[1]).await;
    let other: Value = second.get("/report").await.json();
    first.close_log().await;
    second.close_log().await;

    let paths = [files(first_dir.path()), files(second_dir.path())].concat();
    let told = counted(&paths);
    let reversed: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    assert_eq!(sums(counted(&reversed)), sums(told.clone()));
    let all = &told["total"]["all"];
    assert_eq!((&all["placements"], &all["priced"]), (&json!(2), &json!(2)), "{told:#}");
    assert_eq!(all["unpriced"], json!({}), "{told:#}");
    let grams = |report: &Value| report["total"]["all"]["bound"]["grams"].as_f64().unwrap();
    // The second process counts `a` as one that passed it by, and `b` at what it decided itself.
    let bits = [grams(&told), grams(&alone) + grams(&other)].map(f64::to_bits);
    assert_eq!(bits[0], bits[1], "{told:#}");
    assert_eq!(all["outcomes"], json!({"outvoted": 2}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_told_with_file_and_line() {
    let (_, dir) = a_life("").await;
    let path = files(dir.path())[0].clone();
    let text = std::fs::read_to_string(&path).unwrap();
    let other = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };

    let torn = other("torn", text.strip_suffix("}\n").unwrap());
    let told = counted(std::slice::from_ref(&torn));
    assert_eq!(told["decisions"]["torn"], 1);
    assert_eq!(
        told["total"]["all"]["placements"], 8,
        "the last line is a call about a pod that was never bound"
    );

    let lines: Vec<&str> = text.lines().collect();
    let binding = lines
        .iter()
        .position(|line| line.contains(r#""line":"bound""#))
        .unwrap();
    let broken = |line: usize| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let half = lines[line].len() / 2;
        lines[line].truncate(half);
        lines.join("\n") + "\n"
    };
    for line in [binding, 2] {
        let path = other("broken", &broken(line));
        let told = complained(&command(std::slice::from_ref(&path), &[]));
        let place = format!("broken: line {}: not what this version writes", line + 1);
        assert!(told.contains(&place), "{told}");
    }

    let newer = other("newer", &text.replacen("\"version\":1", "\"version\":7", 1));
    let told = complained(&command(&[newer], &[]));
    assert!(told.contains("newer: is version 7 of the format"), "{told}");
    let none = other("none", "{}\n");
    assert!(complained(&command(&[none], &[])).contains("none: is no decision log"));
    let away = complained(&command(&[dir.path().join("away")], &[]));
    assert!(away.contains("away: cannot be opened"), "{away}");
    let copy = other("copy", &text);
    let twice = complained(&command(&[path.clone(), copy], &[]));
    assert!(twice.contains("copy: was given already"), "{twice}");

    let marginal = text.replace("\"signal\":\"average\"", "\"signal\":\"marginal\"");
    assert_ne!(marginal, text);
    let mixed = other("mixed", &marginal.replacen("\"sequence\":1", "\"sequence\":2", 1));
    let told = complained(&command(&[path, mixed], &[]));
    assert!(
        told.contains("mixed: line 3: grams from here on are of marginal"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_are_those_of_the_binding_and_an_empty_log_is_no_report() {
    let (live, dir) = a_life("").await;
    let paths = files(dir.path());
    let second = live["days"][1]["name"].as_str().unwrap();
    let output = command(&paths, &["--from", second, "-o", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told["total"]["all"]["placements"], &told["period"]["from"]),
        (&json!(2), &json!(second)),
        "one was decided the day before"
    );
    assert_eq!(told["decisions"]["bound"], 2);
    assert_eq!(
        told["attempts"], 3,
        "one again, one too late, and one that was never bound"
    );

    let (rig, empty) = logging_under(SHADOW, "", "{}").await;
    bind(&rig, &job("unasked", 1), WEST[0]).await;
    rig.close_log().await;
    until("a file", || !files(empty.path()).is_empty()).await;
    let output = command(&files(empty.path()), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no decision is in these files"));
}
