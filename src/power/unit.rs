//! Units of power and energy series.

use std::fmt;
use std::str::FromStr;

/// What the figures of a series are: watts, or joules that only grow and become watts as they grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    name: &'static str,
    /// Watts, or joules, in one of it.
    factor: f64,
    counts: bool,
}

const UNITS: [Unit; 7] = [
    gauge("uW", 1e-6),
    gauge("mW", 1e-3),
    Unit::WATTS,
    gauge("kW", 1e3),
    Unit::JOULES,
    counter("mJ", 1e-3),
    counter("uJ", 1e-6),
];

const fn gauge(name: &'static str, factor: f64) -> Unit {
    Unit {
        name,
        factor,
        counts: false,
    }
}

const fn counter(name: &'static str, factor: f64) -> Unit {
    Unit {
        name,
        factor,
        counts: true,
    }
}

impl Unit {
    /// Watts.
    pub const WATTS: Self = gauge("W", 1.0);
    /// Millionths of a watt.
    pub const MICROWATTS: Self = gauge("uW", 1e-6);
    /// Joules since some moment.
    pub const JOULES: Self = counter("J", 1.0);

    /// Whether it counts energy, so that the power is how fast it grows.
    #[must_use]
    pub fn is_counter(self) -> bool {
        self.counts
    }

    /// Watts of a gauge's value, or of a counter's growth in a second.
    #[must_use]
    pub fn watts(self, value: f64) -> f64 {
        value * self.factor
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for Unit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.replace(['µ', 'μ'], "u");
        let unit = UNITS.iter().find(|unit| unit.name == text);
        unit.copied().ok_or("must be one of uW, mW, W, kW, J, mJ, uJ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_apart_by_case_and_by_what_they_count() {
        for (text, value, counts) in [
            ("W", 2000.0, false),
            ("kW", 2_000_000.0, false),
            ("mW", 2.0, false),
            ("µW", 0.002, false),
            ("μW", 0.002, false),
            ("J", 2000.0, true),
            ("mJ", 2.0, true),
            ("uJ", 0.002, true),
        ] {
            let unit: Unit = text.parse().unwrap();
            assert!((unit.watts(2000.0) - value).abs() < 1e-9, "{text}");
            assert_eq!(unit.is_counter(), counts, "{text}");
        }
        for text in ["", "w", "KW", "MJ", "Wh", "kWh"] {
            assert!(text.parse::<Unit>().is_err(), "{text}");
        }
    }
}
