use crate::crds::{MemoryStatus, Wanted};
use heliotrope_core::rightsizing::hpa::{PolicyKind, Rules, Select};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// The way replicas go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Direction {
    Up,
    Down,
}

/// A window of recent recommendations, and the one that decides in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Window {
    pub(super) direction: Direction,
    /// `stabilizationWindowSeconds`.
    pub(super) seconds: i64,
    /// The highest on the way down, the lowest on the way up; absent where the window holds none.
    pub(super) extreme: Option<i32>,
    /// Until when that one counts.
    pub(super) until: Option<Timestamp>,
}

/// A rate, and what of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rate {
    pub(super) direction: Direction,
    /// Such as `2 pods in 60 s`.
    pub(super) policy: String,
    /// Replicas added or removed within the period.
    pub(super) used: i32,
    /// When the oldest change in it stops to count.
    pub(super) until: Option<Timestamp>,
}

/// What later plans see of earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remembered {
    pub(super) windows: Vec<Window>,
    pub(super) rates: Vec<Rate>,
    /// Directions in which nothing may change.
    pub(super) disabled: Vec<Direction>,
    pub(super) events: Vec<Event>,
    /// Before then latency adds no more replicas.
    pub(super) no_step_before: Option<Timestamp>,
    /// Until then there is no carbon bound.
    pub(super) no_carbon_bound_until: Option<Timestamp>,
    pub(super) grid_dirty: bool,
    /// Heliotrope took the last replica away, and may bring it back.
    pub(super) scaled_to_zero: bool,
}

/// A change of the replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) change: i32,
}

fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}

impl Remembered {
    /// What counts now, by the rules of the spec where it has some that can be read.
    pub(super) fn of(memory: &MemoryStatus, wanted: Option<&Wanted>, now: Timestamp) -> Self {
        let mut found = Self {
            grid_dirty: memory.dirty,
            scaled_to_zero: memory.scaled_to_zero,
            ..Self::default()
        };
        let events = memory.events.iter();
        found.events = events
            .map(|event| Event {
                at: event.at,
                change: event.change,
            })
            .collect();
        let Some(wanted) = wanted else { return found };
        let hpa = &wanted.plan.hpa;
        match &hpa.behavior {
            None => found.window(memory, Direction::Down, hpa.downscale_stabilisation, now),
            Some(behavior) => {
                for (direction, rules) in [(Direction::Up, &behavior.up), (Direction::Down, &behavior.down)] {
                    found.window(memory, direction, rules.window, now);
                    found.direction(memory, direction, rules, now);
                }
            }
        }
        let later = |at: Timestamp| Some(at).filter(|at| *at > now);
        let stepped = memory.stepped.zip(wanted.plan.latency.as_ref());
        found.no_step_before = stepped.and_then(|(at, rule)| later(after(at, rule.every)));
        let yielded = memory.yielded.zip(wanted.plan.carbon.as_ref());
        found.no_carbon_bound_until = yielded.and_then(|(at, rule)| later(after(at, rule.rest)));
        found
    }

    fn window(&mut self, memory: &MemoryStatus, direction: Direction, seconds: i32, now: Timestamp) {
        if seconds <= 0 {
            return;
        }
        let span = SignedDuration::from_secs(seconds.into());
        let within = memory.recommendations.iter().filter(|kept| after(kept.at, span) > now);
        let extreme = match direction {
            Direction::Up => within.min_by_key(|kept| (kept.replicas, std::cmp::Reverse(kept.at))),
            Direction::Down => within.max_by_key(|kept| (kept.replicas, kept.at)),
        };
        self.windows.push(Window {
            direction,
            seconds: seconds.into(),
            extreme: extreme.map(|kept| kept.replicas),
            until: extreme.map(|kept| after(kept.at, span)),
        });
    }

    fn direction(&mut self, memory: &MemoryStatus, direction: Direction, rules: &Rules, now: Timestamp) {
        if rules.select == Select::Disabled {
            self.disabled.push(direction);
            return;
        }
        for policy in &rules.policies {
            let period = SignedDuration::from_secs(policy.period.into());
            let counted = memory.events.iter().filter(|event| {
                let same = match direction {
                    Direction::Up => event.change > 0,
                    Direction::Down => event.change < 0,
                };
                same && after(event.at, period) > now
            });
            let unit = match policy.kind {
                PolicyKind::Pods => "pods",
                PolicyKind::Percent => "%",
            };
            self.rates.push(Rate {
                direction,
                policy: format!("{} {unit} in {} s", policy.value, policy.period),
                used: counted.clone().map(|event| event.change).fold(0, i32::saturating_add),
                until: counted.map(|event| after(event.at, period)).min(),
            });
        }
    }
}
