//! Yearly averages.

use super::*;
use heliotrope_core::grid::{YearlyAverage, ZoneRow};
use heliotrope_core::quantity::Source;

fn row(value: f64) -> ZoneRow {
    let average = YearlyAverage {
        intensity: grams(value),
        year: 2025,
        source: Source::new("x"),
    };
    ZoneRow {
        name: "Hall".to_owned(),
        direct: Some(average),
        lifecycle: None,
    }
}

#[tokio::test]
async fn a_changed_table_is_told_at_once_and_only_in_the_kind_ranked() {
    let yaml = "  basis: direct\n  providers: [{name: table, type: static}]\n  zones: {XX: [table], DE: [table]}\n";
    let mut rig = Rig::start(&settings(yaml), "2026-01-01T00:00:00Z");
    let first = rig.next().await;
    assert_eq!(first.zone.as_str(), "DE", "XX is in no table");
    assert!(first.fixed.is_some() && first.latest.is_none());
    let mut table = rig.table.borrow().clone();
    table.insert("XX".parse().unwrap(), row(123.0));
    rig.table.send(table).unwrap();
    let report = rig.next_that(|report| report.zone.as_str() == "XX").await;
    assert_eq!(report.fixed.unwrap(), grams(123.0));
    rig.stop().await;

    let lifecycle = yaml
        .replace("direct", "lifecycle")
        .replace("DE: [table]", "'NOWHERE': [table]");
    let rig = Rig::start(&settings(&lifecycle), "2026-01-01T00:00:00Z");
    rig.until("no-data", 1).await;
    rig.stop().await;
}
