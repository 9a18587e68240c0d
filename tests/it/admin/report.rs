//! What decisions were worth, added up: the sums are those of the explanations, whatever mode the pods had.

use crate::rig::{CENTRAL, NORTH, Rig, WEST, all, bound, job, names_body, pod_event};
use serde_json::{Value, json};

/// Waking is free, so that a region's nodes tie.
const SHADOW: &str = "placement: {mode: shadow, selectableModes: [prefer], wake: {default: 0}, denyZones: [GB]}";

/// Asks about a pod and binds it.
async fn place(rig: &Rig, pod: &Value, node: &str) {
    assert_eq!(rig.post("/filter", names_body(pod, &all())).await.status, 200);
    assert_eq!(rig.post("/prioritize", names_body(pod, &all())).await.status, 200);
    rig.tell(vec![pod_event(&bound(pod.clone(), node))]).await;
}

/// Grams of the bound node, of the cheapest acceptable one, and of the mean, from an explanation.
async fn explained(rig: &Rig, pod: &str) -> [f64; 3] {
    let decision: Value = rig.get(&format!("/explain?pod=ml/{pod}")).await.json();
    let rows = decision["candidates"].as_array().unwrap();
    let acceptable = rows.iter().filter(|row| row["refused"].is_null());
    let grams: Vec<f64> = acceptable.filter_map(|row| row["cost"]["grams"].as_f64()).collect();
    let here = rows.iter().find(|row| row["node"] == decision["bound"]).unwrap();
    let cheapest = grams.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = grams.iter().sum::<f64>() / grams.len() as f64;
    [here["cost"]["grams"].as_f64().unwrap(), cheapest, mean]
}

fn near(told: &Value, expected: f64) -> bool {
    (told.as_f64().unwrap() - expected).abs() <= 1e-9 * (1.0 + expected.abs())
}

#[tokio::test]
async fn the_report_adds_up_what_explanations_say() {
    let rig = Rig::start(SHADOW).await;
    let mut sums = [0.0; 3];
    for (name, node) in [("a", NORTH[0]), ("b", CENTRAL[0]), ("c", WEST[1]), ("d", CENTRAL[1])] {
        place(&rig, &job(name, 2), node).await;
        for (sum, grams) in sums.iter_mut().zip(explained(&rig, name).await) {
            *sum += grams;
        }
    }
    let report: Value = rig.get("/report").await.json();
    let total = &report["total"]["all"];
    for (key, sum) in ["bound", "cheapest", "mean"].iter().zip(sums) {
        assert!(near(&total[key]["grams"], sum), "{key}: {sum} in {total:#}");
    }
    assert!(near(&report["total"]["atStake"]["grams"], sums[0] - sums[1]));
    assert_eq!(
        (&total["placements"], &total["priced"], &report["attempts"]),
        (&json!(4), &json!(4), &json!(4))
    );
    assert_eq!((&total["withZones"], &total["withSpread"]), (&json!(4), &json!(4)));
    assert_eq!(total["outcomes"], json!({"top": 1, "outvoted": 2, "not-offered": 1}));
    assert_eq!(total["rungs"]["live"]["placements"], 4);
    assert_eq!(total["power"]["model"]["placements"], 4);
    assert_eq!(total["coefficients"]["profile"]["placements"], 4);
    assert!(near(&report["total"]["avoided"]["grams"], 0.0), "shadow avoids nothing");
    let names = |key: &str| -> Vec<String> {
        let rows = report[key].as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("zones"), ["DE", "GB", "SE-SE3"], "the most grams first");
    assert_eq!(names("namespaces"), ["ml"]);
    assert_eq!(report["verdict"]["kind"], "at-stake");
}

#[tokio::test]
async fn modes_are_told_apart_and_what_was_not_priced_is_counted() {
    let rig = Rig::start(SHADOW).await;
    let mut steered = job("steered", 1);
    steered["metadata"]["annotations"] = json!({"heliotrope.dev/mode": "prefer"});
    place(&rig, &steered, NORTH[0]).await;
    place(&rig, &job("shadowed", 1), CENTRAL[0]).await;
    rig.tell(vec![pod_event(&bound(job("unasked", 1), WEST[0]))]).await;
    let [here, _, mean] = explained(&rig, "steered").await;
    let report: Value = rig.get("/report").await.json();
    let modes = &report["total"]["modes"];
    let placements = |mode: &str| modes[mode]["placements"].as_u64();
    assert_eq!(
        (placements("prefer"), placements("shadow"), placements("none")),
        (Some(1), Some(1), Some(1))
    );
    assert!(near(&report["total"]["avoided"]["grams"], mean - here), "{report:#}");
    assert_eq!(report["total"]["all"]["unpriced"], json!({"bypassed": 1}));
    assert_eq!(modes["none"]["bound"]["grams"], 0.0);
}

#[tokio::test]
async fn a_period_is_of_days_and_a_wrong_one_is_told() {
    let rig = Rig::start(SHADOW).await;
    place(&rig, &job("a", 1), NORTH[0]).await;
    let today = rig.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let placements = async |query: String| {
        let report: Value = rig.get(&format!("/report?{query}")).await.json();
        report["total"]["all"]["placements"].as_u64()
    };
    assert_eq!(placements(format!("from={today}&until={today}")).await, Some(1));
    assert_eq!(placements(format!("from={}", today.tomorrow().unwrap())).await, Some(0));
    let wrong = rig.get("/report?from=yesterday").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("write from=2026-06-01"), "{}", wrong.text());
}

/// Asking is reading: nothing that the report is made from changes by it, and nothing else can be done here.
#[tokio::test]
async fn g6_asking_for_the_report_changes_nothing() {
    let rig = Rig::start(SHADOW).await;
    place(&rig, &job("a", 1), CENTRAL[0]).await;
    let first: Value = rig.get("/report").await.json();
    let second: Value = rig.get("/report").await.json();
    assert_eq!(first, second);
    let posted = crate::rig::post(rig.admin, "/report", b"{}").await;
    assert_eq!(posted.status, 405);
}

fn report(rig: &Rig, arguments: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .env_remove("HELIOTROPE_ADMIN")
        .args(["report", "--admin", &format!("http://{}", rig.admin)])
        .args(arguments)
        .output()
        .unwrap()
}

fn told(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_prints_the_report_its_words_and_a_figure() {
    let rig = Rig::start(SHADOW).await;
    place(&rig, &job("a", 2), NORTH[0]).await;
    place(&rig, &job("b", 2), CENTRAL[0]).await;
    rig.tell(vec![pod_event(&bound(job("unasked", 1), WEST[0]))]).await;
    let served: Value = rig.get("/report").await.json();
    let printed: Value = serde_json::from_str(&told(&report(&rig, &["-o", "json"]))).unwrap();
    assert_eq!(printed["total"], served["total"]);

    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("report.svg");
    let text = told(&report(&rig, &["--svg", svg.to_str().unwrap(), "--by", "zone"]));
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let verdict = served["verdict"]["text"].as_str().unwrap();
    assert!(words.contains(verdict), "{verdict}\nis not in\n{text}");
    for part in [
        "shadow: outvoted",
        "not weighed: bypassed",
        "NOT PRICED",
        "SE-SE3",
        "intensity: live",
        "not metered",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(
        !words.contains("was saved") && !words.to_lowercase().contains("savings"),
        "{text}"
    );
    let drawn = std::fs::read_to_string(&svg).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("the mean candidate") && drawn.contains(">SE-SE3<"));
    // Three zones of three bars, three of the legend, and the ground.
    assert_eq!(drawn.matches("<rect").count(), 13, "{drawn}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_exits_with_2_for_a_period_that_ends_before_it_begins() {
    let rig = Rig::start(SHADOW).await;
    let output = report(&rig, &["--from", "2026-06-02", "--until", "2026-06-01"]);
    assert_eq!(output.status.code(), Some(2));
    let nothing = told(&report(&rig, &[]));
    assert!(nothing.contains("No GPU pod was bound in this period"), "{nothing}");
}
