//! Which numbers are intensities.

use heliotrope_core::grid::{Basis, IntensityKind, Signal};
use heliotrope_core::quantity::GramsPerKwh;

/// g/kWh in one lb/MWh: the international pound, over a thousand.
pub(super) const GRAMS_PER_KWH_IN_LB_PER_MWH: f64 = 0.453_592_37;

/// A number that a provider calls an intensity, in g/kWh; nothing where it is none.
///
/// A lifecycle zero is a gap: there is no plant that cost nothing to build. A direct average can be zero where only water,
/// wind and atoms feed the grid, and a marginal zero is sun that would be wasted. Who knows better of one provider asks
/// more of it.
pub(super) fn figure(number: Option<f64>, kind: IntensityKind) -> Option<GramsPerKwh> {
    let value = number.and_then(|number| GramsPerKwh::new(number).ok())?;
    let may_be_zero = kind.basis == Basis::Direct || kind.signal == Signal::Marginal;
    Some(value).filter(|value| *value > GramsPerKwh::ZERO || may_be_zero)
}
