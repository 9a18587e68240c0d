use crate::quantity::GramsPerKwh;
use crate::rightsizing::hpa::{Limit, Replicas, Stabilised};
use crate::rightsizing::latency::Health;
use crate::rightsizing::schedule::Entry;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many metrics gave nothing, by why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// Nobody said anything.
    pub absent: usize,
    /// Too old to count.
    pub stale: usize,
    /// Fresh, but no number follows.
    pub unusable: usize,
}

/// Why a step left the number that it left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all_fields = "camelCase")]
pub enum Reason {
    /// The spec has no such rule, or the rule has nothing to say now.
    NothingToSay,
    /// The target has no replicas and was not scaled there by us: it is left alone.
    Disabled,
    /// There were more than `maxReplicas`.
    AboveMax,
    /// There were fewer than `minReplicas`.
    BelowMin,
    /// This metric asks for the most.
    Metric {
        /// Its place in `metrics`.
        metric: usize,
    },
    /// There are no metrics in the spec: the plan starts from `minReplicas`.
    NoMetrics,
    /// Metrics are missing and the others would not scale up: what there is stays.
    Held {
        /// Which.
        missing: Missing,
    },
    /// An entry of the schedule multiplied what the metrics ask for.
    Multiplied {
        /// By how much.
        factor: f64,
        /// The entry.
        entry: Entry,
    },
    /// An entry of the schedule sets a floor.
    Floor {
        /// The floor.
        floor: Replicas,
        /// The entry.
        entry: Entry,
    },
    /// An entry of the schedule sets a ceiling.
    Ceiling {
        /// The ceiling.
        ceiling: Replicas,
        /// The entry.
        entry: Entry,
    },
    /// The forecast asks for more.
    Forecast,
    /// The service is not calm, or that is not known: nothing is taken away.
    Veto {
        /// How it does.
        health: Health,
    },
    /// A limit is reached: replicas are added.
    SteppedUp,
    /// A limit is reached, but the last step is too young for another.
    StepPending {
        /// When the last one was.
        last: Timestamp,
    },
    /// All is calm.
    Calm,
    /// The intensity of now, or what it should be compared with, is not known: no bound.
    IntensityUnknown,
    /// The grid is clean enough.
    Clean {
        /// The intensity of now.
        now: GramsPerKwh,
    },
    /// The grid is dirty: no more than these.
    Dirty {
        /// The intensity of now.
        now: GramsPerKwh,
        /// The ceiling.
        ceiling: Replicas,
    },
    /// The grid is dirty, but the service comes first.
    Yielded {
        /// How it does; calm while the bound rests.
        health: Health,
        /// Until when the bound rests, unless the service is strained again.
        until: Timestamp,
    },
    /// The grid is dirty, but metrics are missing, on which nothing is lowered.
    NotLowered,
    /// So many replicas have power.
    PowerFor {
        /// The most.
        most: Replicas,
    },
    /// Neither a budget nor the room is known: no bound.
    PowerUnknown,
    /// The grid is dirty and stays so longer than a start takes.
    NoWindow,
    /// The grid turns clean then: replicas start before.
    WindowAt {
        /// When.
        at: Timestamp,
    },
    /// What recent recommendations did.
    Window {
        /// The condition `AbleToScale`.
        able: Stabilised,
    },
    /// What rates and bounds did.
    Limit {
        /// The condition `ScalingLimited`.
        limited: Limit,
    },
}

impl Reason {
    /// Its name in a status: the variant's, as in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NothingToSay => "NothingToSay",
            Self::Disabled => "Disabled",
            Self::AboveMax => "AboveMax",
            Self::BelowMin => "BelowMin",
            Self::Metric { .. } => "Metric",
            Self::NoMetrics => "NoMetrics",
            Self::Held { .. } => "Held",
            Self::Multiplied { .. } => "Multiplied",
            Self::Floor { .. } => "Floor",
            Self::Ceiling { .. } => "Ceiling",
            Self::Forecast => "Forecast",
            Self::Veto { .. } => "Veto",
            Self::SteppedUp => "SteppedUp",
            Self::StepPending { .. } => "StepPending",
            Self::Calm => "Calm",
            Self::IntensityUnknown => "IntensityUnknown",
            Self::Clean { .. } => "Clean",
            Self::Dirty { .. } => "Dirty",
            Self::Yielded { .. } => "Yielded",
            Self::NotLowered => "NotLowered",
            Self::PowerFor { .. } => "PowerFor",
            Self::PowerUnknown => "PowerUnknown",
            Self::NoWindow => "NoWindow",
            Self::WindowAt { .. } => "WindowAt",
            Self::Window { .. } => "Window",
            Self::Limit { .. } => "Limit",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingToSay => f.write_str("nothing to say"),
            Self::Disabled => f.write_str("there are no replicas, and somebody else scaled there"),
            Self::AboveMax => f.write_str("there were more than maxReplicas"),
            Self::BelowMin => f.write_str("there were fewer than minReplicas"),
            Self::Metric { metric } => write!(f, "metrics[{metric}] asks for the most"),
            Self::NoMetrics => f.write_str("no metrics: from minReplicas on"),
            Self::Held { missing } => write!(
                f,
                "held: {} metrics absent, {} stale, {} unusable",
                missing.absent, missing.stale, missing.unusable
            ),
            Self::Multiplied { factor, entry } => write!(f, "{factor:.2} times, by {entry}"),
            Self::Floor { floor, entry } => write!(f, "at least {floor}, by {entry}"),
            Self::Ceiling { ceiling, entry } => write!(f, "at most {ceiling}, by {entry}"),
            Self::Forecast => f.write_str("more is expected by the time that a replica takes to start"),
            Self::Veto { health } => write!(f, "nothing is taken away: the service is {}", told(*health)),
            Self::SteppedUp => f.write_str("a limit is reached: replicas are added"),
            Self::StepPending { last } => write!(f, "a limit is reached; replicas were added at {last:.0}"),
            Self::Calm => f.write_str("calm"),
            Self::IntensityUnknown => f.write_str("no bound: intensity now or ahead is not known"),
            Self::Clean { now } => write!(f, "clean enough at {now:.0}"),
            Self::Dirty { now, ceiling } => write!(f, "at most {ceiling} while the grid is dirty at {now:.0}"),
            Self::Yielded { health, until } => {
                write!(
                    f,
                    "the service comes first: {}; no bound until {until:.0}",
                    told(*health)
                )
            }
            Self::NotLowered => f.write_str("dirty, but nothing is lowered while metrics are missing"),
            Self::PowerFor { most } => write!(f, "power for {most}"),
            Self::PowerUnknown => f.write_str("no bound: neither a budget nor the room is known"),
            Self::NoWindow => f.write_str("the grid stays dirty for longer than a start takes"),
            Self::WindowAt { at } => write!(f, "the grid turns clean at {at:.0}"),
            Self::Window { able } => f.write_str(match able {
                Stabilised::ReadyForNewScale => "recent recommendations agree",
                Stabilised::ScaleUpStabilized => "held down by a recent lower recommendation",
                Stabilised::ScaleDownStabilized => "held up by a recent higher recommendation",
            }),
            Self::Limit { limited } => f.write_str(match limited {
                Limit::DesiredWithinRange => "within rates and bounds",
                Limit::TooManyReplicas => "maxReplicas",
                Limit::TooFewReplicas => "minReplicas",
                Limit::ScaleUpLimit => "the rate on the way up",
                Limit::ScaleDownLimit => "the rate on the way down",
            }),
        }
    }
}

fn told(health: Health) -> &'static str {
    match health {
        Health::Calm => "calm",
        Health::Unknown => "not measured",
        Health::Strained => "strained",
        Health::Breached => "beyond its limit",
    }
}
