//! Human text to quantities. Used for settings files and for annotations, so every input is untrusted.

use super::units::{GramsPerKwh, QuantityError, Watts};
use jiff::SignedDuration;

/// Text longer than this is refused before it is looked at.
const MAX_TEXT: usize = 64;

/// Reads a number with one of the units in `scale`, and returns it multiplied by the unit's factor.
///
/// A bare number is refused: a unit that is guessed is a unit that is wrong one day.
///
/// # Errors
/// [`QuantityError::Unreadable`] when the text is too long, has no number or has no known unit.
pub fn parse_scaled(text: &str, scale: &[(&str, f64)], units: &'static str) -> Result<f64, QuantityError> {
    let unreadable = || QuantityError::Unreadable {
        text: text.chars().take(MAX_TEXT).collect(),
        units,
    };
    if text.len() > MAX_TEXT {
        return Err(unreadable());
    }
    let trimmed = text.trim();
    let split = trimmed
        .char_indices()
        .find(|(_, c)| !matches!(c, '0'..='9' | '.' | '-' | '+' | 'e' | 'E'))
        .map_or(trimmed.len(), |(at, _)| at);
    let (number, unit) = trimmed.split_at_checked(split).ok_or_else(unreadable)?;
    let unit = unit.trim();
    let factor = scale
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
        .ok_or_else(unreadable)?;
    let number: f64 = number.parse().map_err(|_| unreadable())?;
    Ok(number * factor)
}

impl std::str::FromStr for Watts {
    type Err = QuantityError;

    /// `250 W`, `1.2 kW`, `1 MW`, `400 mW`, `3000000 uW`.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        const SCALE: &[(&str, f64)] = &[("W", 1.0), ("kW", 1e3), ("MW", 1e6), ("mW", 1e-3), ("uW", 1e-6)];
        Self::new(parse_scaled(text, SCALE, "W, kW, MW, mW, uW")?)
    }
}

impl std::str::FromStr for GramsPerKwh {
    type Err = QuantityError;

    /// `200 g/kWh`, `0.2 kg/kWh`, `441 lb/MWh` (1 lb/MWh = 0.45359237 g/kWh).
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        const SCALE: &[(&str, f64)] = &[
            ("g/kWh", 1.0),
            ("kg/kWh", 1e3),
            ("kg/MWh", 1.0),
            ("lb/MWh", 0.453_592_37),
        ];
        Self::new(parse_scaled(text, SCALE, "g/kWh, kg/kWh, kg/MWh, lb/MWh")?)
    }
}

/// Reads a duration such as `90s`, `1h 30m`, `2 days` or `PT1H30M`. A day is 24 hours.
///
/// # Errors
/// [`QuantityError::Unreadable`] when the text is none of these, [`QuantityError::Negative`] when it is below zero.
pub fn parse_duration(text: &str) -> Result<SignedDuration, QuantityError> {
    const UNITS: &str = "s, m, h, d";
    let unreadable = || QuantityError::Unreadable {
        text: text.chars().take(MAX_TEXT).collect(),
        units: UNITS,
    };
    if text.len() > MAX_TEXT {
        return Err(unreadable());
    }
    let span: jiff::Span = text.trim().parse().map_err(|_| unreadable())?;
    let duration = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| unreadable())?;
    if duration.is_negative() {
        return Err(QuantityError::Negative {
            unit: "a duration",
            value: duration.as_secs_f64(),
        });
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_refuses_their_absence() {
        assert_eq!("1.2 kW".parse(), Ok(Watts::saturating(1200.0)));
        assert_eq!("250W".parse(), Ok(Watts::saturating(250.0)));
        assert!(matches!("250".parse::<Watts>(), Err(QuantityError::Unreadable { .. })));
        assert!(matches!(
            "NaN W".parse::<Watts>(),
            Err(QuantityError::Unreadable { .. })
        ));
        assert!(
            "1000 lb/MWh"
                .parse::<GramsPerKwh>()
                .is_ok_and(|g| (g.get() - 453.592_37).abs() < 1e-9)
        );
    }

    #[test]
    fn reads_durations_people_write() {
        for (text, seconds) in [
            ("90s", 90),
            ("1h 30m", 5400),
            ("2 days", 172_800),
            ("PT1H30M", 5400),
            ("15m", 900),
        ] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "soon", "1", "1 month", &"9".repeat(100)] {
            assert!(parse_duration(text).is_err(), "{text} must be refused");
        }
        assert!(matches!(parse_duration("-5m"), Err(QuantityError::Negative { .. })));
    }
}
