use crate::placement::NodeCost;
use crate::quantity::JOULES_PER_KWH;
use serde::{Deserialize, Serialize};
use std::ops::{Add, AddAssign, Mul, Sub};

/// Carbon and energy of something. A difference may be negative: a greener node can need more energy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    /// Grams of CO2e.
    pub grams: f64,
    /// Kilowatt-hours, facility overhead included.
    pub kwh: f64,
}

impl From<&NodeCost> for Amount {
    fn from(cost: &NodeCost) -> Self {
        Self {
            grams: cost.grams,
            kwh: cost.joules / JOULES_PER_KWH,
        }
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            grams: self.grams + other.grams,
            kwh: self.kwh + other.kwh,
        }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            grams: self.grams - other.grams,
            kwh: self.kwh - other.kwh,
        }
    }
}

impl Mul<f64> for Amount {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self {
            grams: self.grams * factor,
            kwh: self.kwh * factor,
        }
    }
}
