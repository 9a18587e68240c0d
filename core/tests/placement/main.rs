//! Tests of placement from the outside, written against the guarantees of the design: `g4_…` tests guarantee 4.
//!
//! [`world`] is a small cluster as numbers, built into a snapshot the way edges build it: through reports and events.
//! [`strategy`] draws such worlds, asks and policies. The other files hold the tests, one file a subject. Nothing here
//! may know how placement computes; where a second opinion is needed, [`naive`] is one, written as one would at first.

mod energy;
mod naive;
mod offered;
mod order;
mod preempt;
mod refusals;
mod scores;
mod second_opinion;
mod steering;
mod strategy;
mod world;
