//! Tests of placement from the outside, written against the guarantees of the design: `g4_…` tests guarantee 4.
//!
//! [`world`] is a small cluster as numbers, built into a snapshot the way edges build it: through reports and events.
//! [`strategy`] draws such worlds, asks and policies. The other files hold the tests, one file a subject. Nothing here
//! may know how placement computes; where a second opinion is needed, [`naive`] is one, written as one would at first.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod bookings;
#[cfg(test)]
mod caps;
#[cfg(test)]
mod domains;
#[cfg(test)]
mod durations;
#[cfg(test)]
mod energy;
#[cfg(test)]
mod gangs;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod offered;
#[cfg(test)]
mod order;
#[cfg(test)]
mod preempt;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod scores;
#[cfg(test)]
mod second_opinion;
#[cfg(test)]
mod shared_boards;
#[cfg(test)]
mod steering;
#[cfg(test)]
mod strategy;
#[cfg(test)]
mod timeline;
#[cfg(test)]
mod world;
