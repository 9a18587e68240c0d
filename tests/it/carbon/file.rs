//! Files of intensities, as they are and as they change.

use super::*;
use std::path::PathBuf;
use tempfile::TempDir;

const NOW: &str = "2026-01-01T01:30:00Z";
const SOON: Duration = Duration::from_millis(20);

/// A portal export, shaped as documented; DE has an empty cell at 01:00, FR is estimated.
const EXPORT: &str = "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),Low Carbon Percentage,Renewable Percentage,Data Source,Data Estimated,Data Estimation Method
2026-01-01 00:00:00,Germany,Germany,DE,300.5,350.25,50,50,entsoe.eu,false,
2026-01-01 01:00:00,Germany,Germany,DE,,,50,50,entsoe.eu,false,
2026-01-01 02:00:00,Germany,Germany,DE,200,250,60,60,entsoe.eu,false,
2026-01-01 03:00:00,Germany,Germany,DE,100,150,60,60,entsoe.eu,false,
2026-01-01 00:00:00,France,France,FR,20,30,95,30,,true,TIME_SLICER_AVERAGE
2026-01-01 01:00:00,France,France,FR,21,31,95,30,,true,TIME_SLICER_AVERAGE
2026-01-01 02:00:00,France,France,FR,22,32,95,30,,true,TIME_SLICER_AVERAGE
";

struct Source {
    folder: TempDir,
}

impl Source {
    fn new(text: &str) -> Self {
        let source = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        source.swap(text);
        source
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("carbon")
    }

    /// Replaces the file in one step.
    fn swap(&self, text: &str) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    fn rig(&self, basis: &str, zones: &str) -> Rig {
        let yaml = format!(
            "  basis: {basis}\n  providers: [{{name: export, type: file, path: '{}', signal: average, basis: {basis}}}]\n  zones: {{{zones}}}\n",
            self.path().display()
        );
        Rig::start(&hurried(&yaml, SOON), NOW)
    }
}

#[tokio::test]
async fn an_export_of_several_zones_is_told_by_zone() {
    let source = Source::new(EXPORT);
    for (basis, german, french) in [("direct", 300.5, 21.0), ("lifecycle", 350.25, 31.0)] {
        let mut rig = source.rig(basis, "DE: [export], FR: [export]");
        let de = rig.next_that(|report| report.zone.as_str() == "DE").await;
        let fr = rig.next_that(|report| report.zone.as_str() == "FR").await;
        let (de, fr) = (de.latest.unwrap(), fr.latest.unwrap());
        assert_eq!((de.value.get(), de.estimated), (german, false));
        assert_eq!(
            de.until,
            at("2026-01-01T01:00:00Z"),
            "nothing is stretched over the empty cell"
        );
        assert_eq!((fr.value.get(), fr.estimated), (french, true));
        rig.stop().await;
    }
}

#[tokio::test]
async fn only_zones_with_the_file_in_their_chain_are_told() {
    let source = Source::new(EXPORT);
    let mut rig = source.rig("direct", "FR: [export], PL: [export]");
    rig.until("ok", 3).await;
    let zones: Vec<String> = rig.drain().iter().map(|report| report.zone.to_string()).collect();
    assert!(!zones.is_empty() && zones.iter().all(|zone| zone == "FR"), "{zones:?}");
    rig.stop().await;
}

#[tokio::test]
async fn a_changed_file_is_read_anew_and_a_wrong_one_says_nothing() {
    let source = Source::new(EXPORT);
    let mut rig = source.rig("direct", "FR: [export]");
    assert_eq!(rig.next().await.latest.unwrap().value, grams(21.0));
    source.swap(&EXPORT.replace("FR,21,", "FR,25,"));
    rig.next_that(|report| report.latest.unwrap().value == grams(25.0))
        .await;
    source.swap(&EXPORT.replace("FR,21,", "FR,many,"));
    rig.until("file", 1).await;
    rig.drain();
    rig.until("file", 3).await;
    assert_eq!(rig.drain(), [], "a file is not taken in part");
    std::fs::remove_file(source.path()).unwrap();
    rig.until("file", 5).await;
    source.swap(EXPORT);
    assert_eq!(rig.next().await.latest.unwrap().value, grams(21.0));
    rig.stop().await;
}

#[tokio::test]
async fn what_a_file_says_moves_with_the_time() {
    let source = Source::new(EXPORT);
    let mut rig = source.rig("direct", "FR: [export]");
    let report = rig.next().await;
    assert_eq!(report.forecast.unwrap().points.len(), 2);
    rig.set_clock("2026-01-01T02:10:00Z");
    let report = rig
        .next_that(|report| report.latest.unwrap().value == grams(22.0))
        .await;
    assert_eq!((report.history.len(), report.forecast), (3, None));
    rig.stop().await;
}

#[tokio::test]
async fn a_forecast_is_as_old_as_the_file() {
    let source = Source::new(EXPORT);
    let written = at("2025-12-30T00:00:00Z");
    let file = std::fs::File::options().append(true).open(source.path()).unwrap();
    file.set_modified(written.into()).unwrap();
    let mut rig = source.rig("direct", "FR: [export]");
    assert_eq!(rig.next().await.forecast.unwrap().issued_at, written);
    rig.stop().await;
}

#[tokio::test]
async fn offsets_other_than_utc_are_the_same_moments() {
    let text = "datetime,zone,carbon_intensity\n2026-01-01T02:00:00+01:00,FR,21\n2025-12-31T20:00:00-06:00,FR,22\n";
    let source = Source::new(text);
    let mut rig = source.rig("direct", "FR: [export]");
    let latest = rig.next().await.latest.unwrap();
    assert_eq!((latest.value.get(), latest.from), (21.0, at("2026-01-01T01:00:00Z")));
    rig.stop().await;
}

#[tokio::test]
async fn a_leap_day_is_a_day_as_any_other() {
    let rows = (27..=29).map(|day| format!("2028-02-{day} 00:00:00,FR,{day}\n"));
    let text = format!(
        "datetime,zone,carbon_intensity\n{}2028-03-01 00:00:00,FR,1\n",
        rows.collect::<String>()
    );
    let source = Source::new(&text);
    let mut rig = source.rig("direct", "FR: [export]");
    rig.set_clock("2028-02-29T12:00:00Z");
    let report = rig.next_that(|report| report.latest.is_some()).await;
    let latest = report.latest.unwrap();
    assert_eq!((latest.value.get(), latest.until), (29.0, at("2028-03-01T00:00:00Z")));
    rig.stop().await;
}

#[tokio::test]
async fn json_is_known_by_how_it_begins() {
    let text = r#"{"zone":"FR","data":[{"zone":"FR","carbonIntensity":21,"datetime":"2026-01-01T01:00:00.000Z","isEstimated":true,"estimationMethod":"X"},
        {"zone":"FR","carbonIntensity":null,"datetime":"2026-01-01T02:00:00.000Z","isEstimated":false,"estimationMethod":null}]}"#;
    let source = Source::new(text);
    let mut rig = source.rig("direct", "FR: [export]");
    let latest = rig.next().await.latest.unwrap();
    assert_eq!((latest.value.get(), latest.estimated), (21.0, true));
    rig.stop().await;
}

#[tokio::test]
async fn a_file_that_is_too_large_is_an_outcome() {
    let source = Source::new("");
    let file = std::fs::File::create(source.path()).unwrap();
    file.set_len(64 * 1024 * 1024 + 1).unwrap();
    let mut rig = source.rig("direct", "FR: [export]");
    rig.until("file", 1).await;
    assert_eq!(rig.drain(), []);
    rig.stop().await;
}
