//! What the parts of an answer say.

use super::promql::{BUSY, DOWN, PART, RATE, STAMP, VALUE};
use crate::load::cause::Cause;
use crate::outbound::Vector;
use heliotrope_core::rightsizing::hpa::Milli;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Series of an answer, all parts together.
const MAX_SERIES: usize = 20_000;

/// One series of a part.
pub(super) struct Series {
    labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// An answer by its parts.
#[derive(Default)]
pub(super) struct Parts {
    parts: BTreeMap<String, Vec<Series>>,
    /// Values that were no numbers, in all parts.
    pub(super) not_numbers: u64,
}

impl Parts {
    pub(super) fn of(vector: Vector) -> Result<Self, Cause> {
        if vector.samples.len() > MAX_SERIES {
            return Err(Cause::TooManySeries(MAX_SERIES));
        }
        let mut parts: BTreeMap<String, Vec<Series>> = BTreeMap::new();
        for mut sample in vector.samples {
            let Some(part) = sample.labels.remove(PART) else {
                continue;
            };
            parts.entry(part).or_default().push(Series {
                labels: sample.labels,
                value: sample.value,
            });
        }
        Ok(Self {
            parts,
            not_numbers: vector.not_numbers,
        })
    }

    fn part(&self, name: &str) -> &[Series] {
        self.parts.get(name).map_or(&[], Vec::as_slice)
    }

    /// What was asked for.
    pub(super) fn values(&self) -> &[Series] {
        self.part(VALUE)
    }

    /// The value, where it is one.
    pub(super) fn value(&self) -> Option<f64> {
        self.part(VALUE).first().map(|series| series.value)
    }

    /// When it was scraped; of several the longest ago.
    pub(super) fn stamp(&self) -> Option<Timestamp> {
        self.part(STAMP).iter().filter_map(|series| moment(series.value)).min()
    }

    /// Requests that were finished, per second; `None` where that is not known.
    pub(super) fn rate(&self) -> Option<f64> {
        self.part(RATE).first().map(|series| series.value)
    }

    /// Requests under way; none where nobody says so.
    pub(super) fn busy(&self) -> f64 {
        self.part(BUSY).first().map_or(0.0, |series| series.value)
    }

    /// Replicas that cannot be scraped, and when that was tried last.
    pub(super) fn down<'a>(&'a self, label: &'a str) -> impl Iterator<Item = (&'a str, Timestamp)> {
        let down = self.part(DOWN).iter();
        down.filter_map(move |series| Some((series.pod(label)?, moment(series.value)?)))
    }

    /// The times of each pod's series.
    pub(super) fn stamps<'a>(&'a self, label: &'a str) -> BTreeMap<&'a str, Timestamp> {
        let stamps = self.part(STAMP).iter();
        stamps
            .filter_map(|series| Some((series.pod(label)?, moment(series.value)?)))
            .collect()
    }
}

impl Series {
    /// The pod that it is of. Where Prometheus pushed a label of the workload aside, it stands under `exported_`.
    pub(super) fn pod(&self, label: &str) -> Option<&str> {
        let own = |label: &str| self.labels.get(label).filter(|value| !value.is_empty());
        own(&format!("exported_{label}"))
            .or_else(|| own(label))
            .map(String::as_str)
    }
}

/// A value in thousandths, rounded to the nearest; nothing where it is negative or beyond what they hold.
pub(super) fn milli(value: f64) -> Option<Milli> {
    /// Just below 2^63.
    const LARGEST: f64 = 9.223_372_036_854_775e18;
    let milli = (value * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "checked to be within")]
    (0.0..=LARGEST).contains(&milli).then_some(milli as Milli)
}

/// A value in seconds, as a duration; nothing where it is negative or beyond what one holds.
pub(super) fn duration(seconds: f64) -> Option<SignedDuration> {
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    (!duration.is_negative()).then_some(duration)
}

fn moment(seconds: f64) -> Option<Timestamp> {
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since).ok()
}
