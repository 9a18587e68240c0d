//! Rows from CSV.

use super::rows::{Row, Rows, figure, moment};
use crate::carbon::error::CarbonError;
use csv::{ReaderBuilder, StringRecord, Trim};
use heliotrope_core::grid::{Basis, IntensityKind, ZoneId};

/// What stands where there is no value.
const GAPS: [&str; 6] = ["", "nan", "null", "none", "na", "n/a"];

/// Reads the rows of the basis stated. `zone` is what every row is about, for a file that does not say it.
pub(super) fn rows(text: &str, zone: Option<&ZoneId>, kind: IntensityKind) -> Result<Rows, CarbonError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let titles = reader.headers().map_err(|error| not_csv(&error))?;
    let columns = Columns::find(titles, zone.is_some(), kind.basis).map_err(|what| wrong(1, what))?;
    let mut rows = Rows::default();
    for record in reader.records() {
        let record = record.map_err(|error| not_csv(&error))?;
        let line = record
            .position()
            .map_or(0, |at| usize::try_from(at.line()).unwrap_or(usize::MAX));
        columns
            .read(&record, zone, kind, &mut rows)
            .map_err(|what| wrong(line, what))?;
    }
    match zone {
        Some(zone) => rows.of_one(zone),
        None => Ok(rows),
    }
}

fn wrong(line: usize, what: &'static str) -> CarbonError {
    CarbonError::File { line, what }
}

fn not_csv(error: &csv::Error) -> CarbonError {
    let line = error
        .position()
        .map_or(0, |at| usize::try_from(at.line()).unwrap_or(usize::MAX));
    wrong(line, "has a row that does not have the columns of the first")
}

/// Where what stands. Columns are found by what their titles contain, for exports have renamed them over the years.
#[derive(Debug, PartialEq, Eq)]
struct Columns {
    when: usize,
    zone: Option<usize>,
    value: usize,
    estimated: Option<usize>,
}

impl Columns {
    fn find(titles: &StringRecord, zone_is_known: bool, basis: Basis) -> Result<Self, &'static str> {
        let titles: Vec<String> = titles.iter().map(plain).collect();
        let find = |fits: &dyn Fn(&str) -> bool| titles.iter().position(|title| fits(title));
        let when = find(&|t| t.contains("datetime") && t.contains("utc"))
            .or_else(|| find(&|t| t == "datetime"))
            .or_else(|| find(&|t| ["timestamp", "time", "from"].contains(&t) || t.contains("datetime")))
            .ok_or("has no column datetime")?;
        if titles.get(when).is_some_and(|title| title.contains("local")) {
            return Err("has local times, which stand twice each autumn: export it in UTC");
        }
        let zone = find(&|t| t == "zone id" || t == "zone key")
            .or_else(|| find(&|t| ["zone", "zoneid", "zonekey", "location"].contains(&t)));
        if zone.is_none() && !zone_is_known {
            return Err("has no column zone: add one, or set zone");
        }
        let value = Self::value(&titles, basis)?;
        let estimated = find(&|t| t == "data estimated" || t == "isestimated" || t == "estimated");
        Ok(Self {
            when,
            zone,
            value,
            estimated,
        })
    }

    /// The intensity of the basis stated, or the only one where titles say nothing of a basis.
    fn value(titles: &[String], basis: Basis) -> Result<usize, &'static str> {
        let intensities = titles
            .iter()
            .enumerate()
            .filter(|(_, title)| title.contains("carbon") && title.contains("intensity"));
        let (mut stated, mut silent) = (None, None);
        for (at, title) in intensities {
            match basis_of(title) {
                Some(said) if said == basis => stated = stated.or(Some((at, title))),
                None => silent = silent.or(Some((at, title))),
                Some(_) => {}
            }
        }
        let (at, title) = stated
            .or(silent)
            .ok_or("has no carbon intensity column of the basis stated")?;
        let words = || title.split(' ');
        if words().any(|word| ["lb", "lbs", "mwh", "percent", "index", "level"].contains(&word)) {
            return Err("has its carbon intensity in another unit than g/kWh");
        }
        Ok(at)
    }

    fn read(
        &self,
        record: &StringRecord,
        zone: Option<&ZoneId>,
        kind: IntensityKind,
        rows: &mut Rows,
    ) -> Result<(), &'static str> {
        let cell = |at| record.get(at).unwrap_or_default();
        let text = cell(self.value);
        if GAPS.contains(&text.to_lowercase().as_str()) {
            return Ok(());
        }
        let from = moment(cell(self.when)).ok_or("has a datetime that is not one")?;
        let number = text.parse().map_err(|_| "has an intensity that is not a number")?;
        let Some(value) = figure(number, kind)? else {
            return Ok(());
        };
        let id = match (self.zone.map(cell), zone) {
            (Some(id), _) if !id.is_empty() => id.parse().map_err(|_| "has a zone that cannot be one")?,
            (_, Some(zone)) => zone.clone(),
            _ => return Err("has a row without a zone"),
        };
        let estimated = self
            .estimated
            .is_some_and(|at| cell(at).eq_ignore_ascii_case("true") || cell(at) == "1");
        rows.insert(id, from, Row { value, estimated });
        Ok(())
    }
}

/// A title in lower case with single spaces between its words.
fn plain(title: &str) -> String {
    let spaced: String = title
        .to_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn basis_of(title: &str) -> Option<Basis> {
    if title.contains("direct") {
        Some(Basis::Direct)
    } else if title.contains("lca") || title.contains("life") {
        Some(Basis::Lifecycle)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heliotrope_core::grid::Signal;

    const DIRECT: IntensityKind = kind(Basis::Direct);
    const LIFECYCLE: IntensityKind = kind(Basis::Lifecycle);

    const fn kind(basis: Basis) -> IntensityKind {
        IntensityKind {
            signal: Signal::Average,
            basis,
        }
    }

    fn values(text: &str, kind: IntensityKind) -> Vec<(String, Vec<f64>)> {
        let rows = rows(text, None, kind).unwrap();
        rows.zones()
            .map(|(zone, rows)| (zone.to_string(), rows.values().map(|row| row.value.get()).collect()))
            .collect()
    }

    fn refused(text: &str, kind: IntensityKind) -> String {
        rows(text, None, kind).unwrap_err().to_string()
    }

    #[test]
    fn exports_of_every_age_are_read_in_the_basis_stated() {
        let old = "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),Low Carbon Percentage,Renewable Percentage,Data Source,Data Estimated,Data Estimation Method\n\
            2026-01-01 00:00:00,Germany,Germany,DE,300.5,350.25,50,50,entsoe.eu,false,\n";
        let new = "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (Life cycle),Carbon intensity gCO₂eq/kWh (direct),Carbon-free energy percentage (CFE%),Data estimated\n\
            2026-01-01 00:00:00,Germany,Germany,DE,350.25,300.5,50,true\n";
        for text in [old, new] {
            assert_eq!(values(text, DIRECT), [("DE".to_owned(), vec![300.5])]);
            assert_eq!(values(text, LIFECYCLE), [("DE".to_owned(), vec![350.25])]);
        }
        let read = rows(new, None, DIRECT).unwrap();
        assert!(read.zones().next().unwrap().1.values().all(|row| row.estimated));
    }

    #[test]
    fn gaps_are_gaps_and_zones_may_be_mixed() {
        let text = "datetime,zone,carbon_intensity\n2026-01-01T00:00:00Z,DE,300\n2026-01-01T00:00:00Z,FR,30\n\
            2026-01-01T01:00:00Z,DE,\n2026-01-01T01:00:00Z,FR,NaN\n2026-01-01T01:30:00Z,FR,N/A\n2026-01-01T02:00:00Z,FR,20\n";
        let expected = [("DE".to_owned(), vec![300.0]), ("FR".to_owned(), vec![30.0, 20.0])];
        assert_eq!(values(text, DIRECT), expected);
    }

    #[test]
    fn of_two_rows_for_one_moment_the_later_counts() {
        let text = "datetime,zone,carbon_intensity\n2026-01-01T00:00:00Z,DE,300\n2026-01-01T01:00:00+01:00,DE,310\n";
        assert_eq!(values(text, DIRECT), [("DE".to_owned(), vec![310.0])]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let head = "datetime,zone,carbon_intensity\n2026-01-01T00:00:00Z,DE,300\n";
        for (row, told) in [
            ("2026-01-01T01:00:00Z,DE,many", "not a number (line 3)"),
            ("2026-01-01T01:00:00Z,DE,-3", "negative or infinite intensity (line 3)"),
            ("2026-01-01T01:00:00Z,DE,inf", "negative or infinite intensity (line 3)"),
            ("yesterday,DE,3", "datetime that is not one (line 3)"),
            ("2026-01-01T01:00:00Z,D E,3", "zone that cannot be one (line 3)"),
            ("2026-01-01T01:00:00Z,,3", "without a zone (line 3)"),
            ("2026-01-01T01:00:00Z,DE", "columns of the first (line 3)"),
        ] {
            let refused = refused(&format!("{head}{row}\n"), DIRECT);
            assert!(refused.contains(told), "{row}: {refused}");
        }
        for (titles, told) in [
            ("when,zone,carbon_intensity", "no column datetime"),
            ("datetime,carbon_intensity", "no column zone"),
            ("datetime,zone,watts", "no carbon intensity column"),
            ("datetime,zone,Carbon Intensity (LCA)", "no carbon intensity column"),
            ("datetime,zone,Carbon intensity lb/MWh", "another unit"),
            ("local datetime,zone,carbon_intensity", "local times"),
        ] {
            let refused = refused(&format!("{titles}\n"), DIRECT);
            assert!(refused.contains(told), "{titles}: {refused}");
        }
    }

    #[test]
    fn the_settings_may_say_whose_the_rows_are() {
        let zone = "DE-LU".parse().unwrap();
        let read = |text: &str| rows(text, Some(&zone), DIRECT);
        let named = read("datetime,zone,carbon_intensity\n2026-01-01T00:00:00Z,DE,300\n").unwrap();
        let silent = read("Time,Carbon Intensity\n2026-01-01 00:00:00,300\n").unwrap();
        assert_eq!(named, silent);
        assert_eq!(named.zones().next().unwrap().0, &zone);
        let two = read("datetime,zone,carbon_intensity\n2026-01-01T00:00:00Z,DE,300\n2026-01-01T00:00:00Z,FR,30\n");
        assert!(two.unwrap_err().to_string().contains("several zones"));
    }
}
