//! The HorizontalPodAutoscaler's arithmetic against rows of data.
//!
//! Each row of `rows/*.json` says what the controller sees and what it then does, written from its documented behaviour. They
//! are data so that the same rows can be read by whoever runs them against the controller itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "all of this is test code: what goes wrong should end the test, where it went wrong"
)]

mod differential;
mod oracle;
mod properties;
mod row;

use row::Row;
use std::path::Path;

fn rows(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/rightsizing/rows")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn conforms(file: &str, at_least: usize) {
    let rows = rows(file);
    let wrong: Vec<String> = rows.iter().flat_map(Row::differences).collect();
    assert!(wrong.is_empty(), "{file}:\n{}", wrong.join("\n"));
    assert!(rows.len() >= at_least, "{file} has {} rows", rows.len());
}

#[test]
fn metrics_of_pods() {
    conforms("pods.json", 20);
}

#[test]
fn metrics_of_objects_and_external_ones() {
    conforms("totals.json", 12);
}

#[test]
fn several_metrics() {
    conforms("several.json", 8);
}

#[test]
fn bounds_rates_and_windows() {
    conforms("bounds.json", 24);
}
