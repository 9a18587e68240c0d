//! The fewest replica-hours that never fall short of a minute's load.

/// Replicas of each minute. `need` is how many each minute wants; one that starts costs `cold` minutes before it serves.
///
/// Layer by layer: the k-th replica is wanted in the minutes that need at least k. Between two such stretches it is cheaper to
/// keep it than to start it again when they are no farther apart than a start takes. Layers do not touch each other, so the
/// best of each is the best of all. What the first minutes need was started before the clock.
pub(super) fn fewest(need: &[i32], cold: usize) -> Vec<i32> {
    let mut total = vec![0; need.len()];
    for layer in 1..=need.iter().copied().max().unwrap_or(0) {
        let mut wanted_until: Option<usize> = None;
        for (minute, _) in need.iter().enumerate().filter(|(_, need)| **need >= layer) {
            // From where on the replica must be there for this minute: since it was last wanted, or since its start.
            let from = match wanted_until {
                Some(until) if minute - until <= cold => until,
                _ => minute.saturating_sub(cold),
            };
            for replicas in total.iter_mut().take(minute + 1).skip(from) {
                *replicas += 1;
            }
            wanted_until = Some(minute + 1);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every way to run one replica: the cheapest in which it serves when it is wanted and has started before.
    fn by_trying(wanted: &[bool], cold: usize) -> usize {
        let minutes = wanted.len();
        let possible = |there: u32| {
            let has = |minute: usize| there >> minute & 1 == 1;
            (0..minutes).all(|minute| {
                // A replica that is there since the first minute was started before the clock.
                let start = (0..=minute).rev().take_while(|at| has(*at)).last();
                !wanted[minute] || start.is_some_and(|start| start == 0 || minute - start >= cold)
            })
        };
        let ways = (0_u32..1 << minutes).filter(|there| possible(*there));
        ways.map(|there| there.count_ones() as usize).min().unwrap()
    }

    proptest! {
        #[test]
        fn nothing_is_cheaper(need in prop::collection::vec(0i32..3, 1..11), cold in 0usize..4) {
            let total = fewest(&need, cold);
            let cost: i32 = total.iter().sum();
            let best: usize = (1..3).map(|layer| {
                let wanted: Vec<bool> = need.iter().map(|need| *need >= layer).collect();
                by_trying(&wanted, cold)
            }).sum();
            prop_assert_eq!(usize::try_from(cost).unwrap(), best);
            prop_assert!(total.iter().zip(&need).all(|(total, need)| total >= need));
        }
    }
}
