//! What an answer is about: the nodes offered, each of them, and nothing else; always, and always the same.

use crate::strategy::{any_policy, any_world, choosy_ask, known_world};
use crate::world::{World, ZoneSpec, about, all, decided, now, policy, workload};
use heliotrope_core::placement::{Candidate, Decision, MAX_SCORE, Policy, decide};
use heliotrope_core::snapshot::{NodeIx, SnapshotBuilder};
use heliotrope_core::workload::{Mode, Workload, ZoneRule};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::Index;

/// What was said of one node.
fn answer(decision: &Decision, at: usize) -> impl PartialEq + std::fmt::Debug + use<> {
    let verdict = &decision.verdict;
    (
        decision.costs[at],
        verdict.refused[at],
        verdict.kept[at],
        decision.scores[at],
    )
}

fn is_an_answer(decision: &Decision, offered: usize) -> Result<(), TestCaseError> {
    let Decision {
        costs, verdict, scores, ..
    } = decision;
    let lengths = [costs.len(), verdict.refused.len(), verdict.kept.len(), scores.len()];
    prop_assert_eq!(lengths, [offered; 4]);
    for ((score, kept), refused) in scores.iter().zip(&verdict.kept).zip(&verdict.refused) {
        prop_assert!(*score <= MAX_SCORE);
        prop_assert!(!kept || refused.is_none(), "kept though refused");
        prop_assert!(*score == 0 || *kept, "a score for a node that is not in the answer");
    }
    Ok(())
}

proptest! {
    #[test]
    fn g2_an_answer_speaks_of_the_nodes_offered_and_of_no_other(
        world in any_world(), ask in choosy_ask(), policy in any_policy(), picks in prop::collection::vec(any::<Index>(), 0..24),
    ) {
        let snapshot = world.snapshot();
        let template = snapshot.nodes().first().cloned();
        // Any nodes in any order, some twice; names that nobody knows; nodes that came with the request.
        let pick = |index: &Index| match index.index(snapshot.nodes().len() + 2) {
            0 => Candidate::Unknown,
            1 => template.as_ref().map_or(Candidate::Unknown, Candidate::Given),
            node => all(&snapshot)[node - 2],
        };
        let offered: Vec<Candidate<'_>> = picks.iter().map(pick).collect();
        let decision = decide(&about(&snapshot, &ask, &policy), &offered);
        is_an_answer(&decision, offered.len())?;
        for (candidate, cost) in offered.iter().zip(&decision.costs) {
            let known = candidate.node(&snapshot).is_some_and(|node| node.zone.is_some() && node.model.is_some());
            prop_assert!(cost.is_none() || known, "a cost for a node of which nothing is known");
        }
    }

    #[test]
    fn g3_the_order_in_which_nodes_are_offered_changes_nothing(
        world in any_world(), ask in choosy_ask(), policy in any_policy(), seed in any::<u64>(),
    ) {
        let snapshot = world.snapshot();
        let offered = all(&snapshot);
        let mut order: Vec<usize> = (0..offered.len()).collect();
        order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1).rotate_left(32));
        let shuffled: Vec<Candidate<'_>> = order.iter().map(|i| offered[*i]).collect();
        let plain = decide(&about(&snapshot, &ask, &policy), &offered);
        let decision = decide(&about(&snapshot, &ask, &policy), &shuffled);
        prop_assert_eq!(plain.rung, decision.rung);
        for (at, node) in order.into_iter().enumerate() {
            prop_assert_eq!(answer(&decision, at), answer(&plain, node));
        }
    }

    #[test]
    fn g3_the_order_in_which_the_world_was_told_changes_nothing(
        world in any_world(), ask in choosy_ask(), policy in any_policy(),
    ) {
        let mut backwards = SnapshotBuilder::new(world.surroundings());
        for event in world.events().into_iter().rev() {
            backwards.apply_cluster(event, now());
        }
        for report in world.reports().into_iter().rev() {
            backwards.apply_carbon(report, now()).unwrap();
        }
        let backwards = backwards.build(now());
        let said = decide(&about(&backwards, &ask, &policy), &all(&backwards));
        prop_assert_eq!(said, decided(&world, &ask, &policy));
    }

    #[test]
    fn g3_the_same_question_has_the_same_answer(world in any_world(), ask in choosy_ask(), policy in any_policy()) {
        let snapshot = world.snapshot();
        let ask_again = || decide(&about(&snapshot, &ask, &policy), &all(&snapshot));
        prop_assert_eq!(ask_again(), ask_again());
        prop_assert_eq!(ask_again(), decided(&world, &ask, &policy));
    }

    #[test]
    fn g3_a_node_given_with_the_request_counts_as_the_one_that_is_known(
        world in known_world(), ask in choosy_ask(), policy in any_policy(),
    ) {
        let snapshot = world.snapshot();
        let given: Vec<Candidate<'_>> = snapshot.nodes().iter().map(Candidate::Given).collect();
        prop_assert_eq!(
            decide(&about(&snapshot, &ask, &policy), &given),
            decide(&about(&snapshot, &ask, &policy), &all(&snapshot))
        );
    }

    /// Numbers as large as their types: an answer comes, and it is one.
    #[test]
    fn g1_no_number_is_too_large_for_an_answer(
        world in known_world(), ask in choosy_ask(), policy in any_policy(),
        (units, milli, cpu, memory) in (any::<u32>(), any::<u32>(), any::<u64>(), any::<u64>()),
        (span, full_spread, factor) in (0..=i64::MAX, any::<f64>(), prop_oneof![Just(1e300), Just(0.0), Just(1e-300)]),
    ) {
        let world = world.times(factor);
        let mut ask = ask;
        (ask.gpus.units, ask.gpus.resource.milli_per_unit) = (units, milli);
        (ask.cpu_milli, ask.memory_bytes, ask.duration.span) = (cpu, memory, SignedDuration::from_secs(span));
        let decision = decided(&world, &ask, &Policy { full_spread, ..policy });
        is_an_answer(&decision, world.nodes.len())?;
        prop_assert!(decision.costs.iter().flatten().all(|cost| cost.total().is_finite()));
    }

    #[test]
    fn g1_without_carbon_data_no_node_is_refused_and_all_are_equal(
        world in known_world(), ask in choosy_ask(), policy in any_policy(),
    ) {
        let nothing = ZoneSpec { live: None, forecast: None, usual: None, yearly: None };
        let world = World { zones: vec![nothing; world.zones.len()], ..world };
        let ask = Workload { zones: ZoneRule::default(), ..ask };
        let decision = decided(&world, &ask, &policy);
        prop_assert_eq!(decision.rung, None);
        prop_assert!(decision.verdict.kept.iter().all(|kept| *kept));
        prop_assert!(decision.scores.iter().all(|score| *score == decision.scores[0]));
    }
}

#[test]
fn g1_nothing_offered_is_nothing_answered() {
    let snapshot = World::flat(&[100.0]).snapshot();
    let decision = decide(&about(&snapshot, &workload(Mode::Strict), &policy()), &[]);
    assert!(decision.costs.is_empty() && decision.scores.is_empty() && decision.verdict.kept.is_empty());
}

#[test]
fn g2_a_place_beyond_the_snapshot_is_a_node_that_nobody_knows() {
    let snapshot = World::flat(&[100.0]).snapshot();
    let nowhere = [Candidate::Known(NodeIx(u32::MAX))];
    let decision = decide(&about(&snapshot, &workload(Mode::Strict), &policy()), &nowhere);
    assert_eq!((decision.costs[0], decision.verdict.kept[0]), (None, true));
}
