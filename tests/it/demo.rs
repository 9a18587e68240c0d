//! `heliotrope demo`: the whole of it, and its figures recomputed by a script that shares no code with it.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/recompute-grams.py");

/// What one run of the demo left: shared by the tests, since each takes some seconds.
struct Day {
    folder: tempfile::TempDir,
    report: Value,
    progress: String,
}

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .arg("demo")
        .args(arguments)
        // The demo calls itself on loopback, whatever proxy is set.
        .env("http_proxy", "http://127.0.0.1:1")
        .output()
        .unwrap()
}

fn day() -> &'static Day {
    static DAY: OnceLock<Day> = OnceLock::new();
    DAY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (log, svg) = (path("day.jsonl"), path("day.svg"));
        let output = demo(&["--for", "2s", "-o", "json", "--log", &log, "--svg", &svg]);
        let progress = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{progress}");
        std::fs::write(folder.path().join("day.json"), &output.stdout).unwrap();
        let report = serde_json::from_slice(&output.stdout).unwrap();
        Day {
            folder,
            report,
            progress,
        }
    })
}

/// Runs the script; `None`, said loudly, where there is no Python.
fn recompute(log: &Path, report: &Path) -> Option<Output> {
    match Command::new("python3").arg(SCRIPT).args([log, report]).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("SKIPPED: the demo's grams were NOT recomputed: python3 cannot be run: {error}");
            None
        }
    }
}

#[test]
fn the_grams_of_every_decision_and_the_totals_recompute() {
    let folder = day().folder.path();
    let Some(output) = recompute(&folder.join("day.jsonl"), &folder.join("day.json")) else {
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("agree within 0.1%"));
}

#[test]
fn a_log_with_one_figure_altered_or_one_line_left_out_does_not_recompute() {
    let folder = day().folder.path();
    let log = std::fs::read_to_string(folder.join("day.jsonl")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let priced = lines.iter().rposition(|line| line.contains("\"rung\"")).unwrap();
    let awake = lines
        .iter()
        .position(|line| line.contains("\"line\":\"awake\""))
        .unwrap();
    let alter = |at: usize, pointer: &str, factor: f64| {
        let mut line: Value = serde_json::from_str(lines[at]).unwrap();
        let figure = line.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        *figure = Value::from(figure.as_f64().unwrap() * factor);
        let mut altered: Vec<String> = lines.iter().map(ToString::to_string).collect();
        altered[at] = line.to_string();
        altered.join("\n")
    };
    let mut altered = vec![
        alter(0, "/grams", 1.01),
        alter(0, "/utilisation", 1.05),
        alter(0, "/steps/0/1", 1.5),
        alter(awake, "/bareWatts", 1.01),
        alter(priced, "/expected/grams", 0.99),
        alter(priced, "/expected/pue", 1.01),
    ];
    altered.push(lines[1..].join("\n"));
    for (number, text) in altered.iter().enumerate() {
        let path = folder.join(format!("altered-{number}.jsonl"));
        std::fs::write(&path, text).unwrap();
        let Some(output) = recompute(&path, &folder.join("day.json")) else {
            return;
        };
        assert_eq!(output.status.code(), Some(1), "alteration {number} was not found");
    }
}

#[test]
fn a_summary_with_another_total_does_not_recompute() {
    let Day { folder, report, .. } = day();
    let mut altered = report.clone();
    let grams = altered["heliotrope"]["grams"].as_f64().unwrap();
    altered["heliotrope"]["grams"] = Value::from(grams * 0.998);
    let path = folder.path().join("altered.json");
    std::fs::write(&path, altered.to_string()).unwrap();
    if let Some(output) = recompute(&folder.path().join("day.jsonl"), &path) {
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn the_real_extender_saves_grams_on_the_same_pods_and_says_what_is_simulated() {
    let report = &day().report;
    let (ours, theirs) = (&report["heliotrope"], &report["defaultModel"]);
    assert_eq!(report["simulated"], true);
    assert!(report["note"].as_str().unwrap().contains("kube-scheduler is a model"));
    assert_eq!(ours["pods"], theirs["pods"]);
    // Every pod was asked about, and every decision was priced.
    let pods = ours["pods"].as_u64().unwrap();
    assert_eq!(report["decisionsPriced"], pods);
    assert!(report["latency"]["filter"]["count"].as_u64().unwrap() >= pods);
    assert!(
        report["savedByExtender"]["share"].as_f64().unwrap() > 0.08,
        "{}",
        report["savedByExtender"]
    );
    let share = |side: &Value| side["greenestShare"].as_f64().unwrap();
    assert!(
        share(ours) > 0.7 && share(theirs) < 0.5,
        "{} {}",
        share(ours),
        share(theirs)
    );
}

#[test]
fn progress_and_the_figure_are_plain_where_there_is_no_terminal() {
    let Day { folder, progress, .. } = day();
    assert!(
        progress.contains("simulated 00:00") && !progress.contains('\u{1b}'),
        "{progress:?}"
    );
    let figure = std::fs::read_to_string(folder.path().join("day.svg")).unwrap();
    assert!(figure.starts_with("<svg ") && figure.ends_with("</svg>\n"));
    assert_eq!(figure.matches("<polyline").count(), 5, "two sides and three zones");
    assert!(!figure.contains("NaN") && !figure.contains("inf"));
}

#[test]
fn the_same_seed_and_duration_give_the_same_day() {
    let Output { stdout, .. } = demo(&["--for", "2s", "-o", "json"]);
    let mut again: Value = serde_json::from_slice(&stdout).unwrap();
    let mut first = day().report.clone();
    for report in [&mut first, &mut again] {
        let report = report.as_object_mut().unwrap();
        // What was measured.
        report.remove("wallSeconds");
        report.remove("latency");
    }
    assert_eq!(first, again);
}

#[test]
fn the_tables_end_with_what_to_take_away() {
    let Output { stdout, .. } = demo(&["--for", "1s", "--seed", "3"]);
    let told = String::from_utf8(stdout).unwrap();
    for part in [
        "SIMULATED",
        "MODEL",
        "WHAT WAS SAVED",
        "BY ZONE",
        "BY GPU MODEL",
        "WHAT IT COST",
        "p99 ms",
    ] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    let (_, closing) = told.split_once("IN SHORT").unwrap();
    assert!(closing.contains("kg CO2e") && closing.lines().count() <= 8, "{closing}");
}

#[test]
fn a_path_that_cannot_be_written_is_told_before_the_day_is_played() {
    let output = demo(&["--log", "/nonexistent/day.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/day.jsonl cannot be written"));
}
