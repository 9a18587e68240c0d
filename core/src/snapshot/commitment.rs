//! What a node's GPUs draw, or may come to draw by what has been bound to it, when telemetry is late.

use super::cluster::PodLoad;
use super::node::{MILLION, NodeState};
use super::power_view::{NodePowerView, PowerRung};
use super::surroundings::Surroundings;
use crate::gpu::GpuProfile;
use crate::quantity::Watts;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What a pod counts for until telemetry shows what it draws.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BookingFigure {
    /// The most that its boards can draw beyond idle.
    #[default]
    Max,
    /// What its owner's pods were seen to draw 95 % of the time, where that is known; half of the most at least.
    P95,
}

/// By what pods are booked, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingBounds {
    /// From the start of a pod's containers until telemetry shows all that it draws: the rise of its power, and how far
    /// the exporter, the scrape and the query lag behind together.
    pub ramp: SignedDuration,
    /// For how long an answer to kube-scheduler that no binding followed is held to come true.
    pub in_flight: SignedDuration,
    /// What a pod counts for until telemetry shows what it draws.
    #[serde(default)]
    pub figure: BookingFigure,
    /// What an owner's pods were seen to draw counts once they were seen for this long.
    #[serde(default = "learned_after")]
    pub learned_after: SignedDuration,
}

/// An hour: a model is loaded, warmed up and at work by then, and to keep a board idle for so long costs more than a place
/// in a queue is worth.
fn learned_after() -> SignedDuration {
    SignedDuration::from_hours(1)
}

impl Default for BookingBounds {
    /// Three minutes: a minute of lag (30 s collect interval, 15 s scrape, 15 s query) and two in which a model is loaded.
    /// A binding follows its answer within seconds, but waits for volumes.
    fn default() -> Self {
        Self {
            ramp: SignedDuration::from_mins(3),
            in_flight: SignedDuration::from_mins(2),
            figure: BookingFigure::Max,
            learned_after: learned_after(),
        }
    }
}

/// What the GPUs of a node draw, or may come to draw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Commitment {
    /// All of it.
    pub watts: Watts,
    /// The part promised to pods that telemetry cannot show yet.
    pub unseen: Watts,
    /// The most that its boards can draw together; `None` where that is not known.
    #[serde(default)]
    pub most: Option<Watts>,
    /// Whether the most that its boards draw is known.
    pub rated: bool,
}

impl Commitment {
    /// Of a node of which nothing is known.
    pub(super) const NONE: Self = Self {
        watts: Watts::ZERO,
        unseen: Watts::ZERO,
        most: None,
        rated: false,
    };
}

/// The most that one board of a node draws beyond idle. The lower one of the idle watts seen and the profile's counts:
/// a floor that was seen too high must not make a promise too small.
pub(super) fn rise(node: &NodeState, profile: Option<&GpuProfile>) -> Option<Watts> {
    let (profile, bare) = (profile?, node.bare?.watts);
    Some(profile.max - if bare < profile.bare { bare } else { profile.bare })
}

/// Adds a node up: what is measured, or what the settled pods were learned to draw where that is more, or may draw where
/// nothing is measured; and the whole promise of each pod that no sample can show yet.
///
/// A pod that ended stays in what was measured until telemetry shows its end. It is taken off at once, but never so far
/// that what is left could draw more than what is counted.
pub(super) fn commit(node: &NodeState, profile: Option<&GpuProfile>, around: &Surroundings) -> Commitment {
    let boards = node.slots.boards();
    let watts_of = |millionths: u64| {
        node.rise
            .map_or(Watts::ZERO, |rise| rise * (millionths as f64 / MILLION))
    };
    let of = |load: &PodLoad| load.gpus.map_or(0, |ask| node.millionths(ask));
    let ramp = around.bookings.ramp;
    let (mut settled, mut unseen) = (Sum::default(), Sum::default());
    for (place, load) in node.loads.iter().enumerate() {
        let learned = node.expected.get(place).copied().flatten();
        let held = if is_settled(load, &node.power, ramp) {
            &mut settled
        } else {
            &mut unseen
        };
        held.add(of(load), learned);
    }
    for load in &node.nominated {
        unseen.add(of(load), None);
    }
    // Replicas of a board may each come to draw all of it, and together no more than that.
    let all = u64::try_from(boards).map_or(u64::MAX, |boards| boards.saturating_mul(1_000_000));
    if boards > 0 {
        settled.boards = settled.boards.min(all);
    }
    let idle = node.bare.map_or(Watts::ZERO, |bare| bare.watts * boards as f64);
    let expected = |sum: Sum| watts_of(sum.boards.saturating_sub(sum.known)) + sum.learned();
    let (of_settled, promised) = (expected(settled), expected(unseen));
    let most = profile
        .map(|profile| profile.max * boards as f64)
        .filter(|_| boards > 0);
    let drawn = measured(node, profile).map(|measured| {
        let ended = watts_of(node.ended);
        // By what those left can draw, not by what they use to.
        let surplus = measured - (idle + watts_of(settled.boards));
        measured - if ended < surplus { ended } else { surplus }
    });
    let base = match (node.power.rung, drawn) {
        (PowerRung::Fresh, Some(drawn)) => larger(drawn, idle + settled.learned()),
        (PowerRung::Stale, Some(drawn)) => larger(drawn, idle + of_settled),
        _ => idle + of_settled,
    };
    // Boards that are shared in time are promised to several pods whole, and draw once.
    let watts = match most {
        Some(most) => larger(base, if base + promised < most { base + promised } else { most }),
        None => base + promised,
    };
    Commitment {
        watts,
        unseen: watts - base,
        most,
        rated: node.rise.is_some() || boards == 0,
    }
}

/// What pods come to together. Whole numbers, whose sums do not depend on their order.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    /// Millionths of boards.
    boards: u64,
    /// Those of them whose pods' watts were learned.
    known: u64,
    /// Milliwatts of these.
    milliwatts: u64,
}

impl Sum {
    fn add(&mut self, boards: u64, learned: Option<u64>) {
        self.boards = self.boards.saturating_add(boards);
        if let Some(milliwatts) = learned {
            self.known = self.known.saturating_add(boards);
            self.milliwatts = self.milliwatts.saturating_add(milliwatts);
        }
    }

    fn learned(self) -> Watts {
        Watts::from_milliwatts(self.milliwatts)
    }
}

/// Whether the sample is late enough to show all that a pod draws.
fn is_settled(load: &PodLoad, power: &NodePowerView, ramp: SignedDuration) -> bool {
    let shown_from = load.started_at.and_then(|at: Timestamp| at.saturating_add(ramp).ok());
    shown_from
        .zip(power.observed_at)
        .is_some_and(|(from, sampled)| from <= sampled)
}

/// What was measured; a board that is missing in the sample counts as one at its most.
fn measured(node: &NodeState, profile: Option<&GpuProfile>) -> Option<Watts> {
    let missing = node.slots.boards().saturating_sub(node.power.boards) as f64;
    let each = profile.map_or_else(
        || node.bare.map_or(Watts::ZERO, |bare| bare.watts),
        |profile| profile.max,
    );
    Some(node.power.watts? + each * missing)
}

fn larger(a: Watts, b: Watts) -> Watts {
    if a < b { b } else { a }
}
