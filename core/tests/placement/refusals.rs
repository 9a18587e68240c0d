//! Why a node is refused or left out, and why none is.

use crate::strategy::{any_ask, any_policy, any_world, choosy_ask, known_world, plain_policy};
use crate::world::{NodeSpec, World, ZoneSpec, about, all, decided, denying, now, policy, workload};
use heliotrope_core::placement::{Decision, Policy, REFUSAL_TEXT, Refusal, decide};
use heliotrope_core::quantity::{GramsPerKwh, Ratio, Rung};
use heliotrope_core::workload::{Mode, Workload};
use proptest::prelude::*;

fn kept(decision: &Decision) -> Vec<bool> {
    decision.verdict.kept.clone()
}

/// The known costs of the nodes that a rule takes.
fn costs(decision: &Decision, takes: impl Fn(usize) -> bool) -> Vec<f64> {
    let known = decision.costs.iter().enumerate().filter(|(at, _)| takes(*at));
    known.filter_map(|(_, cost)| Some(cost.as_ref()?.total())).collect()
}

proptest! {
    #[test]
    fn prefer_refuses_no_node_for_its_carbon(world in any_world(), ask in choosy_ask(), policy in plain_policy()) {
        let ask = Workload { mode: Mode::Prefer, ..ask };
        let decision = decided(&world, &ask, &policy);
        for refused in decision.verdict.refused.iter().flatten() {
            prop_assert_eq!(*refused, Refusal::Zone);
        }
    }

    #[test]
    fn a_zone_is_refused_exactly_where_it_is_denied(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let snapshot = world.snapshot();
        let decision = decided(&world, &ask, &policy);
        for (node, refused) in snapshot.nodes().iter().zip(&decision.verdict.refused) {
            let denied = node.zone.is_some_and(|zone| !ask.zones.allows(&snapshot.zone(zone).unwrap().id));
            prop_assert_eq!(denied, *refused == Some(Refusal::Zone));
        }
    }

    #[test]
    fn g5_only_a_figure_that_is_live_or_last_known_refuses(world in any_world(), ask in any_ask(), policy in any_policy()) {
        let zones = world.zones.iter().map(|zone| ZoneSpec { live: None, ..*zone }).collect();
        let world = World { zones, ..world };
        let decision = decided(&world, &Workload { mode: Mode::Strict, ..ask }, &policy);
        prop_assert!(decision.verdict.refused.iter().all(Option::is_none));
    }

    #[test]
    fn g5_costs_stand_on_the_rung_that_the_decision_names(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let snapshot = world.snapshot();
        let decision = decide(&about(&snapshot, &ask, &policy), &all(&snapshot));
        for (node, cost) in snapshot.nodes().iter().zip(&decision.costs) {
            let Some(cost) = cost else { continue };
            let view = snapshot.zone(node.zone.unwrap()).unwrap().view(decision.rung.unwrap());
            let span = jiff::SignedDuration::try_from_secs_f64(cost.seconds).unwrap();
            let mean = view.unwrap().series.mean(now(), span).get();
            prop_assert!((mean - cost.intensity.get()).abs() <= mean * 1e-9);
        }
    }

    #[test]
    fn no_node_is_refused_for_lack_of_data(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let snapshot = world.snapshot();
        let decision = decided(&world, &ask, &policy);
        for (at, node) in snapshot.nodes().iter().enumerate() {
            if node.zone.is_none() {
                prop_assert!(decision.verdict.kept[at], "a node without a zone");
            } else if decision.costs[at].is_none() && decision.verdict.refused[at].is_none() {
                prop_assert!(decision.verdict.kept[at], "a node of unknown cost");
            }
        }
    }

    #[test]
    fn strict_leaves_the_band_of_the_best_and_never_nothing(world in known_world(), ask in any_ask(), policy in plain_policy()) {
        let policy = Policy { keep: None, ..policy };
        let ask = Workload { mode: Mode::Strict, ..ask };
        let decision = decided(&world, &ask, &policy);
        let best = costs(&decision, |_| true).into_iter().fold(f64::INFINITY, f64::min);
        let trusted = decision.rung.unwrap() <= Rung::LastKnown;
        for (at, refused) in decision.verdict.refused.iter().enumerate() {
            let cost = decision.costs[at].unwrap().total();
            let edge = best * (1.0 + policy.band.get());
            // At the very edge rounding decides.
            if (cost - edge).abs() > edge * 1e-8 {
                let expected = (trusted && cost > edge).then_some(Refusal::OutsideBand);
                prop_assert_eq!(*refused, expected, "{} against {}", cost, best);
            }
        }
        prop_assert!(kept(&decision).contains(&true));
    }

    #[test]
    fn narrowing_keeps_enough_the_band_and_the_cheapest(
        world in any_world(), ask in choosy_ask(), policy in any_policy(), keep in 1usize..6,
    ) {
        let ask = Workload { prefers: false, ..ask };
        let policy = Policy { keep: Some(keep), ..policy };
        let decision = decided(&world, &ask, &policy);
        let accepted = |at: usize| decision.verdict.refused[at].is_none();
        let is_kept = |at: usize| decision.verdict.kept[at];
        let (all, left, out) =
            (costs(&decision, accepted), costs(&decision, is_kept), costs(&decision, |at| accepted(at) && !is_kept(at)));
        prop_assert!(left.len() >= keep.min(all.len()), "{} of {} are kept", left.len(), all.len());
        let dearest = left.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(out.iter().all(|cost| *cost > dearest), "a cheaper one was left out");
        let best = all.iter().copied().fold(f64::INFINITY, f64::min);
        let edge = best + best.abs() * policy.band.get();
        prop_assert!(out.iter().all(|cost| *cost > edge), "one of the band was left out");
        // And not more than the rules ask for.
        let ranked = { let mut all = all.clone(); all.sort_by(f64::total_cmp); all };
        let needed = ranked.get(keep - 1).copied().unwrap_or(f64::INFINITY).max(edge);
        prop_assert!(left.iter().all(|cost| *cost <= needed + needed.abs() * 1e-8), "more than needed were kept");
    }

    #[test]
    fn narrowing_is_off_where_the_pod_needs_the_wide_choice(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let ask = Workload { prefers: true, ..ask };
        let decision = decided(&world, &ask, &Policy { keep: Some(1), ..policy });
        let accepted: Vec<bool> = decision.verdict.refused.iter().map(Option::is_none).collect();
        prop_assert_eq!(kept(&decision), accepted);
    }
}

#[test]
fn the_reason_is_one_constant_text() {
    // kube-scheduler tries a pod again whenever this text changes: from one version to the next it must not.
    assert_eq!(REFUSAL_TEXT, "refused by heliotrope policy");
    let names = [Refusal::Zone, Refusal::Ceiling, Refusal::OutsideBand].map(Refusal::name);
    assert_eq!(names, ["zone", "ceiling", "outside-band"]);
}

#[test]
fn the_ceiling_is_off_unless_it_is_set_and_refuses_only_above_it() {
    let world = World::flat(&[100.0, 300.0, 301.0]);
    for mode in [Mode::Shadow, Mode::Prefer] {
        let refused = |ceiling: Option<f64>| {
            let ceiling = ceiling.map(|grams| GramsPerKwh::new(grams).unwrap());
            decided(&world, &workload(mode), &Policy { ceiling, ..policy() })
                .verdict
                .refused
        };
        assert_eq!(refused(None), [None; 3]);
        assert_eq!(refused(Some(300.0)), [None, None, Some(Refusal::Ceiling)]);
    }
}

#[test]
fn a_denied_zone_does_not_set_the_bar_for_the_others() {
    let mut ask = workload(Mode::Strict);
    ask.zones = denying([0]);
    let decision = decided(&World::flat(&[10.0, 300.0, 303.0, 400.0]), &ask, &policy());
    assert_eq!(
        decision.verdict.refused,
        [Some(Refusal::Zone), None, None, Some(Refusal::OutsideBand)]
    );
}

#[test]
fn narrowing_resolves_finer_than_eleven_levels() {
    let values: Vec<f64> = (0..40).map(|i| 100.0 + f64::from(i)).collect();
    let policy = Policy {
        keep: Some(3),
        band: Ratio::ZERO,
        ..policy()
    };
    let decision = decided(&World::flat(&values), &workload(Mode::Prefer), &policy);
    assert_eq!(kept(&decision).iter().filter(|kept| **kept).count(), 3);
    assert!(kept(&decision)[..3].iter().all(|kept| *kept));
}

#[test]
fn narrowing_does_not_part_models_that_tie_by_design() {
    let tied = || (0..3).map(|model| NodeSpec::in_zone(0).of_model(model).awake());
    let world = World {
        nodes: tied().chain(tied()).collect(),
        ..World::flat(&[321.0])
    };
    for keep in 1..6 {
        let policy = Policy {
            keep: Some(keep),
            band: Ratio::ZERO,
            ..policy()
        };
        for hours in 1..30 {
            let mut ask = workload(Mode::Prefer);
            ask.duration.span = jiff::SignedDuration::from_hours(hours);
            let dearer = NodeSpec {
                pue: 1.5,
                ..NodeSpec::in_zone(0).awake()
            };
            let best = NodeSpec {
                pue: 0.9,
                ..NodeSpec::in_zone(0).awake()
            };
            let nodes = [vec![best], world.nodes.clone(), vec![dearer]].concat();
            let decision = decided(&World { nodes, ..world.clone() }, &ask, &policy);
            let expected = [vec![true], vec![keep > 1; 6], vec![false]].concat();
            assert_eq!(kept(&decision), expected, "keep {keep}, {hours} h");
        }
    }
}

#[test]
fn strict_accepts_every_node_where_no_grid_has_carbon() {
    let world = World {
        nodes: vec![NodeSpec::in_zone(0), NodeSpec::in_zone(1).of_model(0).awake()],
        ..World::flat(&[0.0, 0.0])
    };
    let decision = decided(&world, &workload(Mode::Strict), &policy());
    assert_eq!(kept(&decision), [true, true]);
}

#[test]
fn models_that_tie_by_design_are_equal_even_without_a_band() {
    let world = World {
        nodes: (0..3)
            .map(|model| NodeSpec::in_zone(0).of_model(model).awake())
            .collect(),
        ..World::flat(&[321.0])
    };
    let policy = Policy {
        band: Ratio::ZERO,
        ..policy()
    };
    for hours in 1..30 {
        let mut ask = workload(Mode::Strict);
        ask.duration.span = jiff::SignedDuration::from_hours(hours);
        assert_eq!(kept(&decided(&world, &ask, &policy)), [true; 3], "{hours} h");
    }
}
