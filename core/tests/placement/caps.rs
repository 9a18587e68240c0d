//! Caps of power domains: what they refuse, what they leave, and what must not matter.

use crate::domains::{Floor, asked, asking, filtered, nodes, promised, racks, running, sample, watts};
use crate::strategy::known_world;
use crate::world::{NodeSpec, World, ZoneSpec, all, denying, node_name, now, policy, victim_uid};
use heliotrope_core::placement::{
    Bookings, Candidate, Policy, PreemptCandidate, Promise, Refusal, Verdict, decide, preempt,
};
use heliotrope_core::quantity::Ratio;
use heliotrope_core::snapshot::{ClusterEvent, NodeIx, PriorityShare, Snapshot};
use heliotrope_core::workload::{Mode, Workload};
use jiff::SignedDuration;
use proptest::prelude::*;
use std::sync::Arc;

/// Large nodes: 560 W idle, 630 W for each GPU in use.
fn large(count: usize, zones: &[f64], rule: heliotrope_core::snapshot::DomainRule) -> Floor {
    let node = |node: usize| NodeSpec::in_zone(node % zones.len());
    Floor {
        world: World {
            zones: zones.iter().copied().map(ZoneSpec::flat).collect(),
            nodes: (0..count).map(node).collect(),
            pending: Vec::new(),
        },
        racks: 2,
        rules: vec![rule],
    }
}

fn verdict(snapshot: &Snapshot, ask: &Workload, bookings: &Bookings) -> Verdict {
    let policy = policy();
    filtered(
        &asked(("asks", now()), snapshot, ask, &policy, bookings),
        &all(snapshot),
    )
}

fn refused(snapshot: &Snapshot, ask: &Workload) -> Vec<bool> {
    let verdict = verdict(snapshot, ask, &Bookings::none());
    verdict
        .refused
        .iter()
        .map(|refused| *refused == Some(Refusal::PowerCap))
        .collect()
}

#[test]
fn a_pod_is_refused_where_the_most_that_it_may_draw_does_not_fit() {
    for (gpus, left_out) in [(2, false), (3, true)] {
        let snapshot = large(2, &[100.0], racks(560.0 + 2.0 * 630.0)).snapshot();
        assert_eq!(refused(&snapshot, &asking(gpus)), [left_out; 2], "{gpus} GPUs");
        let modest = Workload {
            utilisation: Ratio::ZERO,
            ..asking(gpus)
        };
        assert_eq!(
            refused(&snapshot, &modest),
            [left_out; 2],
            "whatever the pod says of itself"
        );
    }
}

#[test]
fn a_cap_leaves_room_for_those_of_higher_priority() {
    let mut rule = racks(560.0 + 4.0 * 630.0);
    let share = |below_priority, share| PriorityShare {
        below_priority,
        share: Ratio::new(share).unwrap(),
    };
    rule.shares = vec![share(1000, 0.85), share(0, 0.5)];
    let snapshot = large(2, &[100.0], rule).snapshot();
    for (priority, gpus, left_out) in [
        (1000, 4, false),
        (999, 4, true),
        (999, 3, false),
        (-1, 2, true),
        (-1, 1, false),
    ] {
        let ask = Workload {
            priority,
            ..asking(gpus)
        };
        assert_eq!(refused(&snapshot, &ask), [left_out; 2], "{gpus} GPUs at {priority}");
    }
}

#[test]
fn a_domain_without_a_cap_refuses_nobody_and_single_ones_may_have_their_own() {
    let mut rule = racks(0.0);
    rule.gpu_watts = None;
    rule.values.insert(Arc::from("r1"), watts(600.0));
    let snapshot = large(4, &[100.0], rule).snapshot();
    assert_eq!(refused(&snapshot, &asking(1)), [false, true, false, true]);
    assert_eq!(snapshot.domains().len(), 1);
}

#[test]
fn the_smallest_room_of_all_domains_of_a_node_counts() {
    let mut floor = large(4, &[100.0], racks(1e6));
    floor.rules.push(nodes(560.0 + 630.0));
    assert_eq!(refused(&floor.snapshot(), &asking(1)), [false; 4]);
    assert_eq!(refused(&floor.snapshot(), &asking(2)), [true; 4]);
}

/// Its watts are not known: what is measured counts, and no node is refused for lack of data.
#[test]
fn a_model_without_a_profile_is_not_refused_until_what_is_measured_fills_the_cap() {
    let mut floor = large(2, &[100.0], racks(3000.0));
    floor.world.nodes[0].model = None;
    let mut builder = floor.builder();
    for (measured, left_out) in [(0.0, false), (2999.0, false), (3001.0, true)] {
        builder.apply_power(sample(0, 8, measured, now()));
        let snapshot = builder.build(now());
        assert_eq!(refused(&snapshot, &asking(8))[0], left_out, "{measured} W measured");
        assert_eq!(snapshot.domains()[0].unrated, 1);
    }
}

#[test]
fn a_cap_holds_without_any_telemetry() {
    let mut floor = large(2, &[100.0], racks(560.0 + 4.0 * 630.0));
    floor.world.nodes[0].busy = vec![2, 1];
    assert_eq!(refused(&floor.snapshot(), &asking(1)), [false, false]);
    assert_eq!(refused(&floor.snapshot(), &asking(2)), [true, false]);
}

/// Reserved in both racks, one pod would keep the next from either, and nothing would tell the scheduler to try it again.
#[test]
fn an_answer_that_would_fill_a_domain_is_narrowed_to_it() {
    let floor = large(4, &[100.0, 400.0], racks(2.0 * 560.0 + 630.0));
    let snapshot = floor.snapshot();
    let mut bookings = Bookings::none();
    let (ask, policy) = (
        Workload {
            prefers: true,
            ..asking(1)
        },
        policy(),
    );
    for (uid, kept) in [
        ("a", [true, false, true, false]),
        ("b", [false, true, false, true]),
        ("c", [false; 4]),
    ] {
        let question = asked((uid, now()), &snapshot, &ask, &policy, &bookings);
        let verdict = filtered(&question, &all(&snapshot));
        assert_eq!(verdict.kept, kept, "pod {uid}, greenest rack first");
        let promise = promised(&question, &all(&snapshot), &verdict.kept);
        bookings.promise(promise);
    }
}

#[test]
fn where_one_of_the_best_stands_in_a_roomy_domain_the_almost_full_ones_are_left_out() {
    let mut rule = racks(2.0 * 560.0 + 630.0);
    rule.values.insert(Arc::from("r1"), watts(1e5));
    let snapshot = large(4, &[100.0], rule).snapshot();
    let answered = verdict(&snapshot, &asking(1), &Bookings::none());
    assert_eq!(
        (answered.kept, answered.refused),
        (vec![false, true, false, true], vec![None; 4])
    );
}

#[test]
fn strict_compares_with_the_best_that_has_room() {
    let mut rule = racks(0.0);
    rule.values.insert(Arc::from("r1"), watts(1e5));
    let snapshot = large(4, &[100.0, 400.0], rule).snapshot();
    let ask = Workload {
        mode: Mode::Strict,
        ..asking(1)
    };
    let answered = verdict(&snapshot, &ask, &Bookings::none());
    assert_eq!(
        answered.kept,
        [false, true, false, true],
        "dearer, and the only ones left"
    );
}

/// Racks that are as good as each other, all almost full: which one is the answer must not depend on which is named first.
#[test]
fn g3_of_full_racks_that_tie_the_same_one_is_chosen_in_every_order() {
    let snapshot = large(4, &[100.0], racks(2.0 * 560.0 + 630.0)).snapshot();
    let (ask, policy, none) = (asking(1), policy(), Bookings::none());
    let question = asked(("asks", now()), &snapshot, &ask, &policy, &none);
    let mut backwards = all(&snapshot);
    backwards.reverse();
    let mut kept = filtered(&question, &backwards).kept;
    kept.reverse();
    assert_eq!(filtered(&question, &all(&snapshot)).kept, [true, false, true, false]);
    assert_eq!(kept, [true, false, true, false]);
}

/// A node that a rule refused stands in a roomy rack, and almost full ones are left out for others of that rack.
#[test]
fn g2_narrowing_under_caps_brings_no_refused_node_back() {
    let mut rule = racks(3.0 * 560.0 + 630.0);
    rule.values.insert(Arc::from("r1"), watts(1e5));
    let snapshot = large(6, &[100.0; 3], rule).snapshot();
    let ask = Workload {
        zones: denying([1]),
        ..asking(1)
    };
    let answered = verdict(&snapshot, &ask, &Bookings::none());
    assert_eq!(answered.kept, [false, false, false, true, false, true]);
    assert_eq!(answered.refused[1], Some(Refusal::Zone));
}

/// What is as good as the best is a share of its cost and no number of grams.
#[test]
fn g4_the_band_under_caps_is_the_same_however_clean_the_grid() {
    let answers = [-12, 0, 12].map(|power: i32| {
        let mut rule = racks(2.0 * 560.0 + 630.0);
        rule.values.insert(Arc::from("r1"), watts(1e5));
        let floor = large(4, &[100.0, 120.0].map(|grams| grams * 2f64.powi(power)), rule);
        verdict(&floor.snapshot(), &asking(1), &Bookings::none()).kept
    });
    assert_eq!(
        answers,
        [(); 3].map(|()| vec![true, false, true, false]),
        "a fifth dearer is not as good"
    );
}

/// A floor of any nodes whose racks have some room.
fn any_floor() -> impl Strategy<Value = Floor> {
    let shares = prop::collection::vec((-5i32..5, 0.3f64..1.0), 0..3);
    (
        known_world(),
        1usize..4,
        0.0f64..9000.0,
        prop::option::of(0.0f64..5000.0),
        shares,
    )
        .prop_map(|(world, count, rack, node, shares)| {
            let mut rule = racks(rack);
            let share = |(below_priority, share)| PriorityShare {
                below_priority,
                share: Ratio::new(share).unwrap(),
            };
            rule.shares = shares.into_iter().map(share).collect();
            Floor {
                world,
                racks: count,
                rules: [rule].into_iter().chain(node.map(nodes)).collect(),
            }
        })
}

/// Promises of other pods on nodes at random.
fn book(snapshot: &Snapshot, others: &[(u32, Vec<bool>)]) -> Bookings {
    let mut bookings = Bookings::none();
    for (pod, (gpus, kept)) in others.iter().enumerate() {
        bookings.promise(promise(snapshot, &format!("other-{pod}"), *gpus, kept));
    }
    bookings
}

fn promise(snapshot: &Snapshot, uid: &str, gpus: u32, kept: &[bool]) -> Promise {
    let (ask, policy, none) = (asking(gpus), policy(), Bookings::none());
    let question = asked((uid, now()), snapshot, &ask, &policy, &none);
    let kept: Vec<bool> = (0..snapshot.nodes().len())
        .map(|node| kept[node % kept.len()])
        .collect();
    promised(&question, &all(snapshot), &kept)
}

fn others() -> impl Strategy<Value = Vec<(u32, Vec<bool>)>> {
    prop::collection::vec((1u32..4, prop::collection::vec(any::<bool>(), 1..6)), 0..6)
}

proptest! {
    #[test]
    fn g3_the_order_in_which_nodes_are_offered_does_not_matter_under_caps(
        floor in any_floor(), others in others(), gpus in 1u32..5, prefers in any::<bool>(), seed in any::<u64>(),
    ) {
        let snapshot = floor.snapshot();
        let (bookings, policy) = (book(&snapshot, &others), policy());
        let ask = Workload { prefers, ..asking(gpus) };
        let question = asked(("asks", now()), &snapshot, &ask, &policy, &bookings);
        let offered = all(&snapshot);
        let mut order: Vec<usize> = (0..offered.len()).collect();
        order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1).rotate_left(32));
        let shuffled: Vec<Candidate<'_>> = order.iter().map(|i| offered[*i]).collect();
        let (plain, other) = (decide(&question, &offered), decide(&question, &shuffled));
        prop_assert_eq!(&plain, &decide(&question, &offered), "asked twice");
        for (at, node) in order.into_iter().enumerate() {
            prop_assert_eq!(plain.verdict.refused[node], other.verdict.refused[at]);
            prop_assert_eq!((plain.verdict.kept[node], plain.scores[node]), (other.verdict.kept[at], other.scores[at]));
        }
    }

    #[test]
    fn a_booking_more_opens_no_node(
        floor in any_floor(), others in others(), gpus in 1u32..5, (more, kept) in (1u32..4, prop::collection::vec(any::<bool>(), 1..6)),
    ) {
        let snapshot = floor.snapshot();
        let mut bookings = book(&snapshot, &others);
        let before = verdict(&snapshot, &asking(gpus), &bookings);
        bookings.promise(promise(&snapshot, "more", more, &kept));
        let after = verdict(&snapshot, &asking(gpus), &bookings);
        for (before, after) in before.refused.iter().zip(&after.refused) {
            prop_assert!(before.is_none() || after.is_some());
        }
        bookings.promise(promise(&snapshot, "asks", more, &kept));
        let own = verdict(&snapshot, &asking(gpus), &bookings);
        prop_assert_eq!(after.refused, own.refused, "what the pod was promised itself does not count");
    }

    #[test]
    fn g4_scaling_all_intensities_changes_no_answer_under_caps(
        floor in any_floor(), others in others(), gpus in 1u32..5, power in -6i32..7,
    ) {
        let scaled = Floor { world: floor.world.times(2f64.powi(power)), ..floor.clone() };
        let answers = [floor, scaled].map(|floor| {
            let snapshot = floor.snapshot();
            verdict(&snapshot, &asking(gpus), &book(&snapshot, &others))
        });
        prop_assert_eq!(&answers[0], &answers[1]);
    }

    /// A second copy of a node, idle in the same rack, in a zone that says less: it is not refused where the other is not.
    #[test]
    fn g4_a_cleaner_twin_is_not_refused_where_the_other_has_room(
        floor in any_floor(), gpus in 1u32..5, cleaner in 0.0f64..=1.0, pick in any::<prop::sample::Index>(),
    ) {
        let mut floor = floor;
        floor.racks = 1;
        let own = pick.index(floor.world.nodes.len());
        let zone = floor.world.zones[floor.world.nodes[own].zone.unwrap()].times(cleaner);
        floor.world.zones.push(zone);
        let twin = NodeSpec { zone: Some(floor.world.zones.len() - 1), ..floor.world.nodes[own].clone() };
        floor.world.nodes.push(twin);
        let answered = verdict(&floor.snapshot(), &asking(gpus), &Bookings::none());
        let twin = floor.world.nodes.len() - 1;
        prop_assert!(answered.refused[own].is_some() || answered.refused[twin].is_none());
    }

    /// One more node, dearer than all and in a rack of its own, takes nothing from the others.
    #[test]
    fn a_dominated_node_with_a_rack_of_its_own_opens_and_closes_no_other(
        floor in any_floor(), others in others(), gpus in 1u32..5,
    ) {
        let mut more = floor.clone();
        let count = floor.world.nodes.len();
        // Racks are by turns: with one more rack than nodes, each node has its own, before and after.
        let (floor, mut more) = (Floor { racks: count + 1, ..floor }, { more.racks = count + 1; more });
        let mut dominated = more.world.nodes[0].clone();
        dominated.pue *= 50.0;
        more.world.nodes.push(dominated);
        let answers = [floor, more].map(|floor| {
            let snapshot = floor.snapshot();
            let mut bookings = Bookings::none();
            for (pod, (gpus, kept)) in others.iter().enumerate() {
                let kept: Vec<bool> = (0..snapshot.nodes().len()).map(|node| node < count && kept[node % kept.len()]).collect();
                bookings.promise(promise(&snapshot, &format!("other-{pod}"), *gpus, &kept));
            }
            verdict(&snapshot, &asking(gpus), &bookings).refused
        });
        prop_assert_eq!(&answers[0][..], &answers[1][..count]);
    }

    #[test]
    fn g2_an_answer_under_caps_keeps_only_what_was_offered_and_accepted(
        floor in any_floor(), others in others(), gpus in 1u32..5, denied in prop::option::of(0usize..3),
    ) {
        let snapshot = floor.snapshot();
        let ask = Workload { zones: denying(denied), ..asking(gpus) };
        let answered = verdict(&snapshot, &ask, &book(&snapshot, &others));
        prop_assert_eq!(answered.kept.len(), snapshot.nodes().len());
        let accepted = answered.refused.iter().filter(|refused| refused.is_none()).count();
        let kept = answered.kept.iter().filter(|kept| **kept).count();
        for (kept, refused) in answered.kept.iter().zip(&answered.refused) {
            prop_assert!(!kept || refused.is_none());
        }
        prop_assert_eq!(accepted > 0, kept > 0, "narrowed to nothing");
    }

    /// The same sample never counts less because it has aged.
    #[test]
    fn g5_a_stale_sample_commits_no_less_than_a_fresh_one(
        floor in any_floor(), drawn in 0.0f64..6000.0, since in prop::collection::vec(prop::option::of(0i64..600), 0..4),
    ) {
        let mut builder = floor.builder();
        for (pod, ago) in since.iter().enumerate() {
            let since = ago.map(|ago| now() - SignedDuration::from_secs(ago));
            let facts = running(&format!("pod-{pod}"), 1, 0, since);
            builder.apply_cluster(ClusterEvent::Pod(Box::new(facts)), now());
        }
        builder.apply_power(sample(0, floor.world.nodes[0].boards, drawn, now()));
        let [fresh, stale] = [0, 200].map(|age| {
            let snapshot = builder.build(now() + SignedDuration::from_secs(age));
            snapshot.nodes()[0].commitment.watts
        });
        prop_assert!(stale >= fresh, "{stale} when stale, {fresh} when fresh");
    }

    /// Whoever may be emptied is accepted once the victims are gone, however late telemetry shows it.
    #[test]
    fn g12_a_node_that_may_be_emptied_has_room_once_it_is(
        floor in any_floor(), gpus in 1u32..9, drawn in prop::option::of(0.0f64..6000.0), since in 0i64..600, count in 1usize..4,
    ) {
        let mut builder = occupied(&floor, drawn, since);
        let snapshot = builder.build(now());
        let (ask, policy, none) = (asking(gpus), Policy { keep: None, ..policy() }, Bookings::none());
        let question = asked(("asks", now()), &snapshot, &ask, &policy, &none);
        let victims: Vec<Vec<String>> = floor.world.nodes.iter().enumerate()
            .map(|(node, spec)| (0..spec.busy.len().min(count)).map(|pod| victim_uid(node, pod)).collect())
            .collect();
        let candidates: Vec<PreemptCandidate<'_>> = victims.iter().zip(0u32..)
            .map(|(victims, ix)| PreemptCandidate { node: Some(NodeIx(ix)), victims: victims.iter().map(String::as_str).collect() })
            .collect();
        let may = preempt(&question, &candidates);
        for (node, _) in may.iter().enumerate().filter(|(_, may)| **may) {
            let mut after = occupied(&floor, drawn, since);
            for uid in &victims[node] {
                after.apply_cluster(ClusterEvent::PodGone { uid: Arc::from(uid.as_str()) }, now());
            }
            let snapshot = after.build(now());
            let question = asked(("asks", now()), &snapshot, &ask, &policy, &none);
            let decision = decide(&question, &[all(&snapshot)[node]]);
            prop_assert_eq!(&decision.verdict.kept, &[true], "{}", node_name(node));
        }
    }
}

/// A floor of which every busy node runs its pods since then and draws so much.
fn occupied(floor: &Floor, drawn: Option<f64>, since: i64) -> heliotrope_core::snapshot::SnapshotBuilder {
    let mut builder = floor.builder();
    for (node, spec) in floor.world.nodes.iter().enumerate() {
        for (pod, gpus) in spec.busy.iter().enumerate() {
            let since = now() - SignedDuration::from_secs(since);
            let facts = running(&victim_uid(node, pod), *gpus, node, Some(since));
            builder.apply_cluster(ClusterEvent::Pod(Box::new(facts)), now());
        }
        if let Some(drawn) = drawn {
            builder.apply_power(sample(node, spec.boards, drawn, now()));
        }
    }
    builder
}

#[test]
fn g12_a_pod_does_not_count_against_itself_where_preemption_made_room_for_it() {
    let floor = large(2, &[100.0], racks(560.0 + 2.0 * 630.0));
    let mut builder = floor.builder();
    let mut nominee = crate::world::pod("asks", 2, None);
    nominee.nominated = Some(Arc::from(node_name(0)));
    builder.apply_cluster(ClusterEvent::Pod(Box::new(nominee)), now());
    let snapshot = builder.build(now());
    assert_eq!(refused(&snapshot, &asking(2)), [false, false]);
    let policy = policy();
    let (ask, none) = (asking(1), Bookings::none());
    let question = asked(("other", now()), &snapshot, &ask, &policy, &none);
    let answered = filtered(&question, &all(&snapshot));
    assert_eq!(
        answered.refused,
        [Some(Refusal::PowerCap), None],
        "others find the room taken"
    );
    let mut denied = ask.clone();
    denied.zones = denying([0]);
    assert_eq!(
        verdict(&snapshot, &denied, &none).refused[0],
        Some(Refusal::Zone),
        "the zone is looked at first"
    );
}
