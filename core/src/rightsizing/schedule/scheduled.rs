use super::event::{Effect, Event};
use super::level::Level;
use crate::rightsizing::hpa::Replicas;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Levels of the week and dated events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// What comes every week.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// What comes once.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// An entry of the schedule, by its place in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entry {
    /// Of `levels`.
    Level(usize),
    /// Of `events`.
    Event(usize),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level(ix) => write!(f, "levels[{ix}]"),
            Self::Event(ix) => write!(f, "events[{ix}]"),
        }
    }
}

/// What the schedule says at a moment, each with the entry that said it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scheduled {
    /// The highest floor.
    pub floor: Option<(Replicas, Entry)>,
    /// The lowest ceiling. A floor above it wins: too many replicas cost money, too few cost the service.
    pub ceiling: Option<(Replicas, Entry)>,
    /// The largest factor on what the metrics ask for.
    pub factor: Option<(f64, Entry)>,
}

impl Schedule {
    /// What holds at `now`. Ramps rise from `base`, the replicas that there are at least without a schedule.
    #[must_use]
    pub fn at(&self, now: Timestamp, base: Replicas) -> Scheduled {
        let mut found = Scheduled::default();
        for (ix, level) in self.levels.iter().enumerate() {
            let share = level.share(now);
            if let Some(min) = level.min.filter(|_| share > 0.0) {
                found.raise(on_ramp(base, min, share), Entry::Level(ix));
            }
            // A ceiling has no ramp: how fast replicas may go is for the behavior to say.
            if let Some(max) = level.max.filter(|_| share >= 1.0) {
                found.lower(max, Entry::Level(ix));
            }
        }
        for (ix, event) in self.events.iter().enumerate() {
            let share = event.share(now);
            match event.effect {
                _ if share <= 0.0 => {}
                Effect::Replicas(replicas) => found.raise(on_ramp(base, replicas, share), Entry::Event(ix)),
                Effect::Factor(factor) => found.multiply(1.0 + (factor - 1.0) * share, Entry::Event(ix)),
            }
        }
        found
    }
}

/// Rounded up: on a ramp there is rather one replica too many.
fn on_ramp(base: Replicas, level: Replicas, share: f64) -> Replicas {
    if level <= base {
        return level;
    }
    #[expect(clippy::cast_possible_truncation, reason = "between two numbers of replicas")]
    let risen = (f64::from(level.saturating_sub(base)) * share).ceil() as Replicas;
    base.saturating_add(risen)
}

impl Scheduled {
    fn raise(&mut self, to: Replicas, by: Entry) {
        if self.floor.is_none_or(|(floor, _)| to > floor) {
            self.floor = Some((to, by));
        }
    }

    fn lower(&mut self, to: Replicas, by: Entry) {
        if self.ceiling.is_none_or(|(ceiling, _)| to < ceiling) {
            self.ceiling = Some((to, by));
        }
    }

    fn multiply(&mut self, factor: f64, by: Entry) {
        if factor > 1.0 && self.factor.is_none_or(|(most, _)| factor > most) {
            self.factor = Some((factor, by));
        }
    }
}
