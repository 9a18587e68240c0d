use super::{Cost, Replica};

/// How far apart the costs of runs are where there is room: those that come later find their place between.
const STEP: i64 = 1000;
const LEAST: i64 = i32::MIN as i64;
const MOST: i64 = i32::MAX as i64;

/// A replica, the number of its run, and its cost now.
struct Place<'a> {
    name: &'a str,
    has: Option<i32>,
    run: i64,
    cost: i64,
    kept: bool,
}

/// The costs of those whose own contradicts that every run goes before the next.
pub(super) fn changes<'a>(runs: &[Vec<&Replica<'a>>]) -> Vec<Cost<'a>> {
    let mut places: Vec<Place<'a>> = Vec::new();
    for (run, replicas) in (0_i64..).zip(runs) {
        let from = places.len();
        places.extend(replicas.iter().map(|replica| Place {
            name: replica.name,
            has: replica.cost,
            run,
            cost: i64::from(replica.cost.unwrap_or(0)),
            kept: false,
        }));
        if let Some(run) = places.get_mut(from..) {
            run.sort_by_key(|place| place.cost);
        }
    }
    keep_most(&mut places);
    fill(&mut places);
    let changed = places.iter().filter_map(|place| {
        let cost = i32::try_from(place.cost).ok()?;
        (cost != place.has.unwrap_or(0)).then_some(Cost { name: place.name, cost })
    });
    changed.collect()
}

/// Marks as many as can keep their costs: those that rise from run to run, by at least one for each run between. That is a longest
/// non-decreasing subsequence of cost less run, found by patience sorting.
fn keep_most(places: &mut [Place<'_>]) {
    let last_run = places.last().map_or(0, |place| place.run);
    let key = |place: &Place<'_>| place.cost - place.run;
    // Of each length the place that ends a subsequence with the least key, and for each place the one before it.
    let (mut ends, mut before): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    for (index, place) in places.iter().enumerate() {
        let length = ends.partition_point(|end| places.get(*end).is_some_and(|end| key(end) <= key(place)));
        before.push(length.checked_sub(1).and_then(|length| ends.get(length).copied()));
        // There must be room for the runs before it and after it.
        if place.cost - place.run < LEAST || place.cost + (last_run - place.run) > MOST {
            continue;
        }
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut next = ends.last().copied();
    while let Some(index) = next {
        if let Some(place) = places.get_mut(index) {
            place.kept = true;
        }
        next = before.get(index).copied().flatten();
    }
}

/// Gives the others a cost between those that are kept: the one of their run, or one of its own for each run.
fn fill(places: &mut [Place<'_>]) {
    let last_run = places.last().map_or(0, |place| place.run);
    let kept: Vec<(i64, i64)> = places
        .iter()
        .filter(|place| place.kept)
        .map(|place| (place.run, place.cost))
        .collect();
    for place in places.iter_mut().filter(|place| !place.kept) {
        let after = kept.partition_point(|(run, _)| *run < place.run);
        let (low, high) = (after.checked_sub(1).and_then(|low| kept.get(low)), kept.get(after));
        place.cost = match (low, high) {
            (_, Some((run, cost))) if *run == place.run => *cost,
            (Some((low, from)), Some((high, to))) => from + (to - from) * (place.run - low) / (high - low),
            (Some((low, from)), None) => from + STEP.min((MOST - from) / (last_run - low)) * (place.run - low),
            (None, Some((high, to))) => to - STEP.min((to - LEAST) / high) * (high - place.run),
            (None, None) => STEP * place.run,
        };
    }
}
