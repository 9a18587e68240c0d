//! How long a rightsizing plan takes for a target of so many pods: every rule is there, and a metric of the pods' CPU, one of
//! their own and an external one.
//!
//! Run: `cargo bench -p heliotrope-core --bench plan`.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark ends where something is wrong"
)]

#[path = "../tests/plan/world.rs"]
mod world;

use criterion::{BenchmarkId, Criterion};
use heliotrope_core::rightsizing::hpa::{
    AverageTarget, Metric, MetricReading, Observation, Pod, PodPhase, ReadyCondition, Sample, TotalTarget,
};
use heliotrope_core::rightsizing::plan::{PlanMemory, PlanSpec, Seen, Stage, plan};
use heliotrope_core::rightsizing::schedule::{Days, Effect, Event, Level, Schedule};
use heliotrope_core::rightsizing::{Outlook, Signal, Trigger};
use jiff::SignedDuration;
use jiff::civil::{datetime, time};
use std::hint::black_box;
use world::{START, at, carbon, grams, hpa, latency, power, prewarm, ratio, secs, watts};

const PODS: [usize; 3] = [10, 100, 1000];

fn pod(value: i64) -> Pod {
    Pod {
        phase: PodPhase::Running,
        deleting: false,
        ready: Some(ReadyCondition {
            ready: Some(true),
            changed: at(-7200),
        }),
        started: Some(at(-7200)),
        request: Some(1000),
        sample: Some(Sample {
            value,
            at: at(-15),
            window: secs(30),
        }),
    }
}

fn observation(pods: usize) -> Observation {
    let read = |each: i64| MetricReading::Pods {
        pods: (0..pods).map(|_| pod(each)).collect(),
        strays: Vec::new(),
    };
    let replicas = i32::try_from(pods).unwrap();
    Observation {
        spec_replicas: replicas,
        status_replicas: replicas,
        pods: (0..pods).map(|_| pod(0)).collect(),
        readings: vec![
            read(650),
            read(9000),
            MetricReading::Values(vec![i64::from(replicas) * 9500]),
        ],
    }
}

fn spec() -> PlanSpec {
    let mut spec = PlanSpec::of(hpa());
    spec.hpa.max = 2000;
    spec.hpa.metrics = vec![
        Metric::Resource {
            target: AverageTarget::Utilisation(70),
            of_cpu: true,
        },
        Metric::Pods { target: 10_000 },
        Metric::External(TotalTarget::AverageValue(10_000)),
    ];
    let level = |from, until, min, ramp| Level {
        days: Days::WORKING,
        from,
        until,
        zone: "Europe/Berlin".parse().unwrap(),
        min: Some(min),
        max: None,
        ramp: SignedDuration::from_mins(ramp),
    };
    spec.schedule = Schedule {
        levels: vec![
            level(time(8, 0, 0, 0), time(18, 0, 0, 0), 20, 30),
            level(time(12, 0, 0, 0), time(14, 0, 0, 0), 30, 0),
        ],
        events: vec![Event {
            from: datetime(2027, 1, 20, 9, 0, 0, 0),
            until: datetime(2027, 1, 21, 9, 0, 0, 0),
            zone: "America/New_York".parse().unwrap(),
            effect: Effect::Factor(2.0),
            ramp: SignedDuration::from_hours(1),
        }],
    };
    let mut rule = carbon();
    rule.when = Trigger::Saving {
        enter: ratio(0.15),
        leave: ratio(0.05),
        ahead: SignedDuration::from_hours(2),
        stretch: SignedDuration::from_mins(30),
    };
    (spec.latency, spec.carbon) = (Some(latency()), Some(rule));
    (spec.power, spec.prewarm) = (Some(power()), Some(prewarm()));
    spec
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let spec = spec();
    assert_eq!(spec.problems(), []);
    // A day of half hours, cleaner within two hours, so that the carbon bound holds and pre-warming looks for its end.
    let ahead: Vec<_> = (1..=48)
        .map(|n| (at(n * 1800), grams(400.0 - 5.0 * n as f64)))
        .collect();
    let presence = [Signal::Fresh(()); 3];
    let mut group = criterion.benchmark_group("plan");
    for pods in PODS {
        let target = observation(pods);
        let seen = Seen {
            latency: Signal::Fresh(SignedDuration::from_millis(100)),
            queue_age: Signal::Fresh(secs(1)),
            outlook: Outlook {
                now: Signal::Fresh(grams(500.0)),
                ahead: &ahead,
                until: at(49 * 1800),
                awaited: false,
            },
            replica_watts: Signal::Fresh(watts(380.0)),
            power_room: Signal::Fresh(watts(50_000.0)),
            ..Seen::of(&target, &presence)
        };
        let mut memory = PlanMemory::default();
        assert_eq!(plan(&spec, &seen, &mut memory, START).steps.len(), Stage::ALL.len());
        group.bench_function(BenchmarkId::from_parameter(pods), |bencher| {
            bencher.iter(|| black_box(plan(&spec, black_box(&seen), &mut memory, START)));
        });
    }
    group.finish();
    criterion.final_summary();
}
