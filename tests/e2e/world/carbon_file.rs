use crate::loopback::now;
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The hour that it is.
fn hour() -> Timestamp {
    Timestamp::from_second(now().as_second().div_euclid(3600) * 3600).unwrap()
}

/// A carbon file as an operator would write one: hourly values of one zone, three days back to the day after tomorrow.
pub(crate) struct CarbonFile {
    path: PathBuf,
    zone: String,
}

impl CarbonFile {
    /// Writes the file of a zone with one intensity throughout.
    pub(crate) fn write(folder: &Path, zone: &str, grams_per_kwh: f64) -> Self {
        let file = Self {
            path: folder.join(format!("carbon-{zone}.csv")),
            zone: zone.to_owned(),
        };
        file.set(grams_per_kwh);
        file
    }

    /// Writes the archive of a zone: what was, up to two hours ago, and nothing of now.
    pub(crate) fn archive(folder: &Path, zone: &str, grams_per_kwh: f64) -> Self {
        let file = Self {
            path: folder.join(format!("archive-{zone}.csv")),
            zone: zone.to_owned(),
        };
        file.replace(-72..-2, grams_per_kwh);
        file
    }

    /// Replaces it in one step, as a file that others read should be.
    pub(crate) fn set(&self, grams_per_kwh: f64) {
        // Two days of history and more, so that there is a climatology too.
        self.replace(-72..48, grams_per_kwh);
    }

    /// Replaces it with one intensity up to a moment and another from then on.
    pub(crate) fn turn(&self, grams_per_kwh: f64, at: Timestamp, then: f64) {
        let before = (-72..48).map(|i| hour() + HOUR * i).filter(|from| *from < at);
        let after = (0..48).map(|i| at + HOUR * i);
        let rows = before.map(|from| (from, grams_per_kwh));
        self.rows(rows.chain(after.map(|from| (from, then))));
    }

    fn replace(&self, hours: Range<i32>, grams_per_kwh: f64) {
        self.rows(hours.map(|i| (hour() + HOUR * i, grams_per_kwh)));
    }

    fn rows(&self, rows: impl Iterator<Item = (Timestamp, f64)>) {
        let mut text = "datetime,zone,carbon_intensity\n".to_owned();
        for (from, grams_per_kwh) in rows {
            writeln!(text, "{from},{},{grams_per_kwh}", self.zone).unwrap();
        }
        let part = self.path.with_extension("part");
        std::fs::write(&part, text).unwrap();
        std::fs::rename(part, &self.path).unwrap();
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
