//! What the ranking depends on: lower carbon is never worse, and nothing else that should not matter does.

use crate::strategy::{any_ask, any_policy, any_world, choosy_ask, known_world, plain_policy};
use crate::world::{World, decided};
use heliotrope_core::placement::{Decision, Policy};
use heliotrope_core::quantity::GramsPerKwh;
use heliotrope_core::workload::{Mode, Workload};
use proptest::prelude::*;

/// Pairs of places.
fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |i| (0..count).map(move |j| (i, j)))
}

fn total(decision: &Decision, at: usize) -> f64 {
    decision.costs[at].unwrap().total()
}

proptest! {
    /// A second copy of a node stands in a zone that says less on every rung.
    #[test]
    fn g4_all_else_equal_lower_carbon_never_scores_lower(
        world in any_world(), ask in any_ask(), policy in any_policy(), cleaner in 0.0f64..=1.0, pick in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!world.nodes.is_empty());
        let own = pick.index(world.nodes.len());
        let Some(zone) = world.nodes[own].zone else { return Ok(()) };
        let mut world = world;
        world.zones.push(world.zones[zone].times(cleaner));
        let mut twin = world.nodes[own].clone();
        twin.zone = Some(world.zones.len() - 1);
        world.nodes.push(twin);
        let decision = decided(&world, &ask, &policy);
        let twin = world.nodes.len() - 1;
        let refused = &decision.verdict.refused;
        prop_assert!(refused[twin].is_none() || refused[own].is_some(), "refused though cleaner");
        prop_assert!(decision.verdict.kept[twin] || !decision.verdict.kept[own], "left out though cleaner");
        prop_assert!(decision.scores[twin] >= decision.scores[own], "{:?}", decision.scores);
    }

    #[test]
    fn g4_a_cheaper_node_never_scores_lower(world in known_world(), ask in choosy_ask(), policy in any_policy()) {
        let decision = decided(&world, &ask, &policy);
        for (i, j) in pairs(world.nodes.len()) {
            let Some((a, b)) = decision.costs[i].zip(decision.costs[j]) else { continue };
            if decision.verdict.kept[i] && decision.verdict.kept[j] && a.total() <= b.total() {
                prop_assert!(decision.scores[i] >= decision.scores[j], "{a:?} against {b:?}: {:?}", decision.scores);
            }
        }
    }

    /// Powers of two scale floating point numbers without rounding: the answers must be the very same.
    #[test]
    fn g4_scaling_all_intensities_changes_no_answer(
        world in any_world(), ask in choosy_ask(), policy in plain_policy(), power in -6i32..7, ceiling in prop::option::of(5.0f64..900.0),
    ) {
        let factor = 2f64.powi(power);
        let with_ceiling = |factor: f64| Policy {
            ceiling: ceiling.map(|grams| GramsPerKwh::new(grams * factor).unwrap()),
            ..policy.clone()
        };
        let plain = decided(&world, &ask, &with_ceiling(1.0));
        let scaled = decided(&world.times(factor), &ask, &with_ceiling(factor));
        prop_assert_eq!(&plain.verdict, &scaled.verdict);
        prop_assert_eq!(&plain.scores, &scaled.scores);
        for (plain, scaled) in plain.costs.iter().flatten().zip(scaled.costs.iter().flatten()) {
            prop_assert_eq!((plain.grams * factor).to_bits(), scaled.grams.to_bits());
        }
    }

    #[test]
    fn g4_scaling_by_any_factor_reverses_no_pair(
        world in known_world(), ask in any_ask(), policy in plain_policy(), factor in 0.01f64..100.0,
    ) {
        let (plain, scaled) = (decided(&world, &ask, &policy), decided(&world.times(factor), &ask, &policy));
        for (i, j) in pairs(world.nodes.len()) {
            if total(&plain, i) < total(&plain, j) * (1.0 - 1e-9) {
                prop_assert!(total(&scaled, i) < total(&scaled, j));
            }
        }
    }

    /// One more node that is dearer than all others says nothing about those.
    #[test]
    fn g4_a_dominated_node_changes_no_order_among_the_others(
        world in known_world(), ask in any_ask(), policy in plain_policy(), dearer in 1.0f64..20.0,
    ) {
        let before = decided(&world, &ask, &policy);
        let count = world.nodes.len();
        let dearest = (0..count).max_by(|i, j| total(&before, *i).total_cmp(&total(&before, *j))).unwrap();
        let mut more = world.clone();
        let mut dominated = more.nodes[dearest].clone();
        dominated.pue *= dearer;
        more.nodes.push(dominated);
        let after = decided(&more, &ask, &policy);
        prop_assert_eq!(&after.costs[..count], &before.costs[..]);
        prop_assert_eq!(&after.verdict.refused[..count], &before.verdict.refused[..]);
        for i in 0..count {
            prop_assert!(after.verdict.kept[i] || !before.verdict.kept[i], "left out because of a dearer one");
        }
        for (i, j) in pairs(count) {
            let kept = |decision: &Decision| decision.verdict.kept[i] && decision.verdict.kept[j];
            if kept(&before) && before.scores[i] > before.scores[j] {
                prop_assert!(after.scores[i] >= after.scores[j], "{:?} then {:?}", before.scores, after.scores);
            }
        }
    }

    /// At one intensity and one PUE, awake nodes of all models tie under `neutral`: no model is called greener.
    #[test]
    fn neutral_awake_models_tie_at_one_intensity(world in known_world(), ask in any_ask(), policy in plain_policy()) {
        let policy = Policy { throughput: heliotrope_core::placement::Throughput::Neutral, ..policy };
        let mut world = World { zones: vec![crate::world::ZoneSpec::flat(123.0); world.zones.len()], ..world };
        for node in &mut world.nodes {
            (node.busy, node.pue) = (vec![1], 1.3);
        }
        let decision = decided(&world, &Workload { mode: Mode::Strict, ..ask }, &policy);
        for (i, j) in pairs(world.nodes.len()) {
            prop_assert!((total(&decision, i) - total(&decision, j)).abs() <= total(&decision, i) * 1e-9);
            prop_assert_eq!(decision.scores[i], decision.scores[j]);
        }
        prop_assert!(decision.verdict.kept.iter().all(|kept| *kept));
    }
}
