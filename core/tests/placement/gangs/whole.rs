//! A gang is not split while one region can hold it, whatever happens between its members.

use super::site::{Gang, Region, Site};
use heliotrope_core::placement::GroupOutcome;
use proptest::prelude::*;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A member of one of the gangs is scheduled; the second number picks among the nodes that filter leaves.
    Schedule(usize, usize),
    /// Grids say something else.
    Cross(Vec<f64>),
    /// The extender is restarted.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (any::<usize>(), any::<usize>()).prop_map(|(gang, pick)| Step::Schedule(gang, pick)),
        2 => prop::collection::vec(10.0f64..900.0, 4).prop_map(Step::Cross),
        1 => Just(Step::Restart),
    ]
}

fn regions() -> impl Strategy<Value = Vec<Region>> {
    let boards = prop_oneof![Just(1u32), Just(2), Just(4), Just(8)];
    prop::collection::vec(prop::collection::vec(boards, 1..6), 2..5)
}

fn gangs() -> impl Strategy<Value = Vec<Gang>> {
    let gang = (2u32..20, 1u32..20).prop_map(|(size, early)| Gang {
        early,
        ..Gang::of(size)
    });
    prop::collection::vec(gang, 1..5)
}

/// As many of the gangs as the cluster has room for, with some to spare.
fn fitting(gangs: Vec<Gang>, room: u32, spare: u32) -> Vec<Gang> {
    let mut left = room.saturating_sub(spare);
    let fits = |gang: &Gang| {
        let fits = gang.size <= left;
        left -= if fits { gang.size } else { 0 };
        fits
    };
    let mut fitting: Vec<Gang> = gangs.into_iter().filter(fits).collect();
    if fitting.is_empty() {
        fitting.push(Gang::of(1));
    }
    fitting
}

/// Places that nobody can be sure of: of nodes with several, those that binds in flight may have taken.
fn unseen(regions: &[Region], lag: usize) -> u32 {
    u32::try_from(regions.len() * lag).unwrap()
}

/// Runs the steps, then schedules what is left in turn.
fn run(site: &mut Site, steps: &[Step], crossing: &[f64]) {
    let mut intensities = crossing.to_vec();
    for step in steps {
        match step {
            Step::Schedule(gang, pick) => drop(site.schedule(gang % site.gangs.len(), *pick)),
            Step::Cross(values) => {
                intensities.clone_from(values);
                let known = values.len().min(crossing.len());
                site.intensities(&values[..known]);
            }
            Step::Restart => site.restart(&intensities[..intensities.len().min(crossing.len())]),
        }
    }
    for round in 0..20 {
        for gang in 0..site.gangs.len() {
            site.schedule(gang, round * 7);
        }
    }
}

/// Everybody has a node, and who could be held together is. A restart forgets which gangs of an overfull region came first.
fn held_together(site: &Site, steps: &[Step]) -> Result<(), TestCaseError> {
    let restarted = steps.iter().any(|step| matches!(step, Step::Restart));
    let overfull = site.gangs.iter().any(|gang| gang.holdable == Some(false));
    for gang in &site.gangs {
        prop_assert_eq!(gang.left(), 0, "a member found no node");
        if gang.holdable == Some(true) && !(restarted && overfull) {
            prop_assert!(!gang.split(), "{gang:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Several gangs arrive at once, their members in any order, some of them created only when it is their turn; the
    /// watch lags by some binds, grids cross and the extender is restarted. Some gangs are larger than any region.
    #[test]
    fn g13_a_gang_is_never_split_while_one_region_can_hold_it(
        regions in regions(), gangs in gangs(), lag in 0usize..6, steps in prop::collection::vec(step(), 0..60),
    ) {
        let gangs = fitting(gangs, regions.iter().flatten().sum(), unseen(&regions, lag));
        let crossing = vec![100.0; regions.len()];
        let mut site = Site::new(&regions, 1, lag, gangs);
        site.doubt = u32::try_from(lag).unwrap();
        run(&mut site, &steps, &crossing);
        held_together(&site, &steps)?;
    }

    /// The same where every pod takes a whole node of eight boards, as the ranks of large jobs do.
    #[test]
    fn g13_nor_where_every_member_takes_a_node(
        counts in prop::collection::vec(1usize..12, 2..5), gangs in gangs(), lag in 0usize..6, steps in prop::collection::vec(step(), 0..60),
    ) {
        let regions: Vec<Region> = counts.iter().map(|count| vec![8; *count]).collect();
        let gangs = fitting(gangs, u32::try_from(counts.iter().sum::<usize>()).unwrap(), 0);
        let crossing = vec![100.0; regions.len()];
        let mut site = Site::new(&regions, 8, lag, gangs);
        run(&mut site, &steps, &crossing);
        held_together(&site, &steps)?;
    }

    /// Whatever is remembered and however full regions are, a member that has a node without its gang has one with it.
    #[test]
    fn g1_a_gang_never_leaves_a_member_without_a_node(
        regions in regions(), gangs in gangs(), lag in 0usize..9, steps in prop::collection::vec(step(), 0..60),
        occupied in prop::collection::vec((any::<usize>(), 1u32..8), 0..6),
    ) {
        let crossing = vec![100.0; regions.len()];
        let nodes: Vec<u32> = regions.iter().flatten().copied().collect();
        let mut left: u32 = nodes.iter().sum();
        let mut site = Site::new(&regions, 1, lag, gangs);
        let mut free = nodes.clone();
        for (node, boards) in occupied {
            let node = node % nodes.len();
            let boards = boards.min(free[node]);
            free[node] -= boards;
            left -= boards;
            site.occupy(node, boards);
        }
        run(&mut site, &steps, &crossing);
        let asked: u32 = site.gangs.iter().map(|gang| gang.size).sum();
        let bound: usize = site.gangs.iter().map(|gang| gang.bound.len()).sum();
        prop_assert_eq!(bound, usize::try_from(asked.min(left)).unwrap());
    }
}

#[test]
fn g13_sixty_four_ranks_stay_together_while_grids_cross_after_every_member() {
    let mut site = Site::new(
        &[vec![8; 10], vec![8; 10], vec![8; 10]],
        1,
        4,
        vec![Gang::of(64), Gang::of(64), Gang::of(64)],
    );
    for member in 0..64 {
        for gang in 0..3 {
            site.intensities(&[100.0, 200.0, 300.0].map(|grams| if member % 2 == 0 { grams } else { 400.0 - grams }));
            let choice = site.schedule(gang, member * 31).unwrap();
            let wanted = if member == 0 {
                GroupOutcome::Held
            } else {
                GroupOutcome::Followed
            };
            assert_eq!(choice.outcome, wanted, "gang {gang}, member {member}");
        }
    }
    let mut homes: Vec<usize> = site.gangs.iter().map(|gang| gang.bound[0]).collect();
    homes.sort_unstable();
    assert!(site.gangs.iter().all(|gang| !gang.split()));
    assert_eq!(homes, [0, 1, 2], "a region of 80 holds one gang of 64");
}
