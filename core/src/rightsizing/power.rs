use super::hpa::Replicas;
use super::signal::Signal;
use crate::quantity::Watts;
use serde::{Deserialize, Serialize};

/// A bound on what the replicas draw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PowerRule {
    /// What one replica draws, where nobody measures it.
    pub per_replica: Watts,
    /// What all replicas may draw together.
    pub budget: Option<Watts>,
}

impl PowerRule {
    /// The most replicas that power allows: as many as the budget feeds, and no more new ones than there is room for where
    /// they run. The room alone takes no running replica away. `None` where neither is known.
    pub(super) fn most(&self, current: Replicas, measured: Signal<Watts>, room: Signal<Watts>) -> Option<Replicas> {
        let each = measured.fresh().unwrap_or(self.per_replica);
        let by_budget = self.budget.and_then(|budget| fits(budget, each));
        let by_room = room.fresh().and_then(|room| fits(room, each));
        let by_room = by_room.map(|more| current.saturating_add(more));
        match (by_budget, by_room) {
            (Some(budget), Some(room)) => Some(budget.min(room)),
            (budget, room) => budget.or(room),
        }
    }
}

/// How many replicas so many watts feed; no bound where they draw nothing.
fn fits(watts: Watts, each: Watts) -> Option<Replicas> {
    if each == Watts::ZERO {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
    let whole = (watts.get() / each.get()).floor() as Replicas;
    Some(whole)
}
