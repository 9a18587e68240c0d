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
    for policy in ["hpa", "scheduled", "reactive", "ours", "carbon-bound"] {
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
        drawn.matches("<polyline").count() == 6 && drawn.contains("cold start 120 s"),
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
        !lines.contains("scheduled 70 %") && !lines.contains("carbon bound 70 %"),
        "there are no days to make a schedule or a bound from"
    );
}

/// Two days of noon and night. Where the grid is dirty by day, at the time of the load, the bound takes replicas away then; where
/// it is always the same, or the bound is as wide as the load, there is nothing to gain and nothing is lost.
#[test]
fn a_carbon_bound_saves_grams_where_the_grid_is_dirty_and_says_what_it_costs() {
    let folder = tempfile::tempdir().unwrap();
    let load = write(folder.path(), "load.csv", &two_days());
    let grid = |name: &str, day: u32| {
        let hours =
            (0..24).map(|hour| format!("{},{}\n", hour * 3600, if (8..16).contains(&hour) { day } else { 100 }));
        let text = hours.fold("window_start_seconds,grams_per_kwh\n".to_owned(), |all, hour| {
            all + &hour
        });
        write(folder.path(), name, &text)
    };
    let (dirty, dull) = (grid("dirty.csv", 600), grid("dull.csv", 101));
    let played = |carbon: &str, most: &str| -> Value {
        let output = simulate(&[
            "--load",
            &load,
            "--capacity",
            "5",
            "--cold-start",
            "2m",
            "--target",
            "70",
            "--train-days",
            "1",
            "--carbon",
            carbon,
            "--carbon-max",
            most,
            "-o",
            "json",
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let of = |report: &Value, policy: &str, key: &str| rows(report, policy)[0][key].as_f64().unwrap();
    let report = played(&dirty, "80");
    assert_eq!(
        report["bound"],
        serde_json::json!({"enter": 600.0, "leave": 100.0, "share": 0.8})
    );
    let change = |key: &str| of(&report, "carbon-bound", key) / of(&report, "reactive", key);
    assert!(change("grams") < 0.99, "{report}");
    assert!(
        change("replicaHours") < change("grams"),
        "what is served is served all the same: {report}"
    );
    let short = |policy| of(&report, policy, "underProvisionedMinutes");
    assert!(short("carbon-bound") >= short("reactive"), "{report}");
    // 100 requests a second at noon need 20 replicas at full use: with 15 of the 29 the queue grows, and the bound yields.
    let strained = played(&dirty, "50");
    assert!(
        of(&strained, "carbon-bound", "underProvisionedMinutes")
            > of(&report, "carbon-bound", "underProvisionedMinutes"),
        "{strained}"
    );
    // That queue would make most requests of the day late.
    assert!(
        of(&strained, "carbon-bound", "lateShare") < 0.2,
        "it yields to the queue: {strained}"
    );
    let wide = played(&dirty, "100");
    for key in ["grams", "replicaHours"] {
        assert!(
            (of(&wide, "carbon-bound", key) / of(&wide, "reactive", key) - 1.0).abs() < 0.01,
            "{key}: {wide}"
        );
    }
    let dull = played(&dull, "80");
    let gained = |report: &Value| 1.0 - of(report, "carbon-bound", "grams") / of(report, "reactive", "grams");
    assert!(
        gained(&dull) < gained(&report),
        "a hundred and one is no dirtier than a hundred: {dull}"
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
