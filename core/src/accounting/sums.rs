use super::amount::Amount;
use super::choice::Choice;
use crate::quantity::Rung;
use crate::snapshot::{CoefficientSource, PowerRung};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a placement has no grams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unpriced {
    /// The pod was none of ours.
    Exempt,
    /// The scheduler never asked about the pod.
    Bypassed,
    /// No candidate's zone had any intensity.
    NoCarbon,
    /// The bound node's zone or GPU model is not known.
    UnknownNode,
    /// The node was not among those that the scheduler offered.
    NotACandidate,
    /// The decision's rows were cut before the pod was bound, for the log was full; or no file that was read has it.
    Forgotten,
}

impl Unpriced {
    /// The name shown to people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Bypassed => "bypassed",
            Self::NoCarbon => "no-carbon",
            Self::UnknownNode => "unknown-node",
            Self::NotACandidate => "not-a-candidate",
            Self::Forgotten => "forgotten",
        }
    }
}

/// What a figure stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The rung of the comparison.
    pub rung: Rung,
    /// Whether the provider estimated the value of now.
    pub estimated: bool,
    /// Where the idle watts of the bound node come from.
    pub coefficient: CoefficientSource,
    /// How good the bound node's power figure was.
    pub power: PowerRung,
}

/// The node that a pod was bound to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundNode {
    /// What it costs, as known at the decision.
    pub amount: Amount,
    /// What that stands on.
    pub standing: Standing,
}

/// One GPU pod that was bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed<'a> {
    /// The pod's mode; `none` where it was not weighed.
    pub mode: &'a str,
    /// Where the node stood in our ranking.
    pub outcome: &'a str,
    /// What its last decision had to choose from; `None` where there was none.
    pub choice: Option<Choice>,
    /// The bound node, or why it has no price.
    pub bound: Result<BoundNode, Unpriced>,
}

/// A share of a figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Placements.
    pub placements: u64,
    /// What their bound nodes cost.
    pub bound_grams: f64,
    /// What those cost more than the cheapest acceptable.
    pub at_stake_grams: f64,
}

impl Part {
    fn add(&mut self, other: Self) {
        self.placements += other.placements;
        self.bound_grams += other.bound_grams;
        self.at_stake_grams += other.at_stake_grams;
    }
}

/// Sums over placements. Adding is commutative and associative, so neither order nor partition matters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sums {
    /// GPU pods bound.
    pub placements: u64,
    /// By where the bound node stood in the ranking.
    pub outcomes: BTreeMap<Arc<str>, u64>,
    /// Weighed before they were bound.
    pub weighed: u64,
    /// Of those weighed: more than one grid zone to choose from.
    pub with_zones: u64,
    /// Of those weighed: more than one GPU model to choose from.
    pub with_models: u64,
    /// Of those weighed: costs that differ by more than the band.
    pub with_spread: u64,
    /// Those whose bound node has a price. All grams and kilowatt-hours are of these alone.
    pub priced: u64,
    /// The others, by why not.
    pub unpriced: BTreeMap<Unpriced, u64>,
    /// What the bound nodes cost.
    pub bound: Amount,
    /// What the cheapest acceptable node of each decision costs.
    pub cheapest: Amount,
    /// What the mean candidate of each decision costs.
    pub mean: Amount,
    /// By the rung of the comparison.
    pub rungs: BTreeMap<Rung, Part>,
    /// Those on a value that its provider estimated.
    pub estimated: Part,
    /// By where the idle watts come from.
    pub coefficients: BTreeMap<Arc<str>, Part>,
    /// By how good the power figure of the bound node was.
    pub power: BTreeMap<PowerRung, Part>,
}

impl Sums {
    /// Takes one placement in.
    pub fn add(&mut self, placed: &Placed<'_>) {
        self.placements += 1;
        *entry(&mut self.outcomes, placed.outcome) += 1;
        if let Some(choice) = placed.choice {
            self.weighed += 1;
            self.with_zones += u64::from(choice.zones > 1);
            self.with_models += u64::from(choice.models > 1);
            self.with_spread += u64::from(choice.spread);
        }
        match (placed.bound, placed.choice) {
            (Ok(bound), Some(choice)) => self.price(bound, choice),
            (bound, _) => {
                let why = bound.err().unwrap_or(Unpriced::Bypassed);
                *self.unpriced.entry(why).or_default() += 1;
            }
        }
    }

    fn price(&mut self, bound: BoundNode, choice: Choice) {
        self.priced += 1;
        self.bound += bound.amount;
        self.cheapest += choice.cheapest;
        self.mean += choice.mean;
        let part = Part {
            placements: 1,
            bound_grams: bound.amount.grams,
            at_stake_grams: bound.amount.grams - choice.cheapest.grams,
        };
        self.rungs.entry(bound.standing.rung).or_default().add(part);
        if bound.standing.estimated {
            self.estimated.add(part);
        }
        entry(&mut self.coefficients, bound.standing.coefficient.name()).add(part);
        self.power.entry(bound.standing.power).or_default().add(part);
    }

    /// Takes other sums in.
    pub fn merge(&mut self, other: &Self) {
        self.placements += other.placements;
        self.weighed += other.weighed;
        self.with_zones += other.with_zones;
        self.with_models += other.with_models;
        self.with_spread += other.with_spread;
        self.priced += other.priced;
        self.bound += other.bound;
        self.cheapest += other.cheapest;
        self.mean += other.mean;
        self.estimated.add(other.estimated);
        for (name, count) in &other.outcomes {
            *entry(&mut self.outcomes, name) += count;
        }
        for (why, count) in &other.unpriced {
            *self.unpriced.entry(*why).or_default() += count;
        }
        for (rung, part) in &other.rungs {
            self.rungs.entry(*rung).or_default().add(*part);
        }
        for (name, part) in &other.coefficients {
            entry(&mut self.coefficients, name).add(*part);
        }
        for (rung, part) in &other.power {
            self.power.entry(*rung).or_default().add(*part);
        }
    }

    /// What the bound nodes cost more than the cheapest acceptable.
    #[must_use]
    pub fn at_stake(&self) -> Amount {
        self.bound - self.cheapest
    }

    /// What the bound nodes cost less than the mean candidates; negative where they cost more.
    #[must_use]
    pub fn under_mean(&self) -> Amount {
        self.mean - self.bound
    }
}

/// The value under a name, made when it is not there.
pub(super) fn entry<'m, V: Default>(map: &'m mut BTreeMap<Arc<str>, V>, name: &str) -> &'m mut V {
    map.entry(Arc::from(name)).or_default()
}

/// Sums by mode: shadow and steering are different questions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally(pub BTreeMap<Arc<str>, Sums>);

impl Tally {
    /// Takes one placement in.
    pub fn add(&mut self, placed: &Placed<'_>) {
        entry(&mut self.0, placed.mode).add(placed);
    }

    /// Takes another tally in.
    pub fn merge(&mut self, other: &Self) {
        for (mode, sums) in &other.0 {
            entry(&mut self.0, mode).merge(sums);
        }
    }

    /// All modes together.
    #[must_use]
    pub fn all(&self) -> Sums {
        let mut all = Sums::default();
        for sums in self.0.values() {
            all.merge(sums);
        }
        all
    }
}
