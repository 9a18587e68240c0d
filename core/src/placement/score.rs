use super::cost::NodeCost;
use super::policy::{Policy, edge};
use crate::quantity::Ratio;

/// `MaxExtenderPriority` of kube-scheduler: it multiplies a score by the weight and by 10.
pub const MAX_SCORE: u8 = 10;

/// Scores the candidates from 0 to [`MAX_SCORE`], in their order; the cheaper the higher.
///
/// The levels used, `L`, grow with the relative spread between the best and the 90th percentile, so that a small
/// difference cannot overrule affinity and one very dear node does not flatten the rest. Nodes within the band of the
/// best get `L`, the others `⌊L · ln(c90/c)/ln(c90/cmin)⌋`: equal ratios are equal steps, so that among regions whose
/// grids differ tenfold a node of three times the best one's grams is still levels apart from it (ADR 0009). Where the
/// best costs nothing there are no ratios, and steps are differences. Candidates of unknown cost get the median score.
#[must_use]
pub fn score(policy: &Policy, costs: &[Option<NodeCost>]) -> Vec<u8> {
    let cost_of = measure(costs.iter().flatten());
    let mut known: Vec<f64> = Vec::with_capacity(costs.len());
    known.extend(costs.iter().flatten().map(cost_of));
    let best = known.iter().copied().fold(f64::INFINITY, f64::min);
    let (Some(median), Some(c90)) = (percentile(&mut known, 50), percentile(&mut known, 90)) else {
        return vec![0; costs.len()];
    };
    let level = |c: f64| level(c, best, c90, policy);
    // The median node's score is the median score: levels fall as costs rise.
    let median = level(median);
    costs
        .iter()
        .map(|cost| cost.as_ref().map_or(median, |cost| level(cost_of(cost))))
        .collect()
}

/// Whether costs differ so much that scores would: more than the band lies between the best and the 90th percentile.
#[must_use]
pub fn spreads(costs: &[&NodeCost], band: f64) -> bool {
    let cost_of = measure(costs.iter().copied());
    let mut known: Vec<f64> = costs.iter().map(|cost| cost_of(cost)).collect();
    let best = known.iter().copied().fold(f64::INFINITY, f64::min);
    percentile(&mut known, 90).is_some_and(|c90| c90 > edge(best, band))
}

/// What nodes are ranked by: where no grid has carbon in it, less energy is better.
fn measure<'a>(mut costs: impl Iterator<Item = &'a NodeCost>) -> fn(&NodeCost) -> f64 {
    if costs.all(|cost| cost.grams <= 0.0) {
        |cost| cost.joules
    } else {
        NodeCost::total
    }
}

fn level(cost: f64, best: f64, c90: f64, policy: &Policy) -> u8 {
    let edge = policy.within_band(best);
    if c90 <= edge {
        return 0;
    }
    // Infinite where the best is free of carbon: then all levels are used.
    let spread = (c90 - best) / best.abs();
    let top = (f64::from(MAX_SCORE) * Ratio::saturating(spread / policy.full_spread).get()).round();
    let scaled = if cost <= edge {
        top
    } else {
        (top * distance(best, cost, c90)).floor()
    };
    to_score(scaled.clamp(0.0, top))
}

/// How far a cost lies from the 90th percentile towards the best: 0 at `c90`, 1 at the best.
fn distance(best: f64, cost: f64, c90: f64) -> f64 {
    if best > 0.0 {
        (c90 / cost).ln() / (c90 / best).ln()
    } else {
        (c90 - cost) / (c90 - best)
    }
}

/// A clamped, whole number of levels as what the wire carries.
fn to_score(level: f64) -> u8 {
    (0..=MAX_SCORE)
        .rev()
        .find(|score| f64::from(*score) <= level)
        .unwrap_or(0)
}

/// The nearest-rank percentile; reorders the numbers. Selecting is cheaper than sorting them.
fn percentile(numbers: &mut [f64], percent: usize) -> Option<f64> {
    let rank = (numbers.len() * percent).div_ceil(100).checked_sub(1)?;
    let (_, nth, _) = numbers.select_nth_unstable_by(rank, f64::total_cmp);
    Some(*nth)
}
