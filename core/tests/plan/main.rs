//! The plan: its guarantees as properties, its steps as cases, its schedule as rows of data.

mod guarantees;
mod schedule;
mod steps;
mod world;
