//! Physical quantities and how well they are known.
//!
//! Owns the newtypes that every other room computes with, their parsing from human text (`250 W`, `1.2 kW`) and from the
//! API's amounts (`500m`), and
//! [`Reading`]: a value with its time, source and [`Rung`]. Values come in through checked constructors and leave as
//! `f64` only at an edge. Must never hold a value that is not finite, and must never invent one: missing is `None`.

mod amount;
mod parse;
mod reading;
mod units;

pub use amount::{parse_amount, parse_milli, parse_signed_milli};
pub use parse::{parse_duration, parse_scaled};
pub use reading::{Reading, Rung, Source};
pub use units::{Grams, GramsPerKwh, JOULES_PER_KWH, Joules, QuantityError, Ratio, Watts};
