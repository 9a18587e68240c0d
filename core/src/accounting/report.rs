use super::amount::Amount;
use super::book::{Book, Day};
use super::sums::{Sums, Tally};
use super::verdict::Verdict;
use crate::grid::IntensityKind;
use crate::quantity::Ratio;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the figures come about, and what they are not. Part of every report.
pub const METHOD: [&str; 7] = [
    "A GPU pod counts once, on the day it is bound (UTC), with the last decision before that.",
    "Grams and kWh are modelled, not metered: watts added x stated run time x PUE x the intensity expected at the \
     decision. Nobody looked at how long the pod then ran or what it drew.",
    "Boundary: electricity of the GPUs and of the pod's share of its host, with its share of waking an empty node and the \
     facility's overhead. Left out: manufacture, network, storage, cooling beyond the PUE.",
    "At stake is what the bound node costs more than the cheapest acceptable node that the scheduler offered for that pod. \
     Each decision is looked at by itself: that the cheapest node fills up is not replayed, so this is the most that \
     better choices could have been worth, and not what was or would be saved.",
    "The mean candidate is the mean over the acceptable nodes of a decision: what a node drawn by lot costs.",
    "Avoided is what the bound node costs less than the mean candidate where heliotrope steered (prefer, strict). It is a \
     model's counterfactual: what the scheduler would have chosen without heliotrope, nobody knows.",
    "Placements without a price are counted and left out of grams; they are not zero.",
];

/// Days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First day, in UTC.
    pub from: Date,
    /// Last day, in UTC.
    pub until: Date,
}

/// Sums under a name, with what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// A namespace, zone, model or day.
    pub name: Arc<str>,
    /// All modes together.
    pub all: Sums,
    /// What the bound nodes cost more than the cheapest acceptable, over all modes.
    pub at_stake: Amount,
    /// What the bound nodes cost less than the mean candidates in `prefer` and `strict`; negative where they cost more.
    pub avoided: Amount,
    /// By mode.
    pub modes: Tally,
}

impl Row {
    fn new(name: Arc<str>, modes: Tally) -> Self {
        let all = modes.all();
        let steered = modes
            .0
            .iter()
            .filter(|(mode, _)| ["prefer", "strict"].contains(&mode.as_ref()));
        let avoided = steered.fold(Amount::default(), |sum, (_, sums)| sum + sums.under_mean());
        Self {
            name,
            at_stake: all.at_stake(),
            avoided,
            all,
            modes,
        }
    }
}

/// What the decisions of a period were worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Nothing before this is in it.
    pub since: Timestamp,
    /// When it was made.
    pub as_of: Timestamp,
    /// The days asked for.
    pub period: Period,
    /// What kind of intensity grams are made with.
    pub kind: IntensityKind,
    /// Costs within this share of the best are equal.
    pub band: Ratio,
    /// Times that a pod was weighed in filter.
    pub attempts: u64,
    /// In plain words.
    pub verdict: Verdict,
    /// Everything.
    pub total: Row,
    /// By namespace, the most grams first.
    pub namespaces: Vec<Row>,
    /// By zone of the bound node.
    pub zones: Vec<Row>,
    /// By GPU model of the bound node.
    pub models: Vec<Row>,
    /// By day, in order.
    pub days: Vec<Row>,
    /// How the figures come about, and what they are not.
    pub method: Vec<String>,
}

impl Report {
    /// Reads a book over a period.
    #[must_use]
    pub fn of(book: &Book, period: Period, kind: IntensityKind, as_of: Timestamp) -> Self {
        let mut sum = Day::default();
        let mut days = Vec::new();
        for (date, day) in book.days(period.from, period.until) {
            sum.merge(day);
            days.push(Row::new(Arc::from(date.to_string()), day.total.clone()));
        }
        let total = Row::new(Arc::from("total"), sum.total);
        Self {
            since: book.since(),
            as_of,
            period,
            kind,
            band: book.band(),
            attempts: sum.attempts,
            verdict: Verdict::of(&total, book.band()),
            total,
            namespaces: rows(sum.namespaces),
            zones: rows(sum.zones),
            models: rows(sum.models),
            days,
            method: METHOD.map(str::to_owned).into(),
        }
    }
}

fn rows(tallies: BTreeMap<Arc<str>, Tally>) -> Vec<Row> {
    let mut rows: Vec<Row> = tallies.into_iter().map(|(name, tally)| Row::new(name, tally)).collect();
    rows.sort_by(|a, b| {
        let grams = b.all.bound.grams.total_cmp(&a.all.bound.grams);
        grams.then(b.all.placements.cmp(&a.all.placements))
    });
    rows
}
