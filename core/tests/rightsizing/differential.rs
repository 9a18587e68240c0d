//! Random autoscalers over random series of metrics: every sync is decided by the oracle too, and told in the same words.

use crate::oracle::{Oracle, told};
use heliotrope_core::rightsizing::hpa::{
    AverageTarget, Behavior, HpaSpec, HpaVersion, Memory, Metric, MetricReading, Observation, Pod, PodPhase, Policy,
    PolicyKind, ReadyCondition, Rules, Sample, Select, Timing, Tolerance, TotalTarget, decide,
};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

const START: i64 = 1_800_000_000;
/// Per cent of the target: around the ends of the tolerances, and far from them.
const LOADS: [i64; 14] = [0, 20, 50, 80, 89, 90, 95, 100, 105, 110, 111, 150, 200, 700];
/// Seconds, such that windows and periods end at syncs and between them.
const SPANS: [i32; 8] = [0, 1, 15, 20, 30, 60, 100, 300];

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn rules() -> impl Strategy<Value = Rules> {
    let kind = prop_oneof![Just(PolicyKind::Pods), Just(PolicyKind::Percent)];
    let policy =
        (kind, 1..120_i32, select(&SPANS[1..])).prop_map(|(kind, value, period)| Policy { kind, value, period });
    let selects = select(vec![Select::Max, Select::Max, Select::Min, Select::Disabled]);
    let tolerance = option::weighted(0.3, select(vec![0.0, 0.05, 0.1, 0.3]));
    (select(&SPANS[..]), selects, vec(policy, 1..4), tolerance).prop_map(|(window, select, policies, tolerance)| {
        Rules {
            window,
            select,
            policies,
            tolerance,
        }
    })
}

fn metric() -> impl Strategy<Value = Metric> {
    let target = select(vec![1_i64, 10, 20, 70, 100, 999, 5000]);
    let per_cent = select(vec![10, 30, 50, 80, 100, 150]).prop_map(AverageTarget::Utilisation);
    let average = prop_oneof![per_cent, target.clone().prop_map(AverageTarget::Value)];
    let total = prop_oneof![
        target.clone().prop_map(TotalTarget::Value),
        target.clone().prop_map(TotalTarget::AverageValue)
    ];
    prop_oneof![
        3 => (average, any::<bool>()).prop_map(|(target, of_cpu)| Metric::Resource { target, of_cpu }),
        1 => target.prop_map(|target| Metric::Pods { target }),
        1 => total.clone().prop_map(Metric::Object),
        2 => total.prop_map(Metric::External),
    ]
}

fn spec() -> impl Strategy<Value = HpaSpec> {
    let versions = select(vec![HpaVersion::UpTo132, HpaVersion::From133, HpaVersion::From137]);
    let behavior = option::of((rules(), rules()).prop_map(|(up, down)| Behavior { up, down }));
    (0..4_i32, 0..40_i32, vec(metric(), 1..4), behavior, versions).prop_map(
        |(min, above, metrics, behavior, version)| HpaSpec {
            min,
            max: (min + above).max(1),
            metrics,
            behavior,
            tolerance: Tolerance::default(),
            downscale_stabilisation: 60,
            version,
        },
    )
}

/// A pod's state as ages at the first sync, and whether it is ready.
fn pod() -> impl Strategy<Value = Pod> {
    let ages = || select(vec![0_i64, 5, 29, 30, 31, 200, 299, 300, 301, 5000]);
    let phases = [
        PodPhase::Pending,
        PodPhase::Running,
        PodPhase::Succeeded,
        PodPhase::Failed,
        PodPhase::Unknown,
    ];
    let phase = prop_oneof![5 => Just(PodPhase::Running), 1 => select(phases.to_vec())];
    let is_ready = prop_oneof![4 => Just(Some(true)), 2 => Just(Some(false)), 1 => Just(None)];
    let ready = option::weighted(0.9, (is_ready, ages()));
    let started = option::weighted(0.9, ages());
    let request = option::weighted(0.97, select(vec![0_i64, 100, 1000, 2500]));
    (phase, prop::bool::weighted(0.05), ready, started, request).prop_map(
        |(phase, deleting, ready, started, request)| {
            let ago = |age: i64| Timestamp::from_second(START - age).unwrap();
            Pod {
                phase,
                deleting,
                ready: ready.map(|(ready, age)| ReadyCondition {
                    ready,
                    changed: ago(age),
                }),
                started: started.map(ago),
                request,
                sample: None,
            }
        },
    )
}

/// What one read says: by pod the per cent of what should be, the sample's age and its window; and strays.
type Read = Option<(i64, Vec<Option<(i64, i64, i64)>>, Vec<i64>)>;

/// One sync: how long after the last, by how much the status is behind, and a read of each of up to three metrics.
type Sync = (i64, i32, Vec<Read>);

fn sync() -> impl Strategy<Value = Sync> {
    let of_pod = (
        select(vec![50_i64, 100, 100, 100, 130]),
        select(vec![0_i64, 10, 60]),
        select(vec![10_i64, 60]),
    );
    let strays = prop_oneof![9 => Just(Vec::new()), 1 => vec(0..5000_i64, 1..3)];
    let read = (select(LOADS.to_vec()), vec(option::weighted(0.85, of_pod), 8), strays);
    let gap = select(vec![1_i64, 5, 15, 15, 15, 20, 45]);
    let behind = prop_oneof![6 => Just(0), 1 => -2..3_i32];
    (gap, behind, vec(option::weighted(0.93, read), 3))
}

fn observation(spec: &HpaSpec, pods: &[Pod], (current, sync): (i32, &Sync), now: Timestamp) -> Observation {
    let status = (current + sync.1).max(0);
    let reading = |(metric, read): (&Metric, &Read)| {
        let Some((load, of_pods, strays)) = read else {
            return MetricReading::Failed;
        };
        let values = |wanted: &dyn Fn(&Pod) -> i64| {
            let sampled = |(pod, of_pod): (&Pod, &Option<(i64, i64, i64)>)| Pod {
                sample: of_pod.map(|(share, age, window)| Sample {
                    value: wanted(pod) * load * share / 10_000,
                    at: now - seconds(age),
                    window: seconds(window),
                }),
                ..pod.clone()
            };
            let pods = pods.iter().zip(of_pods).map(sampled).collect();
            MetricReading::Pods {
                pods,
                strays: strays.clone(),
            }
        };
        match *metric {
            Metric::Resource {
                target: AverageTarget::Utilisation(percent),
                ..
            } => values(&|pod| pod.request.unwrap_or(1000) * i64::from(percent) / 100),
            Metric::Resource {
                target: AverageTarget::Value(target),
                ..
            }
            | Metric::Pods { target } => values(&|_| target),
            Metric::Object(TotalTarget::Value(target)) | Metric::External(TotalTarget::Value(target)) => {
                MetricReading::Values(vec![target * load / 100])
            }
            Metric::Object(TotalTarget::AverageValue(target))
            | Metric::External(TotalTarget::AverageValue(target)) => {
                let each = target * i64::from(status.max(1)) * load / 200;
                MetricReading::Values(vec![each, each])
            }
        }
    };
    Observation {
        spec_replicas: current,
        status_replicas: status,
        pods: pods.to_vec(),
        readings: spec.metrics.iter().zip(&sync.2).map(reading).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_series_is_decided_as_the_oracle_decides_it(
        spec in spec(), pods in vec(pod(), 0..8), start in 0..50_i32, syncs in vec(sync(), 1..25),
    ) {
        let (timing, mut memory, mut oracle) = (Timing::default(), Memory::default(), Oracle::default());
        let (mut current, mut now) = (start, Timestamp::from_second(START).unwrap());
        for sync in &syncs {
            now += seconds(sync.0);
            let seen = observation(&spec, &pods, (current, sync), now);
            let outcome = decide(&spec, &seen, timing, &mut memory, now);
            let desired = outcome.desired(current);
            if desired != current {
                memory.scaled(spec.behavior.as_ref(), (current, desired), now);
            }
            let (theirs, expected) = oracle.sync(&spec, &seen, timing, now);
            prop_assert_eq!(told(&outcome, current), expected, "{:?}\nof {:?}", outcome, seen);
            prop_assert_eq!(desired, theirs);
            current = desired;
        }
    }
}
