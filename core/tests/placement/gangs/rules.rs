//! The rules one by one.

use super::site::{Gang, Site, outcome};
use heliotrope_core::placement::GroupOutcome;
use heliotrope_core::workload::{Group, GroupKey, GroupKind, Mode};
use jiff::SignedDuration;

#[test]
fn the_first_member_takes_the_cheapest_region_that_holds_the_whole() {
    let mut site = Site::new(&[vec![8; 2], vec![8; 8], vec![8; 8]], 1, 0, vec![Gang::of(32)]);
    let choice = site.schedule(0, 0).unwrap();
    assert_eq!((choice.outcome, choice.to_come), (GroupOutcome::Held, 32));
    assert_eq!(
        site.region_of(choice),
        1,
        "region 0 is cheaper and too small, region 2 is dearer"
    );
}

#[test]
fn of_regions_as_cheap_the_one_with_least_to_spare_is_taken() {
    let mut site = Site::new(&[vec![8; 8], vec![8; 3]], 1, 0, vec![Gang::of(20)]);
    site.intensities(&[100.0, 100.0]);
    let choice = site.schedule(0, 0).unwrap();
    assert_eq!(site.region_of(choice), 1, "the larger one is for larger gangs");
}

#[test]
fn a_gang_larger_than_any_region_fills_the_largest_and_spills_over() {
    let mut site = Site::new(&[vec![8; 2], vec![8; 5], vec![8; 3]], 1, 2, vec![Gang::of(64)]);
    let first = site.schedule(0, 3).unwrap();
    assert_eq!((first.outcome, site.region_of(first)), (GroupOutcome::Larger, 1));
    for member in 1..40 {
        let choice = site.schedule(0, member).unwrap();
        assert_eq!(
            (choice.outcome, site.region_of(choice)),
            (GroupOutcome::Followed, 1),
            "member {member}"
        );
    }
    for member in 40..64 {
        let choice = site.schedule(0, member).unwrap();
        assert_eq!(
            (choice.outcome, site.region_of(choice)),
            (GroupOutcome::Spilled, 2),
            "the rest fits into region 2"
        );
    }
}

#[test]
fn a_gang_whose_attempt_failed_as_a_whole_starts_anew() {
    let mut site = Site::new(
        &[vec![8; 2], vec![8; 2]],
        1,
        0,
        vec![Gang {
            early: 16,
            ..Gang::of(16)
        }],
    );
    // A gang scheduler asks about every member and binds none, for one of them has no node.
    for member in 0..16 {
        let choice = site.ask(0, member, Mode::Prefer).1.unwrap();
        assert_eq!(site.region_of(choice), 0);
    }
    site.occupy(0, 8);
    site.pass(SignedDuration::from_secs(3));
    for member in 0..16 {
        let choice = site.ask(0, member, Mode::Prefer).1.unwrap();
        assert_eq!(
            site.region_of(choice),
            1,
            "region 0 holds eight of it, and nobody is bound there"
        );
        site.pass(SignedDuration::from_millis(5));
    }
}

#[test]
fn a_region_where_a_pod_is_sent_in_vain_is_left_after_minutes() {
    let mut site = Site::new(&[vec![8; 2], vec![8; 2]], 1, 0, vec![Gang::of(16)]);
    site.schedule(0, 0);
    let mut went = Vec::new();
    for _ in 0..12 {
        let choice = site.ask(0, 1, Mode::Prefer).1.unwrap();
        went.push(site.region_of(choice));
        site.pass(SignedDuration::from_secs(60));
    }
    assert_eq!(went[..6], [0; 6], "as long as something may still change");
    assert!(
        went[6..].contains(&1),
        "{went:?}: what keeps it from there is not ours, and it must not wait for ever"
    );
}

#[test]
fn a_gang_that_is_gone_and_comes_again_is_decided_anew() {
    let mut site = Site::new(
        &[vec![8; 2], vec![8; 2]],
        1,
        0,
        vec![Gang {
            early: 0,
            ..Gang::of(16)
        }],
    );
    let first = site.ask(0, 0, Mode::Prefer).1.unwrap();
    assert_eq!(site.region_of(first), 0);
    site.intensities(&[900.0, 100.0]);
    let soon = site.ask(0, 1, Mode::Prefer).1.unwrap();
    assert_eq!((soon.outcome, site.region_of(soon)), (GroupOutcome::Followed, 0));
    site.pass(SignedDuration::from_secs(30));
    let later = site.ask(0, 2, Mode::Prefer).1.unwrap();
    assert_eq!(
        (later.outcome, site.region_of(later)),
        (GroupOutcome::Held, 1),
        "no watch ever told of the first two"
    );
}

#[test]
fn strict_mode_compares_within_the_region_of_the_gang() {
    let mut site = Site::new(&[vec![8; 2], vec![8; 2]], 1, 0, vec![Gang::of(10)]);
    site.schedule(0, 0);
    site.intensities(&[900.0, 10.0]);
    let (kept, choice) = site.ask(0, 1, Mode::Strict);
    assert_eq!(outcome(choice), Some(GroupOutcome::Followed));
    assert!(!kept.is_empty() && kept.iter().all(|node| *node < 2), "{kept:?}");
}

#[test]
fn sizes_that_nobody_states_are_the_pods_that_were_seen() {
    let unsized_gang = |early| Gang {
        stated: false,
        early,
        ..Gang::of(16)
    };
    let mut site = Site::new(&[vec![8], vec![8; 2]], 1, 0, vec![unsized_gang(16)]);
    let choice = site.schedule(0, 0).unwrap();
    assert_eq!(
        (choice.outcome, choice.to_come, site.region_of(choice)),
        (GroupOutcome::Held, 16, 1)
    );
    let mut site = Site::new(&[vec![8], vec![8; 2]], 1, 0, vec![unsized_gang(1)]);
    let choice = site.schedule(0, 0).unwrap();
    assert_eq!(
        (choice.to_come, site.region_of(choice)),
        (1, 0),
        "the others were not there yet: say the size"
    );
}

#[test]
fn g9_what_is_remembered_of_gangs_is_bounded() {
    let mut site = Site::new(&[vec![8]], 1, 0, vec![Gang::of(2)]);
    let choice = site.ask(0, 0, Mode::Prefer).1.unwrap();
    for pod in 0..200_000_u32 {
        let key = GroupKey::new(&"ml".into(), GroupKind::Annotation, &format!("g{}", pod / 50)).unwrap();
        let group = Group { key, size: None };
        site.groups
            .decide(&group, &format!("u{pod}").into(), choice, 1000, site.now);
        assert!(site.groups.remembered() <= 65_536);
        site.pass(SignedDuration::from_millis(1));
    }
    site.pass(SignedDuration::from_mins(7));
    site.ask(0, 1, Mode::Prefer);
    assert_eq!(site.groups.remembered(), 1);
}
