use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use std::fmt;

/// The title of the column that says when a window begins.
const START: &str = "window_start_seconds";
/// More windows than this are refused: two years of minutes.
const MAX_WINDOWS: usize = 1_100_000;
/// No window is wider than a day.
const MAX_WIDTH: f64 = 86_400.0;

/// Which values a file holds. The title names the unit, so that no unit is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Of a load.
    RequestsPerSecond,
    /// Of a grid.
    GramsPerKwh,
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::RequestsPerSecond => "requests_per_second",
            Self::GramsPerKwh => "grams_per_kwh",
        }
    }

    /// Values beyond this are another unit or a mistake.
    fn most(self) -> f64 {
        match self {
            Self::RequestsPerSecond => 1e7,
            Self::GramsPerKwh => 1e4,
        }
    }
}

/// A value for each of equally wide windows that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSeries {
    width: u32,
    values: Vec<f64>,
}

/// What is wrong with a file, and where. Lines and columns count from 1; a column is that of a character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct SeriesProblem {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl StepSeries {
    /// Reads CSV with a line of titles, or JSON: a list of objects with the same names.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    pub fn parse(text: &str, column: Column) -> Result<Self, SeriesProblem> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with(['[', '{']) {
            json(text, column)
        } else {
            csv(text, column)
        }
    }

    /// Seconds of a window.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The values in order.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Seconds of all windows.
    #[must_use]
    pub fn seconds(&self) -> usize {
        usize::try_from(self.width)
            .unwrap_or(0)
            .saturating_mul(self.values.len())
    }

    /// The value of a second; the series begins anew after its end.
    #[must_use]
    pub fn at(&self, second: usize) -> f64 {
        let width = usize::try_from(self.width).unwrap_or(1).max(1);
        let place = (second / width) % self.values.len().max(1);
        self.values.get(place).copied().unwrap_or(0.0)
    }
}

/// Takes windows one by one and says what is wrong with the one that comes.
struct Windows {
    column: Column,
    first: Option<f64>,
    width: Option<f64>,
    values: Vec<f64>,
}

impl Windows {
    fn new(column: Column) -> Self {
        Self {
            column,
            first: None,
            width: None,
            values: Vec::new(),
        }
    }

    fn start(&mut self, start: f64) -> Result<(), &'static str> {
        if self.values.len() >= MAX_WINDOWS {
            return Err("has more than 1,100,000 windows");
        }
        if !start.is_finite() {
            return Err("is not a number of seconds");
        }
        let Some(first) = self.first else {
            self.first = Some(start);
            return Ok(());
        };
        let width = *self.width.get_or_insert(start - first);
        if !(1.0..=MAX_WIDTH).contains(&width) || width.fract() != 0.0 {
            return Err("must be whole seconds after the first window, from 1 to 86400");
        }
        let expected = first + width * self.values.len() as f64;
        if (start - expected).abs() > 1e-6 {
            return Err("does not begin where the window before it ends: windows are equally wide, without gaps");
        }
        Ok(())
    }

    fn value(&mut self, value: f64) -> Result<(), &'static str> {
        if !value.is_finite() {
            return Err("is not a number");
        }
        if value < 0.0 {
            return Err("is negative");
        }
        if value > self.column.most() {
            return Err("is larger than any value of this unit: check the unit");
        }
        self.values.push(value);
        Ok(())
    }

    fn finish(self) -> Result<StepSeries, &'static str> {
        let width = self.width.ok_or("has fewer than two windows")?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked: from 1 to 86400"
        )]
        let width = width as u32;
        Ok(StepSeries {
            width,
            values: self.values,
        })
    }
}

fn wrong(line: usize, column: usize, what: impl Into<String>) -> SeriesProblem {
    SeriesProblem {
        line,
        column,
        what: what.into(),
    }
}

/// The cells of a line with the columns at which they begin.
fn cells(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = 1;
    line.split(',').map(move |cell| {
        let blank = cell.chars().take_while(|c| c.is_whitespace()).count();
        let at = next + blank;
        next += cell.chars().count() + 1;
        (at, cell.trim())
    })
}

fn csv(text: &str, column: Column) -> Result<StepSeries, SeriesProblem> {
    let mut lines = (1..).zip(text.lines());
    let (_, titles) = lines.next().ok_or_else(|| wrong(1, 1, "is empty"))?;
    let place = |title: &str| {
        let found = cells(titles).position(|(_, cell)| cell.eq_ignore_ascii_case(title));
        found.ok_or_else(|| wrong(1, 1, format!("has no column {title}: no unit is guessed")))
    };
    let (start, value) = (place(START)?, place(column.title())?);
    let mut windows = Windows::new(column);
    let mut last = 1;
    for (line, row) in lines.filter(|(_, row)| !row.trim().is_empty()) {
        last = line;
        for (wanted, is_start) in [(start, true), (value, false)] {
            let end = row.chars().count() + 1;
            let (at, cell) = cells(row)
                .nth(wanted)
                .ok_or_else(|| wrong(line, end, "a cell is missing"))?;
            let number: f64 = cell.parse().map_err(|_| wrong(line, at, "is not a number"))?;
            let taken = if is_start {
                windows.start(number)
            } else {
                windows.value(number)
            };
            taken.map_err(|what| wrong(line, at, what))?;
        }
    }
    windows.finish().map_err(|what| wrong(last, 1, what))
}

fn json(text: &str, column: Column) -> Result<StepSeries, SeriesProblem> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = reader.deserialize_seq(List(column)).and_then(|series| {
        reader.end()?;
        Ok(series)
    });
    read.map_err(|error| {
        let told = error.to_string();
        let what = told.rsplit_once(" at line ").map_or(told.as_str(), |(what, _)| what);
        wrong(error.line().max(1), error.column().max(1), what)
    })
}

/// A list of windows.
struct List(Column);

impl<'de> Visitor<'de> for List {
    type Value = StepSeries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of objects with {START} and {}", self.0.title())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<StepSeries, A::Error> {
        let mut windows = Windows::new(self.0);
        while let Some(row) = rows.next_element::<Row>()? {
            let value = match self.0 {
                Column::RequestsPerSecond => row.requests_per_second,
                Column::GramsPerKwh => row.grams_per_kwh,
            };
            let value = value.ok_or_else(|| A::Error::missing_field(self.0.title()))?;
            let start = windows.start(row.window_start_seconds);
            start.map_err(|what| A::Error::custom(format!("{START} {what}")))?;
            let taken = windows.value(value);
            taken.map_err(|what| A::Error::custom(format!("{} {what}", self.0.title())))?;
        }
        windows.finish().map_err(A::Error::custom)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    window_start_seconds: f64,
    requests_per_second: Option<f64>,
    grams_per_kwh: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<StepSeries, String> {
        StepSeries::parse(text, Column::RequestsPerSecond).map_err(|problem| problem.to_string())
    }

    #[test]
    fn csv_and_json_are_the_same_series() {
        let csv = load("window_start_seconds,requests_per_second\n0,2\n600, 3.5\n1200,0\n").unwrap();
        let json = load(
            r#"[{"window_start_seconds":0,"requests_per_second":2},
                {"window_start_seconds":600,"requests_per_second":3.5},
                {"window_start_seconds":1200,"requests_per_second":0}]"#,
        );
        assert_eq!(Ok(&csv), json.as_ref());
        assert_eq!(
            (csv.width(), csv.values(), csv.seconds()),
            (600, &[2.0, 3.5, 0.0][..], 1800)
        );
        assert_eq!(
            [0, 599, 600, 1799, 1800].map(|s| format!("{}", csv.at(s))),
            ["2", "2", "3.5", "0", "2"]
        );
        let other = "source,requests_per_second,window_start_seconds\nx,2,50\ny,3,60\n";
        assert_eq!(load(other).unwrap().width(), 10);
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_column() {
        let head = "window_start_seconds,requests_per_second\n0,2\n600,3\n";
        for (rows, told) in [
            ("1200,many\n", "line 4, column 6: is not a number"),
            ("1200, -1\n", "line 4, column 7: is negative"),
            ("1200,inf\n", "line 4, column 6: is not a number"),
            (
                "1200,1e9\n",
                "line 4, column 6: is larger than any value of this unit: check the unit",
            ),
            (
                "1800,1\n",
                "line 4, column 1: does not begin where the window before it ends",
            ),
            ("600,1\n", "line 4, column 1: does not begin where"),
            ("1200\n", "line 4, column 5: a cell is missing"),
        ] {
            let refused = load(&format!("{head}{rows}")).unwrap_err();
            assert!(refused.starts_with(told), "{rows}: {refused}");
        }
        for (text, told) in [
            ("", "line 1, column 1: is empty"),
            (
                "window_start_seconds,requests_per_minute\n",
                "line 1, column 1: has no column requests_per_second",
            ),
            (
                "time,requests_per_second\n",
                "line 1, column 1: has no column window_start_seconds",
            ),
            (
                "window_start_seconds,requests_per_second\n0,1\n",
                "line 2, column 1: has fewer than two windows",
            ),
            (
                "window_start_seconds,requests_per_second\n0,1\n0.5,1\n",
                "line 3, column 1: must be whole seconds",
            ),
        ] {
            let refused = load(text).unwrap_err();
            assert!(refused.starts_with(told), "{text}: {refused}");
        }
    }

    #[test]
    fn what_is_wrong_with_json_is_told_with_line_and_column() {
        for (second, told) in [
            (
                r#"{"window_start_seconds":600,"requests_per_second":-3}"#,
                "line 2, column 54: requests_per_second is negative",
            ),
            (
                r#"{"window_start_seconds":600,"requests_per_minute":3}"#,
                "line 2, column 49: unknown field",
            ),
            (
                r#"{"window_start_seconds":600}"#,
                "line 2, column 29: missing field `requests_per_second`",
            ),
            (
                r#"{"window_start_seconds":"600","requests_per_second":3}"#,
                "line 2, column 29: invalid type",
            ),
            (
                r#"{"window_start_seconds":600,"requests_per_second":3"#,
                "line 2, column",
            ),
        ] {
            let text = format!("[{{\"window_start_seconds\":0,\"requests_per_second\":2}},\n{second}]");
            let refused = load(&text).unwrap_err();
            assert!(refused.starts_with(told), "{second}: {refused}");
        }
        assert!(load(r#"{"rates": []}"#).unwrap_err().contains("a list of objects"));
    }
}
