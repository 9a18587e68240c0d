use crate::quantity::{Ratio, Watts};
use crate::snapshot::coefficient::{Coefficient, CoefficientSource, Figures};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a board can draw at most, as a share of its rated maximum: sensors err, and limits are overshot for moments.
pub(in crate::snapshot) const PLAUSIBLE: f64 = 1.3;
/// A least of fewer samples is chance: a minute and a half of an empty node at two samples a minute.
const MIN_FLOOR: u32 = 3;
/// Ten minutes of one board at two samples a minute.
const MIN_IDLE: u32 = 20;
/// Half an hour of one board: a line through noise needs more than a mean.
const MIN_BUSY: u32 = 60;
/// A board that is busy for a smaller share than this idles.
const IDLE_BELOW: f64 = 0.02;
/// Between the two, a sample says little of either.
const BUSY_FROM: f64 = 0.1;
/// Above this many samples the sums are halved, so that old ones fade.
const MAX_SAMPLES: u32 = 20_000;

/// The least that one board of a node drew while the node was empty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Floor {
    empty_since: Timestamp,
    watts: Watts,
    samples: u32,
}

/// Watts of boards that a pod holds and does not use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Idle {
    samples: u32,
    watts: f64,
}

/// Watts of busy boards over their utilisation, as the sums that a line needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Busy {
    samples: u32,
    use_sum: f64,
    use_squares: f64,
    use_watts: f64,
}

impl Idle {
    fn add(&mut self, other: Self) {
        self.samples = self.samples.saturating_add(other.samples);
        self.watts += other.watts;
    }

    fn fade(&mut self) {
        if self.samples >= MAX_SAMPLES {
            self.samples /= 2;
            self.watts /= 2.0;
        }
    }

    fn mean(self) -> Option<f64> {
        (self.samples >= MIN_IDLE).then(|| self.watts / f64::from(self.samples))
    }
}

impl Busy {
    fn add(&mut self, other: Self) {
        self.samples = self.samples.saturating_add(other.samples);
        self.use_sum += other.use_sum;
        self.use_squares += other.use_squares;
        self.use_watts += other.use_watts;
    }

    fn fade(&mut self) {
        if self.samples >= MAX_SAMPLES {
            self.samples /= 2;
            self.use_sum /= 2.0;
            self.use_squares /= 2.0;
            self.use_watts /= 2.0;
        }
    }

    /// Least squares of `watts = idle + slope · use` with the idle watts given: a workload that is always as busy teaches
    /// it too, where a free line would have nothing to stand on.
    fn slope(self, idle: f64) -> Option<f64> {
        let enough = self.samples >= MIN_BUSY && self.use_squares > 0.0;
        enough.then(|| (self.use_watts - idle * self.use_sum) / self.use_squares)
    }
}

/// What was seen of the boards of one node, or of all nodes with one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct BoardSums {
    /// Canonical name of the model; other boards start anew.
    pub(super) model: Option<Arc<str>>,
    /// The floor that counts.
    floor: Option<Floor>,
    /// The floor since the node emptied last, until it has samples enough.
    #[serde(skip)]
    rising: Option<Floor>,
    idle: Idle,
    busy: Busy,
}

impl BoardSums {
    /// Nothing seen yet of boards of this model.
    pub(super) fn anew(model: Option<Arc<str>>) -> Self {
        Self {
            model,
            ..Self::default()
        }
    }

    /// The node has been empty since then and its boards drew this, in the mean.
    pub(super) fn observe_empty(&mut self, empty_since: Timestamp, watts: Watts) {
        let samples = match self.rising {
            Some(rising) if rising.empty_since == empty_since => rising.samples.saturating_add(1),
            _ => 1,
        };
        let least = self
            .rising
            .filter(|_| samples > 1)
            .map_or(watts, |rising| least(rising.watts, watts));
        let rising = Floor {
            empty_since,
            watts: least,
            samples,
        };
        self.rising = Some(rising);
        if samples >= MIN_FLOOR {
            self.floor = Some(rising);
        }
    }

    /// A board that a pod holds drew this.
    pub(super) fn observe_held(&mut self, utilisation: Ratio, watts: Watts) {
        let (share, watts) = (utilisation.get(), watts.get());
        if share < IDLE_BELOW {
            self.idle.add(Idle { samples: 1, watts });
            self.idle.fade();
        } else if share >= BUSY_FROM {
            self.busy.add(Busy {
                samples: 1,
                use_sum: share,
                use_squares: share * share,
                use_watts: share * watts,
            });
            self.busy.fade();
        }
    }

    /// Lays what was seen over the figures that count without it. What is there is kept where `keeps` says so.
    ///
    /// Figures stay within what a board can draw: none is negative, and together they are at most [`PLAUSIBLE`] times the
    /// maximum.
    pub(super) fn over(
        &self,
        known: Figures,
        max: Watts,
        source: CoefficientSource,
        keeps: impl Fn(CoefficientSource) -> bool,
    ) -> Figures {
        let limit = max * PLAUSIBLE;
        let lay = |held: Coefficient, learned: Option<(Watts, u32)>| match learned {
            Some((watts, samples)) if !keeps(held.source) => Coefficient { watts, source, samples },
            _ => held,
        };
        let bare = lay(
            known.bare,
            self.floor.map(|floor| (least(floor.watts, limit), floor.samples)),
        );
        let idle = self.idle.mean().map(|watts| least(Watts::saturating(watts), limit));
        let context = lay(known.context, idle.map(|idle| (idle - bare.watts, self.idle.samples)));
        let loaded = bare.watts + context.watts;
        let slope = self.busy.slope(loaded.get()).map(Watts::saturating);
        let slope = lay(
            known.slope,
            slope.map(|slope| (least(slope, limit - loaded), self.busy.samples)),
        );
        Figures { bare, context, slope }
    }

    /// The floor that counts, and of how many samples.
    pub(super) fn floor(&self) -> Option<(Watts, u32)> {
        self.floor.map(|floor| (floor.watts, floor.samples))
    }

    /// What outlives a restart: after one, nobody knows whether the node has stayed empty.
    pub(super) fn kept(&self) -> Self {
        Self {
            rising: None,
            ..self.clone()
        }
    }

    /// Whether we can have written this.
    pub(super) fn is_sound(&self) -> bool {
        let Self { floor, idle, busy, .. } = self;
        let sums = [idle.watts, busy.use_sum, busy.use_squares, busy.use_watts];
        let counted = idle.samples.max(busy.samples) < MAX_SAMPLES;
        let powered = floor.is_none_or(|floor| floor.watts > Watts::ZERO && floor.samples >= MIN_FLOOR);
        counted && powered && sums.iter().all(|sum| sum.is_finite() && *sum >= 0.0)
    }

    /// Whether anything was seen that counts.
    pub(super) fn is_empty(&self) -> bool {
        self.floor.is_none() && self.idle.samples == 0 && self.busy.samples == 0
    }
}

fn least(a: Watts, b: Watts) -> Watts {
    if b < a { b } else { a }
}

/// All boards of one model: the mean of the floors of its nodes, and the sums of the rest.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelSums {
    floors: (f64, u32, u32),
    idle: Idle,
    busy: Busy,
}

impl ModelSums {
    pub(super) fn add(&mut self, node: &BoardSums) {
        if let Some(floor) = node.floor {
            let (watts, nodes, samples) = &mut self.floors;
            *watts += floor.watts.get();
            *nodes += 1;
            *samples = samples.saturating_add(floor.samples);
        }
        self.idle.add(node.idle);
        self.busy.add(node.busy);
    }

    /// As one board.
    pub(super) fn mean(&self) -> BoardSums {
        let (watts, nodes, samples) = self.floors;
        BoardSums {
            model: None,
            floor: (nodes > 0).then(|| Floor {
                empty_since: Timestamp::MIN,
                watts: Watts::saturating(watts / f64::from(nodes)),
                samples,
            }),
            rising: None,
            idle: self.idle,
            busy: self.busy,
        }
    }
}
