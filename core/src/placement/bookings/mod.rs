//! Watts promised to pods that the snapshot does not show yet.
//!
//! Owns [`Bookings`], a value: whoever decides holds it and changes it between decisions. Must never read a clock.

/// The promises that stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bookings {}

impl Bookings {
    /// No promises.
    #[must_use]
    pub const fn none() -> Self {
        Self {}
    }
}
