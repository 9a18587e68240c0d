//! The plan: its guarantees as properties, its steps as cases, its schedule as rows of data.

#[cfg(test)]
mod guarantees;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod world;
