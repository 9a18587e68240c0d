use super::kind::{Basis, IntensityKind, Signal};
use super::zone::ZoneId;
use crate::quantity::{GramsPerKwh, Source};
use std::collections::BTreeMap;

/// A zone's intensity over a whole year.
#[derive(Debug, Clone, PartialEq)]
pub struct YearlyAverage {
    /// The mean of the year.
    pub intensity: GramsPerKwh,
    /// The calendar year.
    pub year: i16,
    /// Who published it.
    pub source: Source,
}

/// What a table knows of a zone. A figure that nobody published openly is absent, never zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ZoneRow {
    /// The name people use.
    pub name: String,
    /// Average over the lifecycle of the plants.
    pub lifecycle: Option<YearlyAverage>,
    /// Average of what leaves the stacks.
    pub direct: Option<YearlyAverage>,
}

/// Zones with their yearly averages: the last rung of the carbon ladder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ZoneTable {
    rows: BTreeMap<ZoneId, ZoneRow>,
}

impl ZoneTable {
    /// Adds a row. A later row for the same zone replaces the earlier one.
    pub fn insert(&mut self, zone: ZoneId, row: ZoneRow) {
        self.rows.insert(zone, row);
    }

    /// The row of a zone.
    #[must_use]
    pub fn get(&self, zone: &ZoneId) -> Option<&ZoneRow> {
        self.rows.get(zone)
    }

    /// The yearly average of a zone in one kind of intensity. There are no marginal ones: a mean over a year says
    /// nothing about the plants that answer the next kilowatt-hour.
    #[must_use]
    pub fn yearly(&self, zone: &ZoneId, kind: IntensityKind) -> Option<&YearlyAverage> {
        let row = self.rows.get(zone)?;
        match (kind.signal, kind.basis) {
            (Signal::Marginal, _) => None,
            (Signal::Average, Basis::Lifecycle) => row.lifecycle.as_ref(),
            (Signal::Average, Basis::Direct) => row.direct.as_ref(),
        }
    }

    /// Every zone with its row, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&ZoneId, &ZoneRow)> {
        self.rows.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_answers_only_for_its_own_kind() {
        let zone: ZoneId = "DE".parse().unwrap();
        let direct = YearlyAverage {
            intensity: GramsPerKwh::saturating(275.0),
            year: 2025,
            source: Source::new("x"),
        };
        let mut table = ZoneTable::default();
        let row = ZoneRow {
            name: "Germany".into(),
            lifecycle: None,
            direct: Some(direct.clone()),
        };
        table.insert(zone.clone(), row);
        let kind = |signal, basis| IntensityKind { signal, basis };
        assert_eq!(table.yearly(&zone, kind(Signal::Average, Basis::Direct)), Some(&direct));
        assert_eq!(table.yearly(&zone, kind(Signal::Average, Basis::Lifecycle)), None);
        assert_eq!(table.yearly(&zone, kind(Signal::Marginal, Basis::Direct)), None);
    }
}
