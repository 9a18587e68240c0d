//! How long a decision takes: filter over all nodes, then prioritize over those kept, from names to scores.
//!
//! `decide` and the straightforward way ([`naive`]) run in one process on the same snapshots, and the last lines give the
//! medians and their ratios, so that no figure of another machine or another day slips in.
//! Run: `cargo bench -p heliotrope-core --bench decide`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark ends where something is wrong"
)]

#[path = "../tests/placement/naive.rs"]
mod naive;
#[path = "../tests/placement/world.rs"]
mod world;

use criterion::{BenchmarkId, Criterion};
use heliotrope_core::placement::{Candidate, Policy, decide};
use heliotrope_core::quantity::Ratio;
use heliotrope_core::snapshot::Snapshot;
use heliotrope_core::workload::{Mode, Workload};
use naive::{Answer, Cluster, names};
use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};
use world::{NodeSpec, World, ZoneSpec, about, now, policy, workload};

const SIZES: [usize; 3] = [100, 1000, 5000];
const SAMPLES: usize = 30;

/// Three zones with a forecast each, three models, two thirds of the nodes awake.
fn cluster(nodes: usize) -> Snapshot {
    let zone = |now: f64| ZoneSpec {
        forecast: Some([now, now * 0.7, now * 1.2, now * 1.1]),
        ..ZoneSpec::flat(now)
    };
    let node = |i: usize| NodeSpec {
        busy: if i.is_multiple_of(3) { Vec::new() } else { vec![2, 1] },
        pue: 1.1 + 0.01 * (i % 7) as f64,
        ..NodeSpec::in_zone(i % 3).of_model(i / 3 % 3)
    };
    World {
        zones: [80.0, 250.0, 600.0].map(zone).to_vec(),
        nodes: (0..nodes).map(node).collect(),
        pending: vec![1, 2, 4, 8],
    }
    .snapshot()
}

/// What the extender does with a request, the wire aside.
fn answer(snapshot: &Snapshot, ask: &Workload, policy: &Policy, names: &[String]) -> Vec<u8> {
    let place = |name: &String| snapshot.find(name).map_or(Candidate::Unknown, Candidate::Known);
    let offered: Vec<Candidate<'_>> = names.iter().map(place).collect();
    decide(&about(snapshot, ask, policy), &offered).scores
}

/// Both ways must say the same, or their times mean nothing.
fn check(scores: &[u8], naive: &Answer, names: &[String]) {
    let naive: std::collections::HashMap<&str, u8> =
        naive.iter().map(|(name, score)| (name.as_str(), *score)).collect();
    let differ = names
        .iter()
        .zip(scores)
        .filter(|(name, score)| naive.get(name.as_str()).unwrap_or(&0) != *score)
        .count();
    // A level may lie on its step, where the two round differently.
    assert!(differ * 100 <= names.len(), "{differ} of {} scores differ", names.len());
}

/// Runs one function under criterion and returns the median seconds of its samples.
fn median(criterion: &mut Criterion, group: &str, nodes: usize, mut run: impl FnMut()) -> f64 {
    let samples: RefCell<Vec<f64>> = RefCell::default();
    let mut group = criterion.benchmark_group(group);
    group.bench_function(BenchmarkId::from_parameter(nodes), |bencher| {
        bencher.iter_custom(|rounds| {
            let start = Instant::now();
            for _ in 0..rounds {
                run();
            }
            let took = start.elapsed();
            samples.borrow_mut().push(took.as_secs_f64() / rounds as f64);
            took
        });
    });
    group.finish();
    // What came before the last samples was warm-up.
    let samples = samples.into_inner();
    let mut last = samples[samples.len().saturating_sub(SAMPLES)..].to_vec();
    last.sort_by(f64::total_cmp);
    last.get(last.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
        .configure_from_args();
    let narrow = Policy {
        keep: Some(50),
        band: Ratio::ZERO,
        ..policy()
    };
    let ask = workload(Mode::Prefer);
    let mut lines = Vec::new();
    for (label, policy) in [("all kept", policy()), ("keep 50", narrow)] {
        for nodes in SIZES {
            let snapshot = cluster(nodes);
            let (names, long_way) = (names(&snapshot), Cluster::new(&snapshot, now()));
            let scores = answer(&snapshot, &ask, &policy, &names);
            check(&scores, &long_way.decide(&ask, &policy, &names), &names);
            let ours = median(&mut criterion, &format!("decide, {label}"), nodes, || {
                black_box(answer(&snapshot, &ask, &policy, black_box(&names)));
            });
            let theirs = median(&mut criterion, &format!("naive, {label}"), nodes, || {
                black_box(long_way.decide(&ask, &policy, black_box(&names)));
            });
            lines.push(format!(
                "{label:>9} {nodes:>6} {:>10.1} {:>10.1} {:>8.1}",
                ours * 1e6,
                theirs * 1e6,
                theirs / ours
            ));
        }
    }
    criterion.final_summary();
    println!("\nmedians of one run, in µs\n   policy  nodes     decide      naive    ratio");
    for line in lines {
        println!("{line}");
    }
}
