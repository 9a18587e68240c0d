//! What pods are expected to draw by what their owners' pods were seen to draw, and when that counts.

use super::commitment::BookingFigure;
use super::learned::{Learned, P95};
use super::node::NodeState;
use super::picture::Snapshot;
use super::surroundings::Surroundings;
use crate::gpu::{GpuProfile, ModelIx};
use crate::quantity::Watts;
use crate::workload::{Draw, GpuAsk, OwnerKey, PodFacts, Workload};
use jiff::Timestamp;

/// What a pod that nobody has seen drawing counts for at least, as a share of the most that its boards can draw beyond idle.
/// Whoever keeps an owner's boards idle until its figure is low gets twice the pods at most past a cap, and only until
/// telemetry shows them.
const LEAST_UNSEEN: f64 = 0.5;

/// Where the learned watts of owners are, and what time it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owners<'a> {
    pub(super) learned: &'a Learned,
    pub(super) now: Timestamp,
}

impl Owners<'_> {
    /// Milliwatts beyond idle of each pod bound to a node, in the order of its loads: of a pod that has run for longer than the
    /// ramp, and by `power.booking: p95` of one that has not too. `None` where the most that its boards can draw counts.
    /// Empty where that is so of all, as on nodes in no power domain, where nobody asks.
    pub(super) fn expected(
        &self,
        node: &NodeState,
        profile: Option<&GpuProfile>,
        around: &Surroundings,
    ) -> Vec<Option<u64>> {
        let Some(profile) = profile.filter(|_| !node.domains.is_empty() && self.learned.owners() > 0) else {
            return Vec::new();
        };
        let bounds = &around.bookings;
        // Without a sample nothing shows a pod, and the clock must do.
        let shown = node.power.observed_at.unwrap_or(self.now);
        let of_load = |load: &super::cluster::PodLoad| {
            let steady = load.started_at.and_then(|at| at.saturating_add(bounds.ramp).ok());
            let steady = steady.is_some_and(|from| from <= shown);
            if !steady && bounds.figure == BookingFigure::Max {
                return None;
            }
            let p95 = self.learned.p95(load.owner.as_deref()?, &profile.model)?;
            let p95 = counts(p95, around)?;
            let below = profile.max - p95.per_board;
            node.drawing(load.gpus?, below, steady).map(Watts::to_milliwatts)
        };
        let expected: Vec<Option<u64>> = node.loads.iter().map(of_load).collect();
        if expected.iter().any(Option::is_some) {
            expected
        } else {
            Vec::new()
        }
    }
}

impl NodeState {
    /// The most that a workload may come to draw here beyond idle: by what its owner's pods were seen to draw, where
    /// bookings go by that and it is known; else by the most that its boards can. `None` where the model is unknown.
    #[must_use]
    pub fn booked(&self, workload: &Workload, figure: BookingFigure) -> Option<Watts> {
        self.learned(workload, figure).or_else(|| self.booking(workload.gpus))
    }

    /// By how much a workload may raise what is committed here: as [`Self::booked`], but of boards that are shared in time no
    /// more than they can still come to draw.
    #[must_use]
    pub fn gain_of(&self, workload: &Workload, figure: BookingFigure) -> Option<Watts> {
        self.learned(workload, figure).or_else(|| self.gain(workload.gpus))
    }

    fn learned(&self, workload: &Workload, figure: BookingFigure) -> Option<Watts> {
        self.drawing(workload.gpus, self.draw(workload, figure)?.below_max, false)
    }

    /// What a workload is booked by here, if it is not by the most that its boards can draw.
    #[must_use]
    pub fn draw<'w>(&self, workload: &'w Workload, figure: BookingFigure) -> Option<&'w Draw> {
        let known = workload.draws.iter().find(|draw| Some(draw.model) == self.model);
        known.filter(|_| figure == BookingFigure::P95 && self.is_whole(workload.gpus))
    }

    /// Watts beyond idle of an ask whose boards stay this far below their most. Nothing for shares of boards: what a pod
    /// drew on a whole one says nothing of them. A pod that runs has a context open at least.
    fn drawing(&self, ask: GpuAsk, below_max: Watts, steady: bool) -> Option<Watts> {
        let rise = self.rise.filter(|_| self.is_whole(ask))?;
        let least = if steady {
            self.context?.watts
        } else {
            rise * LEAST_UNSEEN
        };
        let least = if least < rise { least } else { rise };
        let each = rise - below_max;
        Some(if each < least { least } else { each } * f64::from(ask.units))
    }

    /// Whether each unit of an ask is a whole board.
    fn is_whole(&self, ask: GpuAsk) -> bool {
        self.slots.share(ask) >= f64::from(ask.units)
    }
}

impl Snapshot {
    /// What the pods of this pod's owner were seen to draw on a board of each model, where that counts.
    #[must_use]
    pub fn draws(&self, pod: &PodFacts) -> Vec<Draw> {
        let catalogue = &self.surroundings.catalogue;
        let Some(owner) = OwnerKey::of(pod).filter(|_| !self.domains.is_empty()) else {
            return Vec::new();
        };
        let of_model = |(profile, model): (&GpuProfile, ModelIx)| {
            let p95 = self.learned.p95(&owner, &profile.model)?;
            let p95 = counts(p95, &self.surroundings)?;
            Some(Draw {
                model,
                per_board: p95.per_board,
                below_max: profile.max - p95.per_board,
                samples: p95.samples,
            })
        };
        let models = catalogue.profiles().iter().zip((0..).map(ModelIx));
        models.filter_map(of_model).collect()
    }
}

/// The figure, if it was learned over long enough.
fn counts(p95: P95, around: &Surroundings) -> Option<P95> {
    (p95.over >= around.bookings.learned_after).then_some(p95)
}
