//! `heliotrope simulate rightsizing`: what it prints, draws and refuses.

use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .args(["simulate", "rightsizing"])
        .args(arguments)
        .output()
        .unwrap()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Two equal days that rise to noon and fall.
fn two_days() -> String {
    let mut text = "window_start_seconds,requests_per_second\n".to_owned();
    for window in 0..288 {
        let hour = f64::from(window % 144) / 6.0;
        let rate = 30.0 + 70.0 * (1.0 - (hour - 12.0).abs() / 12.0);
        writeln!(text, "{},{rate:.2}", window * 600).unwrap();
    }
    text
}

fn rows<'a>(report: &'a Value, policy: &str) -> Vec<&'a Value> {
    let rows = report["comparisons"][0]["rows"].as_array().unwrap();
    rows.iter().filter(|row| row["policy"] == policy).collect()
}

#[test]
fn a_load_is_replayed_the_same_each_time_and_nobody_beats_the_oracle() {
    let folder = tempfile::tempdir().unwrap();
    let load = write(folder.path(), "load.csv", &two_days());
    let svg = folder.path().join("frontier.svg");
    let arguments = [
        "--load",
        &load,
        "--capacity",
        "5",
        "--cold-start",
        "2m",
        "--target",
        "70,90",
        "--train-days",
        "1",
        "--svg",
        svg.to_str().unwrap(),
        "-o",
        "json",
    ];
    let (output, again) = (simulate(&arguments), simulate(&arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, again.stdout);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["simulated"], &report["measuredDays"]),
        (&Value::Bool(true), &1.into())
    );
    assert_eq!(
        report["service"],
        serde_json::json!({"capacity": 5.0, "idle": 150.0, "busy": 500.0})
    );
    let oracle = rows(&report, "oracle")[0];
    let hours = |row: &Value| row["replicaHours"].as_f64().unwrap();
    for policy in ["hpa", "scheduled", "reactive", "ours"] {
        let rows = rows(&report, policy);
        assert_eq!(rows.len(), 2, "{policy}");
        assert!(
            hours(rows[0]) > hours(rows[1]),
            "{policy}: less of a target takes more replicas"
        );
        for row in rows {
            assert_eq!(row["minutes"], 1440);
            assert!(
                row["underProvisionedMinutes"] != 0 || hours(row) >= hours(oracle),
                "{row}"
            );
            assert!(row["grams"].as_f64().unwrap() > 0.0);
        }
    }
    // A day like the one before is what a schedule is for.
    assert_eq!(rows(&report, "scheduled")[0]["underProvisionedMinutes"], 0);
    let drawn = std::fs::read_to_string(&svg).unwrap();
    assert!(
        drawn.matches("<polyline").count() == 5 && drawn.contains("cold start 120 s"),
        "{drawn}"
    );
}

#[test]
fn the_table_says_what_is_simulated_and_what_was_assumed() {
    let folder = tempfile::tempdir().unwrap();
    let load = write(folder.path(), "load.csv", &two_days());
    let grid = write(
        folder.path(),
        "grid.csv",
        "window_start_seconds,grams_per_kwh\n0,100\n3600,300\n",
    );
    let output = simulate(&[
        "--load",
        &load,
        "--cold-start",
        "60s",
        "--target",
        "70",
        "--train-days",
        "0",
        "--carbon",
        &grid,
        "--idle",
        "1 kW",
        "--busy",
        "2 kW",
    ]);
    let told = String::from_utf8(output.stdout).unwrap().replace('\u{a0}', " ");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "SIMULATED: a recorded load",
        "2 days measured after 0 for schedules",
        "a replica serves 2.5 requests/s and draws 1 000 to 2 000 W",
        "grid of the file given; seed 1.",
        "COLD START 1.0 min",
        "ours, reactive 70 %",
        "scheduled: none",
        "oracle",
    ] {
        assert!(lines.contains(part), "no {part:?} in\n{told}");
    }
    assert!(
        !lines.contains("scheduled 70 %"),
        "there are no days to make a schedule from"
    );
}

#[test]
fn what_is_wrong_exits_with_2_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| write(folder.path(), name, text);
    let good = path("good.csv", &two_days());
    let wrong = path("wrong.csv", "window_start_seconds,requests_per_second\n0,1\n600,x\n");
    let unit = path("unit.csv", "window_start_seconds,requests_per_minute\n0,1\n600,1\n");
    let grid = path("grid.csv", "window_start_seconds,requests_per_second\n0,1\n600,1\n");
    let zero = path(
        "zero.csv",
        &two_days()
            .lines()
            .take(1)
            .chain(["0,0", "86400,0"])
            .collect::<Vec<_>>()
            .join("\n"),
    );
    for (arguments, told) in [
        (&["--load", "/nowhere/at-all.csv"][..], "/nowhere/at-all.csv: "),
        (&["--load", &wrong], "wrong.csv: line 3, column 5: is not a number"),
        (
            &["--load", &unit],
            "unit.csv: line 1, column 1: has no column requests_per_second",
        ),
        (
            &["--load", &good, "--carbon", &grid],
            "grid.csv: line 1, column 1: has no column grams_per_kwh",
        ),
        (&["--load", &good], "has 2 whole days and 7 are for making schedules"),
        (&["--load", &zero, "--train-days", "0"], "has no requests"),
        (
            &["--load", &good, "--idle", "3 kW"],
            "--busy must not be less than --idle",
        ),
        (&["--load", &good, "--idle", "3"], "not a quantity"),
        (&["--load", &good, "--target", "0"], "0 is not in 5..=100"),
        (&["--load", &good, "--cold-start", "2h"], "at most 1h"),
    ] {
        let output = simulate(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(
            error.contains(told) && output.stdout.is_empty(),
            "{arguments:?}: {error}"
        );
    }
}
