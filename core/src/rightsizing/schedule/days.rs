use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Days(u8);

/// A name that no day has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a day of the week: write mon, tue, wed, thu, fri, sat or sun")]
pub struct DayError;

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const WORKING: Self = Self(0b001_1111);

    /// These days.
    #[must_use]
    pub fn of(days: &[Weekday]) -> Self {
        Self(days.iter().fold(0, |set, day| set | bit(*day)))
    }

    /// Whether the day of this date is among them.
    #[must_use]
    pub fn has(self, date: Date) -> bool {
        self.0 & bit(date.weekday()) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

impl TryFrom<Vec<String>> for Days {
    type Error = DayError;
    fn try_from(names: Vec<String>) -> Result<Self, DayError> {
        let mut set = 0;
        for name in names {
            let place = NAMES.iter().position(|day| *day == name).ok_or(DayError)?;
            set |= 1 << place;
        }
        Ok(Self(set))
    }
}

impl From<Days> for Vec<String> {
    fn from(days: Days) -> Self {
        let named = NAMES.iter().enumerate();
        let named = named.filter(|(place, _)| days.0 & (1 << place) != 0);
        named.map(|(_, name)| (*name).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_are_told_by_name() {
        let days: Days = serde_json::from_str(r#"["sat", "sun"]"#).unwrap();
        assert!(days.has(date(2026, 11, 28)) && !days.has(date(2026, 11, 27)));
        assert_eq!(days, Days::of(&[Weekday::Sunday, Weekday::Saturday]));
        assert_eq!(serde_json::to_string(&days).unwrap(), r#"["sat","sun"]"#);
        assert!(serde_json::from_str::<Days>(r#"["someday"]"#).is_err());
        assert!(Days::WORKING.has(date(2026, 11, 27)) && !Days::WORKING.has(date(2026, 11, 28)));
    }
}
