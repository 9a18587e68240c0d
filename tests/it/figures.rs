//! `hack/draw-figures.py`: what the end-to-end suite measured, as SVG.

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/draw-figures.py");

/// Runs the script on a folder with these files; `None`, said loudly, where there is no Python.
fn draw(folder: &Path, files: &[(&str, Value)]) -> Option<Output> {
    for (name, figures) in files {
        std::fs::write(folder.join(format!("{name}.json")), figures.to_string()).unwrap();
    }
    match Command::new("python3").arg(SCRIPT).arg(folder).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("SKIPPED: no figures were drawn: python3 cannot be run: {error}");
            None
        }
    }
}

fn svg(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap()
}

#[test]
fn every_figure_has_its_values_its_labels_and_its_unit() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        (
            "a_greenest_zone",
            json!({
                "kube-scheduler": "1.37.2",
                "weight 3, before the crossing, share in the greenest zone": 0.489,
                "weight 10, after the crossing, share in the greenest zone": 1.0,
            }),
        ),
        (
            "h_oldest_greenest_zone",
            json!({ "kube-scheduler": "<1.33>", "weight 5, after the crossing, share in the greenest zone": 0.967 }),
        ),
        (
            "c_refusals",
            json!({ "kube-scheduler": "1.37.2", "filter calls in 45 s, idle": 1,
                "churn, default sampling: attempts per refused pod and minute": 12.4 }),
        ),
        (
            "e_outage",
            json!({ "answering: pods per second": 229.652, "hung: pods per second": 0.988, "failed": true }),
        ),
        (
            "f_ladder",
            json!({ "GB on live, s after the outage": 1, "GB on forecast, s after the outage": 151,
                "GB on forecast: compared on": "forecast" }),
        ),
        (
            "i_throughput",
            json!({ "no extender: pods per second, median of 3": 183.551,
                "heliotrope, 50 nodes: pods per second, median of 3": 49.336,
                "heliotrope, 50 nodes: share of the rate without extender": 0.269 }),
        ),
    ];
    let Some(output) = draw(folder.path(), &files) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    for (figure, texts) in [
        (
            "a_greenest_zone",
            &[
                "48.9 %",
                "96.7 %",
                "1.37.2, weight 3, before",
                "&lt;1.33&gt;, weight 5, after",
                "% of the GPU pods",
            ][..],
        ),
        ("c_refusals", &["12.4", "filter calls for one refused pod in 45 s"]),
        (
            "e_outage",
            &["230", "0.988", "pods bound per second", "the scenario FAILED"],
        ),
        ("f_ladder", &["151 s, nodes compared on forecast", "seconds since"]),
        (
            "i_throughput",
            &["49.3  (26.9 % of the rate without extender)", "heliotrope, 50 nodes"],
        ),
    ] {
        let drawn = svg(folder.path(), figure);
        for text in texts {
            assert!(drawn.contains(text), "{figure} has no {text:?}:\n{drawn}");
        }
    }
    let weights = svg(folder.path(), "a_greenest_zone");
    assert!(weights.find("weight 3,") < weights.find("weight 10,"));
    assert!(!svg(folder.path(), "f_ladder").contains("FAILED"));
}

#[test]
fn a_bar_is_as_long_as_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let rates = json!({ "answering: pods per second": 200.0, "hung: pods per second": 50.0 });
    if draw(folder.path(), &[("e_outage", rates)]).is_none() {
        return;
    }
    let drawn = svg(folder.path(), "e_outage");
    let widths: Vec<f64> = drawn
        .split("<rect x=")
        .skip(1)
        .map(|rest| rest.split("width=\"").nth(1).unwrap().split('"').next().unwrap())
        .map(|width| width.parse().unwrap())
        .collect();
    assert_eq!(widths.len(), 2, "{drawn}");
    assert!((widths[0] / widths[1] - 4.0).abs() < 0.01, "{widths:?}");
}

#[test]
fn what_is_missing_is_said_and_what_has_grown_apart_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let Some(output) = draw(folder.path(), &[("c_refusals", json!({ "failed": true }))]) else {
        return;
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(
        told.contains("not drawn: i_throughput: i_throughput.json is not there"),
        "{told}"
    );
    assert!(told.contains("not drawn: c_refusals: the scenario failed"), "{told}");

    let renamed = json!({ "answering: pods a second": 229.6, "failed": false });
    let output = draw(folder.path(), &[("e_outage", renamed)]).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("e_outage.json"));
    assert!(!folder.path().join("e_outage.svg").exists());
}
