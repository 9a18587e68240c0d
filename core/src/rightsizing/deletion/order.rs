use super::{DeletionRule, Replica};
use crate::quantity::Grams;
use std::collections::BTreeMap;

/// Ready replicas in the order in which they are to go. Those of one run may go in any order.
pub(super) fn runs<'r, 'a>(ready: &[&'r Replica<'a>], rule: &DeletionRule) -> Vec<Vec<&'r Replica<'a>>> {
    let mut left = BTreeMap::new();
    for place in ready.iter().filter_map(|replica| replica.place) {
        *left.entry(place).or_insert(0_usize) += 1;
    }
    // Where there is one place there is no other that could spare a replica.
    let floor = if left.len() > 1 { rule.min_per_place } else { 0 };
    let floor = floor.min(left.values().copied().max().unwrap_or(0));
    let (mut waiting, mut runs) = (groups(ready, rule), Vec::new());
    for floor in (0..=floor).rev() {
        for group in &mut waiting {
            // A place that is at the floor does not come above it again: whoever was passed over waits for a lower one.
            let spared = |replica: &mut &'r Replica<'a>| match replica.place.and_then(|place| left.get_mut(place)) {
                Some(count) if *count <= floor => false,
                Some(count) => {
                    *count -= 1;
                    true
                }
                None => true,
            };
            let run: Vec<_> = group.extract_if(.., spared).collect();
            if !run.is_empty() {
                runs.push(run);
            }
        }
    }
    runs
}

/// The replicas from dirty to clean, in groups that count as equal. Who goes first now goes first in its group, so that the
/// ones that a place keeps stay the same.
fn groups<'r, 'a>(ready: &[&'r Replica<'a>], rule: &DeletionRule) -> Vec<Vec<&'r Replica<'a>>> {
    let mut known: Vec<f64> = ready
        .iter()
        .filter_map(|replica| replica.hourly)
        .map(Grams::get)
        .collect();
    known.sort_by(f64::total_cmp);
    let middle = known.get(known.len() / 2).copied().unwrap_or(0.0);
    let grams = |replica: &Replica<'_>| replica.hourly.map_or(middle, Grams::get);
    let mut sorted = ready.to_vec();
    sorted.sort_by(|a, b| grams(b).total_cmp(&grams(a)));
    let mut groups: Vec<Vec<&Replica<'_>>> = Vec::new();
    let mut least = f64::INFINITY;
    for replica in sorted {
        match groups.last_mut() {
            Some(group) if grams(replica) >= least => group.push(replica),
            _ => {
                least = grams(replica) * (1.0 - rule.band.get());
                groups.push(vec![replica]);
            }
        }
    }
    for group in &mut groups {
        group.sort_by_key(|replica| (replica.cost.unwrap_or(0), replica.name));
    }
    groups
}
