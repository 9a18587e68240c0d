//! Placement against the straightforward way to compute it.

use crate::naive::{Cluster, names};
use crate::strategy::{any_policy, any_world, choosy_ask};
use crate::world::{decided, now};
use proptest::prelude::*;

proptest! {
    #[test]
    fn costs_are_those_of_the_long_way(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let snapshot = world.snapshot();
        let naive = Cluster::new(&snapshot, now()).costs(&ask, &policy, &names(&snapshot));
        let decision = decided(&world, &ask, &policy);
        for (name, cost) in names(&snapshot).iter().zip(&decision.costs) {
            prop_assert_eq!(naive.contains_key(name), cost.is_some(), "{}", name);
            let Some((naive, cost)) = naive.get(name).zip(cost.as_ref()) else { continue };
            for (naive, cost) in [(naive.grams, cost.grams), (naive.stranded, cost.stranded_grams), (naive.joules, cost.joules)] {
                prop_assert!((naive - cost).abs() <= 1e-9 * naive.abs().max(1e-3), "{} is not {}", cost, naive);
            }
        }
    }

    #[test]
    fn verdicts_and_scores_are_those_of_the_long_way(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let snapshot = world.snapshot();
        let naive = Cluster::new(&snapshot, now()).decide(&ask, &policy, &names(&snapshot));
        let decision = decided(&world, &ask, &policy);
        let told = names(&snapshot).into_iter().zip(decision.verdict.kept.iter().zip(&decision.scores));
        let told: Vec<(String, u8)> = told.filter(|(_, (kept, _))| **kept).map(|(name, (_, score))| (name, *score)).collect();
        let names_of = |answer: &[(String, u8)]| answer.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(names_of(&told), names_of(&naive));
        for ((name, told), (_, naive)) in told.iter().zip(&naive) {
            // Where a level lies on its step, rounding decides on which side.
            prop_assert!(told.abs_diff(*naive) <= 1, "{}: {} against {}", name, told, naive);
        }
    }
}
