use super::*;
use crate::gpu::{GpuCatalogue, GpuProfile};
use crate::placement::{Bookings, Candidate, Groups, Policy, Question, decide};
use crate::quantity::Watts;
use crate::snapshot::SnapshotBuilder;
use crate::workload::Workload;
use std::collections::BTreeMap;
use std::sync::Arc;

const ROUND: SignedDuration = SignedDuration::from_mins(5);

fn catalogue() -> Arc<GpuCatalogue> {
    let profile = |model: &str, bare, context, max| {
        let profile = GpuProfile {
            model: model.into(),
            bare: Watts::saturating(bare),
            context: Watts::saturating(context),
            max: Watts::saturating(max),
            rated_throughput: None,
            measured_throughput: None,
        };
        (profile, Vec::new())
    };
    let profiles = vec![
        profile("NVIDIA-H100-80GB-HBM3", 70.0, 50.0, 700.0),
        profile("NVIDIA-A100-SXM4-80GB", 55.0, 30.0, 400.0),
        profile("NVIDIA-L40S", 35.0, 30.0, 350.0),
        profile("NVIDIA-L4", 12.0, 15.0, 72.0),
    ];
    Arc::new(GpuCatalogue::new(profiles).unwrap())
}

pub(super) fn world(seed: u64) -> World {
    World::new(seed, catalogue()).unwrap()
}

/// A day with the shipped profile and the real placement, called instead of asked over HTTP.
fn with_extender(world: &World) -> Ledger {
    let mut run = Run::new(world, "heliotrope");
    let mut feed = Feed::new(world);
    let mut builder = SnapshotBuilder::new(world.surroundings.clone());
    let mut random = Random::of(world.seed, 300);
    while let Some(at) = run.next_round(ROUND) {
        run.advance(at);
        feed.readings(&mut run, at).apply(&mut builder, at);
        let snapshot = builder.build(at);
        while let Some((pod, feasible)) = run.next_ready() {
            let workload = Workload::parse(&pod.facts, &World::rules()).unwrap();
            let candidates: Vec<Candidate<'_>> = feasible
                .iter()
                .map(|node| Candidate::Known(snapshot.find(&node.facts.name).unwrap()))
                .collect();
            let question = Question {
                uid: &pod.facts.uid,
                snapshot: &snapshot,
                workload: &workload,
                policy: &Policy::default(),
                bookings: &Bookings::none(),
                groups: &Groups::none(),
                now: at,
            };
            let decision = decide(&question, &candidates);
            let scores: Vec<i64> = decision.scores.iter().map(|score| i64::from(*score)).collect();
            let totals = SchedulerModel::SHIPPED.score(run.capacity(), pod, &feasible, &scores);
            let chosen = SchedulerModel::select(&totals, &mut random).unwrap();
            run.bind(pod, chosen, &feasible, feasible.len());
        }
    }
    run.finish()
}

#[test]
fn a_seed_fixes_the_day_and_another_seed_is_another_day() {
    let ledger = |seed| place_all(&world(seed), SchedulerModel::DEFAULT, ROUND);
    assert_eq!(ledger(1), ledger(1));
    assert_ne!(ledger(1), ledger(2));
}

#[test]
fn both_sides_place_every_pod_of_the_same_stream_once() {
    let world = world(3);
    let mut wanted: Vec<&str> = world.pods.iter().map(|pod| pod.facts.uid.as_ref()).collect();
    wanted.sort_unstable();
    for ledger in [place_all(&world, SchedulerModel::DEFAULT, ROUND), with_extender(&world)] {
        let mut placed: Vec<&str> = ledger.pods.iter().map(|pod| pod.uid.as_ref()).collect();
        placed.sort_unstable();
        assert_eq!(placed, wanted, "{}", ledger.scheduler);
        assert!(
            ledger.pods.iter().all(|pod| pod.bound >= pod.arrived),
            "{}",
            ledger.scheduler
        );
    }
}

#[test]
fn no_node_is_ever_over_its_capacity() {
    let world = world(4);
    for ledger in [place_all(&world, SchedulerModel::DEFAULT, ROUND), with_extender(&world)] {
        for node in &world.nodes {
            // What starts and ends on the node, ends first: a pod may take what another gives back in the same round.
            let mut changes = Vec::new();
            for pod in ledger.pods.iter().filter(|pod| pod.node == node.facts.name) {
                let ask = [f64::from(pod.gpus), pod.vcpus, pod.memory_gib];
                let end = later(pod.bound, SignedDuration::try_from_secs_f64(pod.seconds).unwrap());
                changes.push((pod.bound, 1, ask));
                changes.push((end, 0, ask.map(|asked| -asked)));
            }
            changes.sort_by_key(|(at, order, _)| (*at, *order));
            let gib = node.facts.memory_bytes as f64 / UNITS_PER_GIB as f64;
            let allocatable = [f64::from(node.boards), node.facts.cpu_milli as f64 / 1000.0, gib];
            let mut used = [0.0; 3];
            for (at, _, ask) in changes {
                for ((used, asked), allocatable) in used.iter_mut().zip(ask).zip(allocatable) {
                    *used += asked;
                    assert!(
                        *used <= allocatable + 1e-9,
                        "{} at {at}: {used} of {allocatable}",
                        node.facts.name
                    );
                }
            }
        }
    }
}

#[test]
fn pods_run_only_where_their_selector_allows() {
    let world = world(5);
    let nodes: BTreeMap<&str, &SimulatedNode> = world.nodes.iter().map(|n| (n.facts.name.as_ref(), n)).collect();
    let pods: BTreeMap<&str, &SimulatedPod> = world.pods.iter().map(|p| (p.facts.uid.as_ref(), p)).collect();
    for entry in with_extender(&world).pods {
        let (node, pod) = (nodes[entry.node.as_ref()], pods[entry.uid.as_ref()]);
        let right = match pod.selector {
            Selector::Pool(pool) => node.pool == pool,
            Selector::Product(product) => node.model == product,
        };
        assert!(right, "{} on {}", entry.pod, entry.node);
    }
}

#[test]
fn the_greenest_zone_is_chosen_where_it_has_room_and_the_default_model_does_not_care() {
    let world = world(1);
    let share = |ledger: &Ledger| {
        // Jobs: services are judged by the usual day, not by the hour.
        let jobs: Vec<&PodEntry> = ledger.pods.iter().filter(|pod| pod.job).collect();
        jobs.iter().filter(|pod| pod.zone == pod.offer.greenest_zone).count() as f64 / jobs.len() as f64
    };
    let (ours, theirs) = (
        share(&with_extender(&world)),
        share(&place_all(&world, SchedulerModel::DEFAULT, ROUND)),
    );
    assert!(ours > 0.85, "{ours}");
    assert!(theirs < 0.5, "{theirs}");
}

#[test]
fn grams_are_saved_and_the_three_causes_sum_to_them() {
    let world = world(1);
    let default = Totals::of(&place_all(&world, SchedulerModel::DEFAULT, ROUND));
    let packing = Totals::of(&place_all(&world, SchedulerModel::PACKING, ROUND));
    let ours = Totals::of(&with_extender(&world));
    let saved = Saved::against(&default, &ours);
    assert!(ours.grams < packing.grams && packing.grams < default.grams);
    let causes = saved.grams_by_cleaner_energy + saved.grams_by_idle_energy + saved.grams_by_work_energy;
    assert!(
        (causes - saved.grams).abs() < 1e-6 * default.grams,
        "{causes} of {}",
        saved.grams
    );
    assert!(saved.grams_by_cleaner_energy > 0.0 && saved.grams_by_idle_energy > 0.0);
    assert!(packing.nodes_woken < default.nodes_woken && packing.node_hours < default.node_hours);
}

#[test]
fn parts_and_hours_sum_to_the_whole() {
    let ledger = place_all(&world(6), SchedulerModel::DEFAULT, ROUND);
    let totals = Totals::of(&ledger);
    let near = |sum: f64, whole: f64| assert!((sum - whole).abs() < 1e-6 * whole, "{sum} of {whole}");
    for parts in [&totals.zones, &totals.models] {
        near(parts.iter().map(|part| part.grams).sum(), totals.grams);
        near(parts.iter().map(|part| part.kwh).sum(), totals.kwh);
        near(parts.iter().map(|part| part.gpu_hours).sum(), totals.gpu_hours);
        assert_eq!(parts.iter().map(|part| part.pods).sum::<usize>(), totals.pods);
    }
    near(ledger.hours.iter().map(|(_, grams)| grams).sum(), totals.grams);
    near(totals.work_grams + totals.idle_grams, totals.grams);
}

#[test]
fn each_hour_has_what_was_drawn_in_it() {
    let world = world(9);
    let ledger = place_all(&world, SchedulerModel::DEFAULT, ROUND);
    let pods = ledger
        .pods
        .iter()
        .map(|pod| (pod.bound, pod.seconds, pod.watts * pod.pue));
    let nodes = ledger
        .awake
        .iter()
        .map(|node| (node.from, node.seconds, node.watts * node.pue));
    let drawn: Vec<(f64, f64, f64)> = pods
        .chain(nodes)
        .map(|(from, seconds, watts)| (from.duration_since(world.start).as_secs_f64(), seconds, watts))
        .collect();
    for (hour, (joules, _)) in (0_u32..).zip(&ledger.hours) {
        let (start, end) = (f64::from(hour) * 3600.0, f64::from(hour + 1) * 3600.0);
        let overlap = |from: f64, seconds: f64| ((from + seconds).min(end) - from.max(start)).max(0.0);
        let sum: f64 = drawn
            .iter()
            .map(|(from, seconds, watts)| watts * overlap(*from, *seconds))
            .sum();
        assert!(
            (sum - joules).abs() < 1e-6 * sum.max(1.0),
            "hour {hour}: {joules} of {sum}"
        );
    }
}

#[test]
fn a_node_is_on_from_its_first_pod_to_ten_minutes_after_its_last_and_never_twice_at_once() {
    let ledger = with_extender(&world(7));
    let mut by_node: BTreeMap<&str, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
    for stretch in &ledger.awake {
        let until = later(
            stretch.from,
            SignedDuration::try_from_secs_f64(stretch.seconds).unwrap(),
        );
        by_node.entry(&stretch.node).or_default().push((stretch.from, until));
    }
    for pod in &ledger.pods {
        let end = later(pod.bound, SignedDuration::try_from_secs_f64(pod.seconds).unwrap());
        let covers = |(from, until): &&(Timestamp, Timestamp)| *from <= pod.bound && end <= *until;
        assert_eq!(
            by_node[pod.node.as_ref()].iter().filter(covers).count(),
            1,
            "{}",
            pod.pod
        );
    }
    for stretches in by_node.values_mut() {
        stretches.sort_unstable();
        assert!(stretches.windows(2).all(|pair| pair[0].1 < pair[1].0), "{stretches:?}");
    }
}

#[test]
fn a_job_needs_the_same_energy_on_every_model() {
    let world = world(8);
    let job = world.pods.iter().find(|pod| pod.is_job()).unwrap();
    let joules: Vec<f64> = world
        .nodes
        .iter()
        .map(|node| {
            let exact = SimulatedNode {
                bare: node.profile.bare,
                ..node.clone()
            };
            let work = work::Work::of(job, &exact, &world.reference, &world.surroundings.host);
            work.watts.get() * work.span.as_secs_f64()
        })
        .collect();
    assert!(joules.iter().all(|j| (j / joules[0] - 1.0).abs() < 1e-6), "{joules:?}");
}
