use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Sub};

/// Joules in a kilowatt-hour.
pub const JOULES_PER_KWH: f64 = 3.6e6;

/// Why a number is not a quantity.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuantityError {
    /// NaN or infinite.
    #[error("{unit} must be a finite number, got {value}")]
    NotFinite {
        /// Unit of the refused number.
        unit: &'static str,
        /// The refused number.
        value: f64,
    },
    /// Below zero, where the quantity has no negative values.
    #[error("{unit} must not be negative, got {value}")]
    Negative {
        /// Unit of the refused number.
        unit: &'static str,
        /// The refused number.
        value: f64,
    },
    /// Above the largest value that the quantity can have.
    #[error("{unit} must be at most {max}, got {value}")]
    TooLarge {
        /// Unit of the refused number.
        unit: &'static str,
        /// The refused number.
        value: f64,
        /// The largest allowed number.
        max: f64,
    },
    /// Text that is not a number followed by one of the units.
    #[error("`{text}` is not a quantity: write a number and one of {units}")]
    Unreadable {
        /// The refused text, cut to a length that is safe to print.
        text: String,
        /// The units that are understood.
        units: &'static str,
    },
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0.0);

            /// Checks a number.
            ///
            /// # Errors
            /// When the number is not finite or negative.
            pub fn new(value: f64) -> Result<Self, QuantityError> {
                if !value.is_finite() {
                    return Err(QuantityError::NotFinite { unit: $unit, value });
                }
                if value < 0.0 {
                    return Err(QuantityError::Negative { unit: $unit, value });
                }
                Ok(Self(value))
            }

            /// The nearest legal value: for sums of legal values and for constants, where a check has nothing to say.
            #[must_use]
            pub fn saturating(value: f64) -> Self {
                if value.is_nan() { Self(0.0) } else { Self(value.clamp(0.0, f64::MAX)) }
            }

            /// The bare number, for an edge or a formula.
            #[must_use]
            pub fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = QuantityError;
            fn try_from(value: f64) -> Result<Self, QuantityError> {
                Self::new(value)
            }
        }

        impl From<$name> for f64 {
            fn from(quantity: $name) -> Self {
                quantity.0
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self::saturating(self.0 + other.0)
            }
        }

        /// Saturates at zero: a quantity is never negative.
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self::saturating(self.0 - other.0)
            }
        }

        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self::saturating(self.0 * factor)
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self::ZERO, Add::add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if let Some(precision) = f.precision() {
                    write!(f, "{:.*} {}", precision, self.0, $unit)
                } else {
                    write!(f, "{} {}", self.0, $unit)
                }
            }
        }
    };
}

quantity!(
    /// Electric power.
    Watts,
    "W"
);
quantity!(
    /// Energy.
    Joules,
    "J"
);
quantity!(
    /// Mass of CO2 equivalent.
    Grams,
    "g"
);
quantity!(
    /// Carbon intensity of electricity: grams of CO2 equivalent for each kilowatt-hour.
    GramsPerKwh,
    "g/kWh"
);

impl Watts {
    /// Energy drawn at this power for a time in seconds.
    #[must_use]
    pub fn for_seconds(self, seconds: f64) -> Joules {
        Joules::saturating(self.0 * seconds)
    }

    /// Milliwatts, rounded up: whole numbers, whose sums do not depend on their order and leave no rest when a part is taken
    /// off again.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "watts are not negative, and the cast saturates"
    )]
    pub fn to_milliwatts(self) -> u64 {
        (self.0 * 1000.0).ceil() as u64
    }

    /// So many milliwatts.
    #[must_use]
    pub fn from_milliwatts(milliwatts: u64) -> Self {
        Self::saturating(milliwatts as f64 / 1000.0)
    }
}

impl Joules {
    /// The same energy in kilowatt-hours.
    #[must_use]
    pub fn kwh(self) -> f64 {
        self.0 / JOULES_PER_KWH
    }

    /// What this energy costs in carbon at a constant intensity: `g = J / 3.6e6 · g/kWh`.
    #[must_use]
    pub fn at(self, intensity: GramsPerKwh) -> Grams {
        Grams::saturating(self.kwh() * intensity.0)
    }
}

/// A share between 0 and 1: a utilisation, a band, a weight.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Ratio(f64);

impl Ratio {
    /// None of it.
    pub const ZERO: Self = Self(0.0);
    /// All of it.
    pub const ONE: Self = Self(1.0);

    /// Checks a number.
    ///
    /// # Errors
    /// When the number is not finite or outside 0…1.
    pub fn new(value: f64) -> Result<Self, QuantityError> {
        let unit = "a ratio";
        if !value.is_finite() {
            return Err(QuantityError::NotFinite { unit, value });
        }
        if value < 0.0 {
            return Err(QuantityError::Negative { unit, value });
        }
        if value > 1.0 {
            return Err(QuantityError::TooLarge { unit, value, max: 1.0 });
        }
        Ok(Self(value))
    }

    /// The nearest ratio: for quotients of counts.
    #[must_use]
    pub fn saturating(value: f64) -> Self {
        if value.is_nan() {
            Self(0.0)
        } else {
            Self(value.clamp(0.0, 1.0))
        }
    }

    /// The bare number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Ratio {
    type Error = QuantityError;
    fn try_from(value: f64) -> Result<Self, QuantityError> {
        Self::new(value)
    }
}

impl From<Ratio> for f64 {
    fn from(ratio: Ratio) -> Self {
        ratio.0
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_quantity() {
        assert!(matches!(
            Watts::new(f64::NAN),
            Err(QuantityError::NotFinite { unit: "W", .. })
        ));
        assert!(matches!(GramsPerKwh::new(-1.0), Err(QuantityError::Negative { .. })));
        assert!(matches!(Ratio::new(1.01), Err(QuantityError::TooLarge { .. })));
        assert_eq!(GramsPerKwh::new(0.0), Ok(GramsPerKwh::ZERO), "a true zero is a value");
    }

    #[test]
    fn a_kilowatt_for_an_hour_at_200_grams_is_200_grams() {
        let energy = Watts::saturating(1000.0).for_seconds(3600.0);
        assert!((energy.kwh() - 1.0).abs() < 1e-12);
        assert!((energy.at(GramsPerKwh::saturating(200.0)).get() - 200.0).abs() < 1e-9);
    }

    #[test]
    fn a_difference_stops_at_zero() {
        assert_eq!(Watts::saturating(3.0) - Watts::saturating(5.0), Watts::ZERO);
    }
}
