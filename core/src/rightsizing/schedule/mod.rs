//! What the clock and the calendar say about replicas.
//!
//! ```text
//! levels (days, from, until, zone, ramp) ─┐
//! events (dates, factor or replicas)     ─┴─► Schedule::at(now, min) ─► floor, ceiling, factor, and which entry said so
//! ```
//!
//! Owns levels of the week, dated events, ramps, and what they mean where clocks change. A schedule is a level and not an
//! edge: what holds now follows from `now` alone, so a restart or a missed minute loses nothing. Time zones are IANA names,
//! with the rules that are built into the program, the same on every machine. Must never read a clock or a file.

mod days;
mod event;
mod level;
mod scheduled;
mod span;
mod zone;

pub use days::Days;
pub use event::{Effect, Event};
pub use level::Level;
pub use scheduled::{Entry, Schedule, Scheduled};
pub use zone::{ClockZone, ClockZoneError};
