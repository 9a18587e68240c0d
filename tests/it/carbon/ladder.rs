//! What becomes of reports when providers fall silent and come back.

use super::gb::{national, period};
use super::*;
use heliotrope_core::quantity::Rung;

/// Takes in what was told and gives the best rung of a zone with its value and source.
fn best(rig: &mut Rig, builder: &mut SnapshotBuilder, zone: &str) -> Option<(Rung, f64, String)> {
    let now = *rig.clock.lock().unwrap();
    for report in rig.drain() {
        let applied = builder.apply_carbon(report, now);
        assert!(applied.is_ok(), "{applied:?}");
    }
    let snapshot = builder.build(now);
    let zone = snapshot.zone(snapshot.find_zone(&zone.parse().unwrap())?)?.clone();
    let (rung, view) = zone.best()?;
    Some((rung, view.now.get(), view.source.to_string()))
}

#[tokio::test]
async fn g5_a_provider_that_falls_silent_is_followed_by_the_next_and_comes_back() {
    let body = |forecast: &str| {
        json(national(&[
            period("12:00", "12:30", forecast, Some("null")),
            period("12:30", "13:00", "240", Some("null")),
        ]))
    };
    let (server, script) = Script::serve(body("250")).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gb.csv");
    let rows = (0..24).map(|hour| format!("2018-01-20T{hour:02}:00:00Z,GB,300\n"));
    std::fs::write(
        &path,
        format!("datetime,zone,carbon_intensity\n{}", rows.collect::<String>()),
    )
    .unwrap();
    let yaml = format!(
        "  basis: direct\n  lastKnownFor: 30m\n  providers:\n    - {{name: gb, type: gb-carbon-intensity, url: '{}'}}\n    - {{name: file, type: file, path: '{}', signal: average, basis: direct}}\n    - {{name: table, type: static}}\n  zones: {{GB: [gb, file, table]}}\n",
        server.uri(),
        path.display()
    );
    let settings = hurried(&yaml, Duration::from_millis(30));
    let mut rig = Rig::start(&settings, "2018-01-20T12:10:00Z");
    let mut builder = builder(&settings);
    rig.until("ok", 4).await;
    assert_eq!(
        best(&mut rig, &mut builder, "GB"),
        Some((Rung::Live, 250.0, "gb".to_owned()))
    );

    script.set(ResponseTemplate::new(500));
    rig.until("status", 1).await;
    rig.set_clock("2018-01-20T12:20:00Z");
    assert_eq!(
        best(&mut rig, &mut builder, "GB"),
        Some((Rung::Live, 250.0, "gb".to_owned())),
        "its last value holds its half hour"
    );
    rig.set_clock("2018-01-20T14:05:00Z");
    rig.until("ok", rig.count("ok") + 2).await;
    assert_eq!(
        best(&mut rig, &mut builder, "GB"),
        Some((Rung::Live, 300.0, "file".to_owned())),
        "then the next of the chain"
    );
    std::fs::remove_file(&path).unwrap();
    rig.until("file", 1).await;
    best(&mut rig, &mut builder, "GB");
    rig.set_clock("2018-01-20T15:20:00Z");
    let (rung, value, source) = best(&mut rig, &mut builder, "GB").unwrap();
    assert_eq!((rung, value, source.as_str()), (Rung::LastKnown, 300.0, "file"));
    rig.set_clock("2018-01-22T23:00:00Z");
    let (rung, _, source) = best(&mut rig, &mut builder, "GB").unwrap();
    assert!(
        rung > Rung::Forecast,
        "{rung} of {source}: everything that was heard is too old"
    );

    rig.set_clock("2018-01-20T12:29:00Z");
    script.set(body("199"));
    rig.next_that(|report| report.forecast.is_some() && report.source.as_str() == "gb")
        .await;
    let seen = rig.count("ok");
    rig.until("ok", seen + 4).await;
    let (rung, _, source) = best(&mut rig, &mut builder, "GB").unwrap();
    assert_eq!((rung, source.as_str()), (Rung::Live, "gb"), "back");
    rig.stop().await;
}
