//! The worked examples of `docs/formulas`, computed with the real code.
//!
//! [`page`] reads the tables of a page: inputs under *Given*, results under *Computed*. The other files feed the inputs to the
//! code and compare what comes out with the results, to the last digit printed. A number on a page that no test asks
//! for is an error too, so nothing stands there unchecked. Nothing here computes a formula itself.

#[cfg(test)]
mod carbon;
#[cfg(test)]
mod page;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod plan;
#[cfg(test)]
#[path = "../plan/world.rs"]
mod plan_world;
#[cfg(test)]
#[path = "../placement/world.rs"]
mod world;
