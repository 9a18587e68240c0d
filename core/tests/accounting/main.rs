//! Tests of the sums from the outside: whatever the order and however they are cut, they are the same, and their parts are
//! the whole.
//!
//! [`world`] draws placements. The other files hold the tests, one file a subject.

#[cfg(test)]
mod choice;
#[cfg(test)]
mod sums;
#[cfg(test)]
mod verdict;
#[cfg(test)]
mod world;
