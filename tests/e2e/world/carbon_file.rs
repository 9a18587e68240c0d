use crate::loopback::now;
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

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

    fn replace(&self, hours: Range<i32>, grams_per_kwh: f64) {
        const HOUR: SignedDuration = SignedDuration::from_hours(1);
        let hour = Timestamp::from_second(now().as_second().div_euclid(3600) * 3600).unwrap();
        let mut text = "datetime,zone,carbon_intensity\n".to_owned();
        for i in hours {
            writeln!(text, "{},{},{grams_per_kwh}", hour + HOUR * i, self.zone).unwrap();
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
