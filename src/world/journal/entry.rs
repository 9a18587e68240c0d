use super::digest;
use super::line::{Answer, Bound, Call, Candidates, CostRow, Line};
use super::runs::Runs;
use super::told::{Told, inputs};
use crate::world::record::{Asked, Offered, Record, Stage};
use heliotrope_core::placement::NodeCost;
use jiff::Timestamp;
use serde_json::Error;
use std::collections::{BTreeMap, HashMap};

/// What the log is told.
#[derive(Debug)]
pub(in crate::world) enum Entry {
    /// A call was answered.
    Record(Box<Record>),
    /// A pod was bound.
    Bound(Box<Bound>),
}

impl Entry {
    /// The lines that say it, after what was told before; none where nothing was decided.
    ///
    /// # Errors
    /// When something cannot be written as JSON.
    pub(super) fn lines(&self, told: &mut Told) -> Result<Vec<Line>, Error> {
        let record = match self {
            Self::Record(record) => record,
            Self::Bound(bound) => return Ok(vec![Line::Bound(bound.clone())]),
        };
        match &record.stage {
            Stage::Exempt(_) => Ok(Vec::new()),
            Stage::Filter {
                asked,
                offered,
                weighed,
                refused,
                kept,
                group,
                // For the explanation: it follows from what was asked.
                reserved: _,
            } => {
                let order = Order::of(offered);
                let rules = order
                    .of_each(refused)
                    .filter_map(|(place, rule)| Some(((*rule)?, place)));
                let answer = Answer::Filter {
                    group: *group,
                    rung: weighed.rung,
                    costs: cost_rows(&order, &weighed.costs)?,
                    refused: places_by(rules),
                    kept: marked(order.of_each(kept)),
                };
                call(told, record, asked, Some((order, offered)), Some(weighed.at), answer)
            }
            Stage::Prioritize {
                asked,
                offered,
                weighed,
                scores,
            } => {
                let order = Order::of(offered);
                let answer = Answer::Prioritize {
                    rung: weighed.rung,
                    costs: cost_rows(&order, &weighed.costs)?,
                    scores: places_by(order.of_each(scores).map(|(place, score)| (*score, place))),
                };
                call(told, record, asked, Some((order, offered)), Some(weighed.at), answer)
            }
            Stage::Preempt {
                asked,
                candidates,
                kept,
            } => {
                let victims = candidates
                    .iter()
                    .map(|(ix, victims)| (ix.map(|ix| ix.0), victims.clone()));
                let answer = Answer::Preempt {
                    victims: victims.collect(),
                    kept: marked(kept.iter().enumerate()),
                };
                call(told, record, asked, None, None, answer)
            }
        }
    }
}

/// Places by what was said of each.
fn places_by<K: Ord>(said: impl Iterator<Item = (K, usize)>) -> Vec<(K, Runs)> {
    let mut places = BTreeMap::new();
    for (what, place) in said {
        places.entry(what).or_insert_with(Vec::new).push(place);
    }
    let places = places.into_iter();
    places
        .map(|(what, places)| (what, places.into_iter().collect()))
        .collect()
}

/// The places that are marked.
fn marked<'a>(places: impl Iterator<Item = (usize, &'a bool)>) -> Runs {
    places.filter(|(_, marked)| **marked).map(|(place, _)| place).collect()
}

fn call(
    told: &mut Told,
    record: &Record,
    asked: &Asked,
    offered: Option<(Order, &Offered)>,
    weighed_at: Option<Timestamp>,
    answer: Answer,
) -> Result<Vec<Line>, Error> {
    let parts = told.changes(asked)?;
    let weighed_at = weighed_at.filter(|at| *at != asked.now);
    let candidates = offered.map(|(order, offered)| order.candidates(offered));
    let call = Call {
        pod: format!("{}/{}", record.pod.namespace, record.pod.name),
        uid: record.pod.uid.to_string(),
        at: asked.now,
        weighed_at,
        inputs: inputs(told.sum(), &record.pod.uid, asked.now, weighed_at, candidates.as_ref())?,
        candidates,
        answer,
    };
    let state = (!parts.is_empty()).then_some(Line::State { parts });
    Ok(state.into_iter().chain([Line::Call(Box::new(call))]).collect())
}

/// The order in which candidates are written: by their place in the snapshot, then those that came whole, then the unknown.
/// What placement answers does not depend on it, and places in rising order are short.
struct Order(Vec<usize>);

impl Order {
    fn of(offered: &Offered) -> Self {
        let mut order: Vec<usize> = (0..offered.places.len()).collect();
        let key = |place: &usize| {
            let known = offered.places.get(*place).copied().flatten();
            let given = offered.templates.get(*place).is_some_and(Option::is_some);
            (known.is_none(), known, !given)
        };
        order.sort_by_key(key);
        Self(order)
    }

    /// Something about each candidate, in this order, with the place in it.
    fn of_each<'a, T>(&'a self, of: &'a [T]) -> impl Iterator<Item = (usize, &'a T)> {
        let each = self.0.iter().enumerate();
        each.filter_map(|(place, was)| Some((place, of.get(*was)?)))
    }

    fn candidates(&self, offered: &Offered) -> Candidates {
        let mut written = Candidates::default();
        let mut known = Vec::new();
        for (_, ix) in self.of_each(&offered.places) {
            known.extend(ix.and_then(|ix| usize::try_from(ix.0).ok()));
        }
        for (_, template) in self.of_each(&offered.templates) {
            written.given.extend(template.clone());
        }
        let told = known.len() + written.given.len();
        written.unknown = u64::try_from(self.0.len().saturating_sub(told)).unwrap_or(u64::MAX);
        written.known = known.into_iter().collect();
        written
    }
}

/// Candidates of the same cost share a row.
fn cost_rows(order: &Order, costs: &[Option<NodeCost>]) -> Result<Vec<CostRow>, Error> {
    let mut rows: Vec<(f64, String, Vec<usize>)> = Vec::new();
    let mut by_check: HashMap<String, usize> = HashMap::new();
    for (place, cost) in order.of_each(costs) {
        let Some(cost) = cost else { continue };
        let check = check(cost)?;
        let row = *by_check.entry(check.clone()).or_insert_with(|| {
            rows.push((cost.total(), check, Vec::new()));
            rows.len() - 1
        });
        if let Some((_, _, places)) = rows.get_mut(row) {
            places.push(place);
        }
    }
    let rows = rows.into_iter();
    Ok(rows
        .map(|(grams, check, places)| (grams, check, places.into_iter().collect::<Runs>()))
        .collect())
}

/// A hash over every figure of a cost: one bit of one figure changes it.
pub(super) fn check(cost: &NodeCost) -> Result<String, Error> {
    let written = serde_json::to_vec(cost)?;
    Ok(format!("{:016x}", digest::hash(&[&written])))
}
