//! The electricity grid: zones, which region lies in which zone, and carbon intensity over time.
//!
//! Owns [`ZoneId`] and [`Region`] (checked names), [`RegionTable`] (region → zone), [`ZoneTable`] (yearly
//! averages), [`IntensityKind`] (signal and
//! basis, which one ranking never mixes), [`IntensitySeries`] (a step function with its integral) and the
//! [`climatology`] of a zone. Data comes in from tables and providers and leaves as means over an interval.
//! Must never compare two kinds of intensity, nor treat a gap as zero.

mod climatology;
mod kind;
mod series;
mod yearly;
mod zone;

pub use climatology::climatology;
pub use kind::{Basis, IntensityKind, Signal};
pub use series::{IntensityPoint, IntensitySeries, SeriesError};
pub use yearly::{YearlyAverage, ZoneRow, ZoneTable};
pub use zone::{NameError, Region, RegionTable, ZoneId};
