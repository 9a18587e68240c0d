use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Longer names are refused before they are looked up; the longest in the database has 32 letters.
const MAX_NAME: usize = 64;

/// A time zone by its IANA name, such as `Europe/Berlin`. Its rules are those built into the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClockZone(TimeZone);

/// A name that no time zone has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an IANA time zone: write one such as `Europe/Berlin` or `UTC`")]
pub struct ClockZoneError;

impl ClockZone {
    /// Coordinated universal time, which has no daylight saving.
    pub const UTC: Self = Self(TimeZone::UTC);

    pub(super) fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl FromStr for ClockZone {
    type Err = ClockZoneError;

    fn from_str(name: &str) -> Result<Self, ClockZoneError> {
        if name.len() > MAX_NAME {
            return Err(ClockZoneError);
        }
        // The bundled database and not the machine's: a plan must be the same on every machine, and nothing is read.
        let found = TimeZoneDatabase::bundled().get(name).map_err(|_| ClockZoneError)?;
        Ok(Self(found))
    }
}

impl TryFrom<String> for ClockZone {
    type Error = ClockZoneError;
    fn try_from(name: String) -> Result<Self, ClockZoneError> {
        name.parse()
    }
}

impl From<ClockZone> for String {
    fn from(zone: ClockZone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Display for ClockZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_and_others_refused() {
        for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"] {
            let zone: ClockZone = serde_json::from_value(name.into()).unwrap();
            assert_eq!(serde_json::to_value(&zone).unwrap(), name);
        }
        for refused in ["Europe/Nowhere", "", "CEST-2", &"x".repeat(65)] {
            assert_eq!(refused.parse::<ClockZone>(), Err(ClockZoneError), "{refused}");
        }
    }
}
