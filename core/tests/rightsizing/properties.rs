//! What holds for any numbers.

use heliotrope_core::rightsizing::hpa::{
    Behavior, HpaSpec, HpaVersion, Memory, Metric, MetricReading, Observation, Outcome, Pod, PodPhase, Policy,
    PolicyKind, ReadyCondition, Replicas, Rules, Sample, Select, Timing, Tolerance, TotalTarget, decide,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn pod(value: Option<i64>) -> Pod {
    Pod {
        phase: PodPhase::Running,
        deleting: false,
        ready: Some(ReadyCondition {
            ready: Some(true),
            changed: at(-3600),
        }),
        started: Some(at(-3600)),
        request: Some(1000),
        sample: value.map(|value| Sample {
            value,
            at: at(0),
            window: SignedDuration::from_secs(60),
        }),
    }
}

fn version() -> impl Strategy<Value = HpaVersion> {
    prop_oneof![
        Just(HpaVersion::UpTo132),
        Just(HpaVersion::From133),
        Just(HpaVersion::From137)
    ]
}

prop_compose! {
    fn policy()(percent in any::<bool>(), value in 1..200_i32, period in 1..1800_i32) -> Policy {
        let kind = if percent { PolicyKind::Percent } else { PolicyKind::Pods };
        Policy { kind, value, period }
    }
}

prop_compose! {
    fn rules()(window in 0..3600_i32, select in 0..3_u8, policies in prop::collection::vec(policy(), 1..4)) -> Rules {
        let select = [Select::Max, Select::Min, Select::Disabled][usize::from(select)];
        Rules { window, select, policies, tolerance: None }
    }
}

prop_compose! {
    fn spec()(
        min in 1..20_i32, above in 0..80_i32, behavior in prop::option::of((rules(), rules())), version in version(), target in 1..5000_i64,
    ) -> HpaSpec {
        HpaSpec {
            min,
            max: min + above,
            metrics: vec![Metric::External(TotalTarget::AverageValue(target))],
            behavior: behavior.map(|(up, down)| Behavior { up, down }),
            tolerance: Tolerance::default(),
            downscale_stabilisation: 300,
            version,
        }
    }
}

/// Runs an autoscaler over loads, a sync every 15 s, each decision carried out at once.
fn run(spec: &HpaSpec, mut current: Replicas, loads: &[Option<i64>]) -> Vec<(Replicas, Outcome, Replicas)> {
    let mut memory = Memory::default();
    let step = |(second, load): (i64, &Option<i64>)| {
        let seen = Observation {
            spec_replicas: current,
            status_replicas: current,
            pods: vec![pod(None); usize::try_from(current).unwrap()],
            readings: vec![load.map_or(MetricReading::Failed, |load| MetricReading::Values(vec![load]))],
        };
        let now = at(second);
        let outcome = decide(spec, &seen, Timing::default(), &mut memory, now);
        let (before, desired) = (current, outcome.desired(current));
        if desired != current {
            memory.scaled(spec.behavior.as_ref(), (current, desired), now);
        }
        current = desired;
        (before, outcome, desired)
    };
    (0..).step_by(15).zip(loads).map(step).collect()
}

proptest! {
    #[test]
    fn g7_never_outside_min_and_max(spec in spec(), start in 1..120_i32, loads in prop::collection::vec(prop::option::of(0..2_000_000_i64), 1..60)) {
        for (_, outcome, desired) in run(&spec, start, &loads) {
            // What lies outside when it begins is held while nothing can be read, and moved inside at the first look.
            let held_outside = matches!(outcome, Outcome::Held(_));
            prop_assert!((spec.min..=spec.max).contains(&desired) || held_outside, "{desired}: {outcome:?}");
        }
    }

    #[test]
    fn g7_missing_metrics_change_nothing(spec in spec(), start in 1..120_i32, syncs in 1..20_usize) {
        let start = start.clamp(spec.min, spec.max);
        for (before, _, desired) in run(&spec, start, &vec![None; syncs]) {
            prop_assert_eq!(before, desired);
        }
    }

    /// One of two cannot be read: the other may raise, and lowers nothing.
    #[test]
    fn g7_what_is_left_of_the_metrics_lowers_nothing(mut spec in spec(), current in 1..120_i32, load in 0..2_000_000_i64, first in any::<bool>()) {
        let current = current.clamp(spec.min, spec.max);
        spec.metrics = vec![spec.metrics[0], spec.metrics[0]];
        let mut readings = vec![MetricReading::Values(vec![load]), MetricReading::Failed];
        if first {
            readings.reverse();
        }
        let seen = Observation { spec_replicas: current, status_replicas: current, pods: Vec::new(), readings };
        // A wish of long ago, so that no window holds what there is.
        let mut memory = Memory { recommendations: vec![(at(-3599), 1)], ..Memory::default() };
        let decided = decide(&spec, &seen, Timing::default(), &mut memory, at(0)).desired(current);
        prop_assert!(decided >= current, "{current} to {decided}");
    }

    #[test]
    fn g7_no_more_pods_within_a_period_than_its_policy_allows(
        mut spec in spec(), policy in policy(), loads in prop::collection::vec(0..2_000_000_i64, 1..60),
    ) {
        let policy = Policy { kind: PolicyKind::Pods, ..policy };
        let mut behavior = Behavior::filled(300);
        behavior.up = Rules { window: 0, select: Select::Max, policies: vec![policy], tolerance: None };
        behavior.down = Rules { select: Select::Disabled, ..behavior.down };
        spec.behavior = Some(behavior);
        let loads: Vec<_> = loads.into_iter().map(Some).collect();
        let seen: Vec<Replicas> = run(&spec, spec.min, &loads).into_iter().map(|(_, _, desired)| desired).collect();
        let period = usize::try_from(policy.period).unwrap();
        for (i, replicas) in seen.iter().enumerate() {
            // A change made exactly a period ago does not count any more.
            let at_start = (15 * i).checked_sub(period).map_or(spec.min, |second| seen[second / 15]);
            prop_assert!(replicas - at_start <= policy.value, "{at_start} → {replicas} in {period} s");
        }
    }

    #[test]
    fn a_restart_forgets_nothing(spec in spec(), start in 1..60_i32, loads in prop::collection::vec(prop::option::of(0..2_000_000_i64), 2..40)) {
        let whole = run(&spec, start, &loads);
        // The same with the memory written down and read again before every decision.
        let (mut current, mut text) = (start, serde_json::to_string(&Memory::default()).unwrap());
        for ((second, load), (_, outcome, _)) in (0..).step_by(15).zip(&loads).zip(&whole) {
            let mut memory: Memory = serde_json::from_str(&text).unwrap();
            let seen = Observation {
                spec_replicas: current,
                status_replicas: current,
                pods: vec![pod(None); usize::try_from(current).unwrap()],
                readings: vec![load.map_or(MetricReading::Failed, |load| MetricReading::Values(vec![load]))],
            };
            let again = decide(&spec, &seen, Timing::default(), &mut memory, at(second));
            prop_assert_eq!(&again, outcome);
            let desired = again.desired(current);
            if desired != current {
                memory.scaled(spec.behavior.as_ref(), (current, desired), at(second));
            }
            current = desired;
            text = serde_json::to_string(&memory).unwrap();
        }
    }

    #[test]
    fn more_load_never_asks_for_fewer(version in version(), values in prop::collection::vec(0..100_000_i64, 1..20), more in 0..100_000_i64, target in 1..5000_i64) {
        let proposed = |values: &[i64]| {
            let pods: Vec<Pod> = values.iter().map(|value| pod(Some(*value))).collect();
            let current = Replicas::try_from(pods.len()).unwrap();
            let spec = HpaSpec {
                min: 1,
                max: Replicas::MAX,
                metrics: vec![Metric::Pods { target }],
                behavior: None,
                tolerance: Tolerance { down: 0.0, up: 0.0 },
                downscale_stabilisation: 0,
                version,
            };
            let seen = Observation {
                spec_replicas: current,
                status_replicas: current,
                pods: pods.clone(),
                readings: vec![MetricReading::Pods { pods, strays: Vec::new() }],
            };
            match decide(&spec, &seen, Timing::default(), &mut Memory::default(), at(0)) {
                Outcome::Metrics { combined, .. } => combined.replicas.unwrap(),
                other => panic!("{other:?}"),
            }
        };
        let mut raised = values.clone();
        raised[0] += more;
        prop_assert!(proposed(&raised) >= proposed(&values));
    }
}
