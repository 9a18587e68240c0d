//! How costs become levels from 0 to 10.

use crate::strategy::{any_ask, any_world, known_world, plain_policy};
use crate::world::{NodeSpec, World, ZoneSpec, decided, policy, workload};
use heliotrope_core::placement::Policy;
use heliotrope_core::workload::{Mode, Workload};
use proptest::prelude::*;

fn scores(values: &[f64]) -> Vec<u8> {
    decided(&World::flat(values), &workload(Mode::Prefer), &policy()).scores
}

proptest! {
    #[test]
    fn the_best_gets_the_most_and_a_narrow_spread_gets_nothing(
        world in known_world(), ask in any_ask(), policy in plain_policy(),
    ) {
        let policy = Policy { keep: None, ..policy };
        let decision = decided(&world, &Workload { mode: Mode::Prefer, ..ask }, &policy);
        let costs: Vec<f64> = decision.costs.iter().map(|cost| cost.unwrap().total()).collect();
        let (best, worst) = costs.iter().fold((f64::INFINITY, 0.0f64), |(best, worst), c| (best.min(*c), worst.max(*c)));
        let top = *decision.scores.iter().max().unwrap();
        let edge = best * (1.0 + policy.band.get());
        for (cost, score) in costs.iter().zip(&decision.scores) {
            prop_assert!(*cost > edge || *score == top, "one within the band got {score} of {top}");
        }
        if worst <= edge {
            prop_assert_eq!(top, 0);
        }
        // No more levels than the widest spread earns.
        let levels = (10.0 * ((worst - best) / best / policy.full_spread).min(1.0)).round();
        prop_assert!(f64::from(top) <= levels + 1e-9, "{} levels for a spread of {} to {}", top, best, worst);
    }

    #[test]
    fn an_unknown_node_gets_the_median(world in any_world(), ask in any_ask(), policy in plain_policy()) {
        let policy = Policy { keep: None, ..policy };
        let decision = decided(&world, &Workload { mode: Mode::Prefer, ..ask }, &policy);
        let of = |known: bool| {
            let told = decision.costs.iter().zip(&decision.scores);
            told.filter(move |(cost, _)| cost.is_some() == known).map(|(_, score)| *score)
        };
        let mut known: Vec<u8> = of(true).collect();
        known.sort_unstable_by(|a, b| b.cmp(a));
        let median = known.get(known.len().div_ceil(2).saturating_sub(1)).copied().unwrap_or(0);
        for unknown in of(false) {
            prop_assert_eq!(unknown, median, "of {:?}", known);
        }
    }
}

#[test]
fn levels_grow_with_the_spread() {
    // 1.9 % is within the band, 6 % earns 2 of 10 levels, 30 % all of them.
    assert_eq!(scores(&[100.0, 101.9]), [0, 0]);
    assert_eq!(scores(&[100.0, 106.0]), [2, 0]);
    assert_eq!(scores(&[100.0, 115.0]), [5, 0]);
    assert_eq!(scores(&[100.0, 130.0]), [10, 0]);
    assert_eq!(scores(&[100.0, 400.0]), [10, 0]);
}

#[test]
fn between_the_band_and_the_ninetieth_percentile_equal_ratios_are_equal_steps() {
    assert_eq!(
        scores(&[100.0, 101.0, 110.0, 125.0, 149.0, 200.0]),
        [10, 10, 8, 6, 4, 0]
    );
    // Halfway between a grid and another of a hundred times its carbon is one of ten times.
    assert_eq!(scores(&[10.0, 99.9, 100.1, 1000.0]), [10, 5, 4, 0]);
}

#[test]
fn one_very_dear_node_does_not_flatten_the_rest() {
    let mut values: Vec<f64> = (0..10).map(|i| 100.0 + 10.0 * f64::from(i)).collect();
    values.push(100_000.0);
    assert_eq!(scores(&values), [10, 8, 7, 5, 4, 3, 2, 1, 0, 0, 0]);
}

#[test]
fn where_no_grid_has_carbon_less_energy_is_better() {
    let world = World {
        zones: vec![ZoneSpec::flat(0.0)],
        nodes: vec![
            NodeSpec {
                pue: 1.4,
                ..NodeSpec::in_zone(0).awake()
            },
            NodeSpec {
                pue: 1.0,
                ..NodeSpec::in_zone(0).awake()
            },
        ],
        pending: Vec::new(),
    };
    assert_eq!(decided(&world, &workload(Mode::Prefer), &policy()).scores, [0, 10]);
}

#[test]
fn a_grid_without_carbon_is_the_best_there_is() {
    // There are no ratios to nothing: steps are differences then.
    assert_eq!(scores(&[0.0, 0.0, 55.0, 100.0]), [10, 10, 4, 0]);
}

#[test]
fn levels_within_a_zone_tell_awake_from_asleep() {
    let world = World {
        nodes: vec![NodeSpec::in_zone(0), NodeSpec::in_zone(0).awake()],
        ..World::flat(&[300.0])
    };
    let scores = decided(&world, &workload(Mode::Prefer), &policy()).scores;
    assert!(scores[1] > scores[0], "{scores:?}");
}
