use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What a test pod is: its place, grams, readiness and cost.
type Pod = (Option<usize>, Option<u32>, bool, Option<i32>);

const PLACES: [&str; 3] = ["DE", "FR", "SE"];
const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

fn replicas(pods: &[Pod]) -> Vec<Replica<'static>> {
    let made = NAMES
        .iter()
        .zip(pods)
        .map(|(name, (place, grams, ready, cost))| Replica {
            name,
            place: place.map(|place| PLACES[place]),
            hourly: grams.map(|grams| Grams::saturating(f64::from(grams))),
            ready: *ready,
            cost: *cost,
        });
    made.collect()
}

fn rule(min_per_place: usize, band: f64) -> DeletionRule {
    DeletionRule {
        min_per_place,
        band: Ratio::saturating(band),
    }
}

/// The pods after the costs were written.
fn written(pods: &[Replica<'static>], rule: &DeletionRule) -> Vec<Replica<'static>> {
    let changes = deletion_costs(pods, rule);
    let mut pods = pods.to_vec();
    for change in changes {
        let pod = pods.iter_mut().find(|pod| pod.name == change.name).unwrap();
        pod.cost = Some(change.cost);
    }
    pods
}

/// The order in which the ReplicaSet controller takes them; whom it would find equal it takes in the order of `chance`.
fn taken(pods: &[Replica<'static>], chance: &[u8]) -> Vec<Replica<'static>> {
    let mut pods: Vec<_> = pods.iter().copied().zip(chance).collect();
    pods.sort_by_key(|(pod, chance)| (pod.ready, pod.cost.unwrap_or(0), **chance));
    pods.into_iter().map(|(pod, _)| pod).collect()
}

fn costs() -> impl Strategy<Value = Option<i32>> {
    prop_oneof![
        3 => Just(None),
        4 => (-3..4).prop_map(Some),
        1 => prop::sample::select(vec![i32::MIN, i32::MIN + 1, i32::MAX - 1, i32::MAX, 1000, -1000]).prop_map(Some),
    ]
}

fn pods(known: bool) -> impl Strategy<Value = Vec<Pod>> {
    let known = move |told: Option<_>| if known { told.or(Some(0)) } else { told };
    let pod = (
        prop::option::weighted(0.8, 0usize..3),
        prop::option::weighted(0.8, prop_oneof![0u32..6, 80u32..120]).prop_map(known),
        prop::bool::weighted(0.8),
        costs(),
    );
    prop::collection::vec(pod, 0..=NAMES.len())
}

fn ready(pods: &[Replica<'static>]) -> BTreeMap<&'static str, usize> {
    let mut count = BTreeMap::new();
    for place in pods.iter().filter(|pod| pod.ready).filter_map(|pod| pod.place) {
        *count.entry(place).or_default() += 1;
    }
    count
}

proptest! {
    #[test]
    fn the_dirtiest_goes_first(pods in pods(true), chance: [u8; 10]) {
        let order = taken(&written(&replicas(&pods), &rule(0, 0.0)), &chance);
        let ready: Vec<_> = order.iter().filter(|pod| pod.ready).map(|pod| pod.hourly.unwrap().get()).collect();
        prop_assert!(ready.is_sorted_by(|a, b| a >= b), "{order:?}");
    }

    /// However many go: no place comes below its minimum while another could have spared one, and of those that could be
    /// spared none is dirtier by more than the band.
    #[test]
    fn no_place_is_emptied_while_another_can_spare_one(pods in pods(false), chance: [u8; 10], min in 0usize..4, wide: bool) {
        let band = if wide { 0.2 } else { 0.0 };
        let order = taken(&written(&replicas(&pods), &rule(min, band)), &chance);
        let unready = order.iter().take_while(|pod| !pod.ready).count();
        for gone in unready..order.len() {
            let (left, pod) = (ready(&order[gone..]), &order[gone]);
            let more = |place: &str, than: usize| left.get(place).is_some_and(|count| *count > than);
            let spared = |pod: &Replica<'_>, min| pod.place.is_none_or(|place| more(place, min));
            // The last place keeps none: there is no other.
            let floor = if left.len() > 1 { min } else { 0 };
            let can = order[gone..].iter().filter(|pod| spared(pod, floor));
            let dirtiest = can.clone().filter_map(|pod| pod.hourly).map(Grams::get).reduce(f64::max);
            prop_assert!(spared(pod, floor) || can.count() == 0, "{pod:?} goes, and then {:?}", &order[gone..]);
            if let (Some(grams), Some(dirtiest)) = (pod.hourly, dirtiest.filter(|_| left.len() > 1))
                && spared(pod, floor)
            {
                prop_assert!(grams.get() >= dirtiest * (1.0 - band), "{pod:?} goes, and then {:?}", &order[gone..]);
            }
        }
    }

    #[test]
    fn what_is_written_is_written_once(pods in pods(false), min in 0usize..4) {
        let rule = rule(min, 0.1);
        prop_assert_eq!(deletion_costs(&written(&replicas(&pods), &rule), &rule), []);
    }

    /// A grid that changes for all alike, and replicas that go in their turn, move nobody else.
    #[test]
    fn who_stays_keeps_its_cost(pods in pods(true), chance: [u8; 10], min in 0usize..4, gone in 0usize..10) {
        let rule = rule(min, 0.0);
        let order = taken(&written(&replicas(&pods), &rule), &chance);
        let left = order.iter().skip(gone).map(|pod| Replica {
            hourly: pod.hourly.map(|grams| Grams::saturating(grams.get() * 4.0)),
            ..*pod
        });
        prop_assert_eq!(deletion_costs(&left.collect::<Vec<_>>(), &rule), []);
    }

    /// Nobody finds a way with fewer changes: of all sets of pods that keep their costs, one of the largest that leave room for
    /// the others was taken.
    #[test]
    fn as_few_as_can_be_are_changed(pods in prop::collection::vec((0u32..5, costs()), 0..8)) {
        let pods: Vec<Pod> = pods.into_iter().map(|(grams, cost)| (Some(0), Some(grams), true, cost)).collect();
        let all = replicas(&pods);
        let changed = deletion_costs(&all, &rule(0, 0.0)).len();
        let mut grams: Vec<u32> = pods.iter().filter_map(|pod| pod.1).collect();
        grams.sort_unstable_by(|a, b| b.cmp(a));
        grams.dedup();
        let run = |pod: &Pod| i64::try_from(grams.iter().position(|grams| Some(*grams) == pod.1).unwrap()).unwrap();
        let runs = i64::try_from(grams.len()).unwrap();
        let most = (0_u32..1 << pods.len()).filter(|kept| {
            let kept: Vec<_> = (0..).zip(&pods).filter(|(place, _)| kept >> place & 1 == 1).map(|(_, pod)| pod).collect();
            let cost = |pod: &Pod| i64::from(pod.3.unwrap_or(0));
            let fits = |pod: &Pod| cost(pod) - run(pod) >= i64::from(i32::MIN) && cost(pod) + runs - 1 - run(pod) <= i64::from(i32::MAX);
            let pairs = |a: &Pod, b: &Pod| run(a) == run(b) || (cost(a) - cost(b)).abs() >= (run(a) - run(b)).abs() && (cost(a) < cost(b)) == (run(a) < run(b));
            kept.iter().all(|a| fits(a) && kept.iter().all(|b| pairs(a, b)))
        });
        let kept = most.map(u32::count_ones).max().unwrap() as usize;
        prop_assert_eq!(changed, pods.len() - kept);
    }
}

#[test]
fn a_replica_of_which_little_is_known_stands_in_the_middle() {
    let pod = |grams| (Some(0), grams, true, None);
    let pods = replicas(&[pod(None), pod(Some(300)), pod(Some(200)), pod(Some(20))]);
    let order = taken(&written(&pods, &rule(1, 0.0)), &[0; 10]);
    let names: Vec<_> = order.iter().map(|pod| pod.name).collect();
    assert_eq!(names, ["b", "a", "c", "d"], "not last, as if it emitted nothing");
    let unknown = replicas(&[pod(None), pod(None)]);
    assert_eq!(
        deletion_costs(&unknown, &rule(1, 0.0)),
        [],
        "nothing to tell them apart"
    );
}

#[test]
fn replicas_that_are_alike_need_no_costs() {
    let pods = replicas(&[(Some(0), Some(100), true, None); 5]);
    assert_eq!(
        deletion_costs(&pods, &rule(1, 0.05)),
        [],
        "one place: none that could spare a replica"
    );
    let pods = replicas(&[
        (Some(0), Some(100), true, None),
        (Some(1), Some(97), true, None),
        (Some(1), Some(96), true, None),
        (Some(0), Some(98), false, Some(7)),
    ]);
    let changes = deletion_costs(&pods, &rule(1, 0.05));
    let names: Vec<_> = changes.iter().map(|change| change.name).collect();
    assert_eq!(
        names,
        ["b"],
        "the one that its place can spare goes before the others, which stay at nothing"
    );
    assert!(changes[0].cost < 0);
}
