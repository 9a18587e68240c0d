//! Rows of intensities, by zone.

use super::reading::whole;
use crate::carbon::error::CarbonError;
use heliotrope_core::grid::{Basis, IntensityKind, ZoneId};
use heliotrope_core::quantity::GramsPerKwh;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// A value for the period that begins with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) value: GramsPerKwh,
    pub(super) estimated: bool,
}

/// Rows in the order of time, each moment once.
pub(super) type ZoneRows = BTreeMap<Timestamp, Row>;

/// The rows of a file. Of two rows for one moment of one zone the later one counts: corrections are appended.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rows(BTreeMap<ZoneId, ZoneRows>);

impl Rows {
    pub(super) fn insert(&mut self, zone: ZoneId, from: Timestamp, row: Row) {
        self.0.entry(zone).or_default().insert(from, row);
    }

    pub(super) fn zones(&self) -> impl Iterator<Item = (&ZoneId, &ZoneRows)> {
        self.0.iter()
    }

    /// The rows as those of one zone, where the settings say which: then the file must not know two.
    pub(super) fn of_one(mut self, zone: &ZoneId) -> Result<Self, CarbonError> {
        if self.0.len() > 1 {
            return Err(whole("is about several zones, so zone must not be set"));
        }
        let rows = self.0.pop_first().map(|(_, rows)| rows);
        Ok(Self(rows.map(|rows| (zone.clone(), rows)).into_iter().collect()))
    }
}

/// Reads a figure in g/kWh; none is a gap. A lifecycle zero is a gap too: there is no plant that cost nothing to build.
/// Direct and marginal zeros are values.
pub(super) fn figure(number: f64, kind: IntensityKind) -> Result<Option<GramsPerKwh>, &'static str> {
    if number.is_nan() {
        return Ok(None);
    }
    let value = GramsPerKwh::new(number).map_err(|_| "has a negative or infinite intensity")?;
    Ok(Some(value).filter(|value| *value > GramsPerKwh::ZERO || kind.basis == Basis::Direct))
}

/// Reads a moment: RFC 3339 with any offset, whole seconds since 1970, or the exports' `2021-01-01 00:00:00`, which is UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() >= 9 {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| Some(civil()?.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_core::grid::Signal;

    #[test]
    fn moments_are_read_in_every_offset() {
        let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for text in [
            "2026-03-01T12:00:00Z",
            "2026-03-01T13:00:00+01:00",
            "2026-03-01 06:30:00-05:30",
            "2026-03-01 12:00:00",
            "2026-03-01T12:00",
            "1772366400",
        ] {
            assert_eq!(moment(text), Some(noon), "{text}");
        }
        for text in ["", "noon", "2026-02-30 00:00:00", "12345", "01/03/2026 12:00"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn a_zero_is_a_value_where_a_grid_can_have_it() {
        let kind = |basis| IntensityKind {
            signal: Signal::Average,
            basis,
        };
        assert_eq!(figure(0.0, kind(Basis::Direct)), Ok(Some(GramsPerKwh::ZERO)));
        assert_eq!(figure(0.0, kind(Basis::Lifecycle)), Ok(None));
        assert_eq!(figure(f64::NAN, kind(Basis::Direct)), Ok(None));
        assert!(figure(-1.0, kind(Basis::Direct)).is_err());
        assert!(figure(f64::INFINITY, kind(Basis::Direct)).is_err());
    }
}
