//! What decisions were worth: sums over placements, and what they say.
//!
//! ```text
//! candidates of a decision ─► Choice (what there was to choose from)
//! Choice + where the pod was bound ─► Placed ─► Book (sums by day; in each by namespace, zone and model)
//! Book + period ─► Report (figures, shares, a verdict in plain words)
//! ```
//!
//! Owns the counterfactuals: what a bound node costs more than the cheapest acceptable one, and than the mean candidate.
//! Placements come in one by one and are forgotten; only bounded sums stay. Must never call a modelled difference saved,
//! never count what could not be priced as zero grams, and never keep a pod's name.

mod amount;
mod book;
mod choice;
mod report;
mod sums;
mod verdict;

pub use amount::Amount;
pub use book::{Book, Day, MAX_DAYS, OTHERS, Place, date};
pub use choice::{Choice, Offered};
pub use report::{METHOD, Period, Report, Row};
pub use sums::{BoundNode, Part, Placed, Standing, Sums, Tally, Unpriced};
pub use verdict::{Verdict, VerdictKind};
