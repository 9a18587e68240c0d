//! The ledger of what pods in flight were promised.

use crate::domains::{Floor, asked, asking, filtered, nodes, promised, racks, watts};
use crate::world::{NodeSpec, World, ZoneSpec, all, node_name, now, pod, policy};
use heliotrope_core::placement::{Bookings, Promise, Reach};
use heliotrope_core::quantity::Watts;
use heliotrope_core::snapshot::{ClusterEvent, Snapshot};
use heliotrope_core::workload::PodFacts;
use jiff::SignedDuration;
use proptest::prelude::*;
use std::sync::Arc;

/// Large nodes in two racks that have room for all.
fn roomy(count: usize) -> Floor {
    Floor {
        world: World {
            zones: vec![ZoneSpec::flat(100.0)],
            nodes: vec![NodeSpec::in_zone(0); count],
            pending: Vec::new(),
        },
        racks: 2,
        rules: vec![racks(1e6)],
    }
}

/// A promise of a pod on the nodes marked.
fn on(snapshot: &Snapshot, uid: &str, kept: &[bool]) -> Promise {
    let (ask, policy, none) = (asking(1), policy(), Bookings::none());
    let question = asked((uid, now()), snapshot, &ask, &policy, &none);
    promised(&question, &all(snapshot), kept)
}

fn reserved(bookings: &Bookings, snapshot: &Snapshot) -> Vec<f64> {
    let of = |domain: &heliotrope_core::snapshot::DomainState| bookings.reserved_in(&domain.key).get();
    snapshot.domains().iter().map(of).collect()
}

#[test]
fn a_pod_in_flight_is_reserved_whole_wherever_it_may_land_and_once_however_often_it_asks() {
    let snapshot = roomy(4).snapshot();
    let mut bookings = Bookings::none();
    for _ in 0..3 {
        bookings.promise(on(&snapshot, "a", &[true, true, false, false]));
    }
    assert_eq!(reserved(&bookings, &snapshot), [630.0, 630.0]);
    bookings.promise(on(&snapshot, "a", &[false, true, false, true]));
    assert_eq!(reserved(&bookings, &snapshot), [0.0, 630.0], "the last answer counts");
    bookings.release("a");
    assert_eq!(
        (reserved(&bookings, &snapshot), bookings.is_empty()),
        (vec![0.0, 0.0], true)
    );
    assert_eq!(bookings, Bookings::none());
}

#[test]
fn a_promise_is_shared_over_the_tied_nodes_and_does_not_count_against_its_own_pod() {
    let snapshot = roomy(4).snapshot();
    let mut bookings = Bookings::none();
    let two = vec![Arc::from(node_name(0)), Arc::from(node_name(2))];
    bookings.promise(on(&snapshot, "a", &[true; 4]).shared(two));
    bookings.promise(on(&snapshot, "b", &[true, false, false, false]));
    let share = |node, uid| bookings.share_of(&node_name(node), uid);
    assert_eq!((share(0, "c"), share(2, "c"), share(1, "c")), (1.0, 0.5, 0.0));
    assert_eq!((share(0, "a"), share(0, "b")), (1.0, 0.5));
    assert_ne!(bookings.fingerprint_without("c"), bookings.fingerprint_without("a"));
}

/// What the watch shows, and whether the promise stands after it.
#[test]
fn a_promise_ends_with_what_the_watch_shows() {
    let bound = |pod: PodFacts| PodFacts {
        node: Some(Arc::from(node_name(1))),
        ..pod
    };
    let failed = |pod: PodFacts| PodFacts {
        unschedulable: true,
        ..pod
    };
    let waits = || pod("a", 1, None);
    let cases: [(&str, Vec<Option<PodFacts>>, bool); 6] = [
        ("the watch has not told of it yet", vec![None, None], true),
        ("it waits", vec![Some(waits()), Some(waits())], true),
        ("it is bound", vec![Some(bound(waits()))], false),
        ("it is gone", vec![Some(waits()), None], false),
        ("it fits nowhere after all", vec![Some(failed(waits()))], false),
        ("it was named and then bound", vec![None, Some(bound(waits()))], false),
    ];
    for (case, shown, stands) in cases {
        let floor = roomy(2);
        let mut builder = floor.builder();
        let mut bookings = Bookings::none();
        bookings.promise(on(&builder.build(now()), "a", &[true, true]));
        for facts in shown {
            let event = match facts {
                Some(facts) => ClusterEvent::Pod(Box::new(facts)),
                None => ClusterEvent::PodGone { uid: Arc::from("a") },
            };
            builder.apply_cluster(event, now());
            let snapshot = builder.build(now());
            bookings.settle(&snapshot, now(), |uid| builder.pod(uid));
        }
        assert_eq!(!bookings.is_empty(), stands, "{case}");
    }
}

#[test]
fn one_that_was_found_unschedulable_before_it_asked_keeps_its_promise_until_it_is_overdue() {
    let floor = roomy(2);
    let mut builder = floor.builder();
    let snapshot = builder.build(now());
    let (ask, policy, none) = (asking(1), policy(), Bookings::none());
    let question = asked(("a", now()), &snapshot, &ask, &policy, &none);
    let mut bookings = Bookings::none();
    bookings.promise(Promise::new(
        &question,
        &all(&snapshot),
        |_| true,
        (&Arc::from("a"), true),
    ));
    let failed = PodFacts {
        unschedulable: true,
        ..pod("a", 1, None)
    };
    builder.apply_cluster(ClusterEvent::Pod(Box::new(failed)), now());
    for (minutes, stands) in [(1, true), (2, false)] {
        let at = now() + SignedDuration::from_mins(minutes);
        let snapshot = builder.build(at);
        bookings.settle(&snapshot, at, |uid| builder.pod(uid));
        assert_eq!(!bookings.is_empty(), stands, "after {minutes} min");
    }
}

/// The same watts are counted before, while and after a pod is bound.
#[test]
fn there_is_no_gap_and_no_double_count_between_a_promise_and_its_binding() {
    let floor = roomy(2);
    let mut builder = floor.builder();
    let before = builder.build(now());
    let mut bookings = Bookings::none();
    let bears = |bookings: &Bookings, snapshot: &Snapshot| {
        snapshot.domains()[1].committed + bookings.reserved_in(&snapshot.domains()[1].key)
    };
    let idle = bears(&bookings, &before);
    bookings.promise(on(&before, "a", &[false, true]));
    assert_eq!(bears(&bookings, &before), idle + watts(630.0));
    builder.apply_cluster(ClusterEvent::Pod(Box::new(pod("a", 1, Some(&node_name(1))))), now());
    let after = builder.build(now());
    bookings.settle(&after, now(), |uid| builder.pod(uid));
    assert_eq!(bears(&bookings, &after), idle + watts(630.0));
    assert!(bookings.is_empty());
}

#[test]
fn g9_promises_are_bounded_and_one_of_many_domains_is_held_against_all() {
    let mut floor = roomy(200);
    floor.rules = vec![nodes(1e6)];
    let snapshot = floor.snapshot();
    let wide = on(&snapshot, "wide", &[true; 200]);
    assert_eq!(wide.reach, Reach::Everywhere(630_000));
    let mut bookings = Bookings::none();
    bookings.promise(wide);
    assert_eq!(reserved(&bookings, &snapshot), [630.0; 200]);
    let one: Vec<bool> = (0..200).map(|node| node == 7).collect();
    for i in 0..5000 {
        bookings.promise(on(&snapshot, &format!("pod-{i}"), &one));
    }
    assert_eq!(bookings.len(), 4096);
}

#[derive(Debug, Clone)]
enum Change {
    Promise(u8, Vec<bool>, Vec<usize>),
    Release(u8),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let promise = (
        0u8..8,
        prop::collection::vec(any::<bool>(), 4),
        prop::collection::vec(0usize..4, 0..4),
    );
    let change = prop_oneof![
        3 => promise.prop_map(|(pod, kept, tops)| Change::Promise(pod, kept, tops)),
        1 => (0u8..8).prop_map(Change::Release),
    ];
    prop::collection::vec(change, 0..40)
}

proptest! {
    /// Sums that are kept up to date are those of a ledger made anew: nothing leaks, whatever comes and goes.
    #[test]
    fn g9_sums_are_those_of_the_promises_that_stand(changes in changes()) {
        let snapshot = roomy(4).snapshot();
        let mut bookings = Bookings::none();
        for change in changes {
            match change {
                Change::Promise(pod, kept, tops) => {
                    let tops = tops.into_iter().map(|node| Arc::from(node_name(node))).collect();
                    bookings.promise(on(&snapshot, &format!("pod-{pod}"), &kept).shared(tops));
                }
                Change::Release(pod) => bookings.release(&format!("pod-{pod}")),
            }
        }
        let standing: Vec<Promise> = bookings.clone().into();
        prop_assert_eq!(&Bookings::from(standing.clone()), &bookings);
        let backwards: Vec<Promise> = standing.into_iter().rev().collect();
        prop_assert_eq!(&Bookings::from(backwards), &bookings);
    }
}

/// A burst does not wake a node for each pod: one that is promised is awake by then.
#[test]
fn a_node_that_is_promised_costs_no_waking() {
    let floor = roomy(2);
    let snapshot = floor.snapshot();
    let (ask, policy) = (asking(1), policy());
    let mut bookings = Bookings::none();
    let wake = |bookings: &Bookings| {
        let question = asked(("b", now()), &snapshot, &ask, &policy, bookings);
        let decision = heliotrope_core::placement::decide(&question, &all(&snapshot));
        let wake: Vec<Watts> = decision.costs.iter().map(|cost| cost.unwrap().wake).collect();
        wake
    };
    let before = wake(&bookings);
    assert!(before[0] > Watts::ZERO && before[0] == before[1]);
    bookings.promise(on(&snapshot, "a", &[true, false]));
    assert_eq!(wake(&bookings), [Watts::ZERO, before[1]]);
    let question = asked(("a", now()), &snapshot, &ask, &policy, &bookings);
    assert_eq!(filtered(&question, &all(&snapshot)).kept, [true, true]);
    let own = heliotrope_core::placement::decide(&question, &all(&snapshot));
    assert_eq!(own.costs[0].unwrap().wake, before[0], "its own promise is no reason");
}
