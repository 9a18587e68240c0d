use super::*;
use MetricKind::{External, Object, Pods, Resource};
use Target::{AverageValue, Utilisation, Value};
use std::collections::HashSet;

fn asked(kind: MetricKind, name: &str, target: Target) -> Asked {
    Asked {
        kind,
        name: name.to_owned(),
        labels: Vec::new(),
        target,
    }
}

fn queue() -> Asked {
    asked(MetricKind::Pods, "vllm_num_requests_waiting", Target::AverageValue(4.0))
}

fn with(metrics: Vec<Asked>) -> Subject {
    Subject {
        min: 1,
        max: 40,
        metrics,
        tolerance: 0.1,
        down_window: 300,
        down_disabled: false,
        up_disabled: false,
    }
}

fn one(kind: MetricKind, name: &str, target: Target) -> Subject {
    with(vec![asked(kind, name, target)])
}

fn faults(subject: &Subject) -> Vec<&'static str> {
    lint(subject).iter().map(|finding| finding.fault.code()).collect()
}

#[test]
fn a_queue_per_pod_is_faultless() {
    assert_eq!(faults(&with(vec![queue()])), [""; 0]);
    let triton = one(
        MetricKind::Pods,
        "nv_inference_pending_request_count",
        Target::AverageValue(8.0),
    );
    assert_eq!(faults(&triton), [""; 0], "a gauge whose name ends as a counter's");
    let rate = one(
        MetricKind::External,
        "http_requests_per_second",
        Target::AverageValue(30.0),
    );
    assert_eq!(faults(&rate), [""; 0]);
}

/// Where a metric comes from, its name, its target, and what is wrong with it.
const MISLED: &[(MetricKind, &str, Target, &[&str])] = &[
    (Resource, "cpu", Utilisation(70), &["only-cpu"]),
    (Pods, "http_requests_total", AverageValue(100.0), &["counter-as-gauge"]),
    (
        Pods,
        "vllm_request_success_total",
        AverageValue(100.0),
        &["counter-as-gauge"],
    ),
    (Pods, "tgi_request_count", AverageValue(100.0), &["counter-as-gauge"]),
    (
        External,
        "nv_inference_queue_duration_us",
        Value(5e5),
        &["counter-as-gauge"],
    ),
    (
        Pods,
        "vllm_time_to_first_token_seconds_bucket",
        AverageValue(1.0),
        &["histogram-as-gauge"],
    ),
    (
        Pods,
        "request_latency_p95",
        AverageValue(2.0),
        &["averaged-percentile", "latency-as-ratio"],
    ),
    (External, "request_latency_p95", Value(2.0), &["latency-as-ratio"]),
    (Object, "ttft_seconds", Value(1.0), &["latency-as-ratio"]),
    (
        Pods,
        "nv_inference_request_summary_us",
        AverageValue(1e6),
        &["averaged-percentile", "latency-as-ratio"],
    ),
    (
        Pods,
        "DCGM_FI_DEV_FB_USED",
        AverageValue(40_000.0),
        &["preallocated-memory"],
    ),
    (
        Pods,
        "DCGM_FI_DEV_FB_USED",
        AverageValue(4.0e10),
        &["wrong-unit", "preallocated-memory"],
    ),
    (Pods, "gpu_memory_used", AverageValue(4.0e10), &["preallocated-memory"]),
    (Pods, "DCGM_FI_DEV_GPU_UTIL", AverageValue(80.0), &["full-with-one"]),
    (
        Pods,
        "DCGM_FI_DEV_GPU_UTIL",
        AverageValue(0.8),
        &["wrong-unit", "full-with-one"],
    ),
    (Pods, "gpu_utilization", AverageValue(80.0), &["full-with-one"]),
    (Pods, "vllm_kv_cache_usage_perc", AverageValue(0.8), &["saturates"]),
    (Pods, "vllm_kv_cache_usage_perc", AverageValue(80.0), &["wrong-unit"]),
    (
        Pods,
        "vllm_gpu_cache_usage_perc",
        AverageValue(0.8),
        &["saturates", "old-name"],
    ),
    (
        Pods,
        "llamacpp_kv_cache_usage_ratio",
        AverageValue(0.8),
        &["saturates", "old-name"],
    ),
    (
        Pods,
        "llamacpp_requests_processing",
        AverageValue(2.0),
        &["never-reached"],
    ),
    (Pods, "llamacpp_requests_processing", AverageValue(0.7), &[]),
    (Pods, "vllm:num_requests_waiting", AverageValue(4.0), &["colon-in-name"]),
    (
        External,
        "wva_desired_replicas",
        AverageValue(1.0),
        &["swallowed-recommendation"],
    ),
    (
        External,
        "wva_desired_replicas",
        Value(1.0),
        &["swallowed-recommendation"],
    ),
];

#[test]
fn metrics_that_mislead() {
    for (kind, name, target, expected) in MISLED {
        assert_eq!(
            &faults(&one(*kind, name, *target)),
            expected,
            "{kind:?} {name} {target:?}"
        );
    }
}

#[test]
fn a_percentile_below_the_first_bucket_is_told() {
    let name = "vllm_e2e_request_latency_seconds";
    let of = |target| {
        let subject = one(MetricKind::External, name, Target::Value(target));
        faults(&subject).contains(&"below-first-bucket")
    };
    assert!(of(0.2) && !of(0.4));
}

#[test]
fn a_gauge_that_saturates_is_harmless_beside_a_queue() {
    let cache = asked(MetricKind::Pods, "vllm_kv_cache_usage_perc", Target::AverageValue(0.8));
    assert_eq!(faults(&with(vec![cache.clone()])), ["saturates"]);
    assert_eq!(faults(&with(vec![cache, queue()])), [""; 0]);
}

#[test]
fn bounds_and_behavior() {
    let good = with(vec![queue()]);
    let cases: [(Subject, &[&str]); 8] = [
        (
            Subject {
                min: 3,
                max: 2,
                ..good.clone()
            },
            &["crossed-bounds"],
        ),
        (
            Subject {
                min: 2,
                max: 2,
                ..good.clone()
            },
            &["fixed-replicas"],
        ),
        (Subject { min: 0, ..good.clone() }, &["zero-unseen"]),
        (
            Subject {
                up_disabled: true,
                ..good.clone()
            },
            &["never-up"],
        ),
        (
            Subject {
                down_disabled: true,
                ..good.clone()
            },
            &["never-down"],
        ),
        (
            Subject {
                down_window: 0,
                ..good.clone()
            },
            &["no-down-window"],
        ),
        (
            Subject {
                down_window: 0,
                down_disabled: true,
                ..good.clone()
            },
            &["never-down"],
        ),
        (
            Subject {
                metrics: vec![queue(), queue()],
                ..good
            },
            &["twice"],
        ),
    ];
    for (subject, expected) in cases {
        assert_eq!(faults(&subject), expected, "{subject:?}");
    }
    let external = asked(MetricKind::External, "sqs_messages", Target::AverageValue(5.0));
    assert_eq!(
        faults(&Subject {
            min: 0,
            ..with(vec![external])
        }),
        [""; 0]
    );
}

/// The figures in the sentence are those of the controller's arithmetic.
#[test]
fn what_the_tolerance_swallows_is_what_an_autoscaler_ignores() {
    use crate::rightsizing::hpa::Tolerance;
    let advised = one(MetricKind::External, "wva_desired_replicas", Target::AverageValue(1.0));
    for max in [10, 11, 20, 40, 55] {
        let subject = Subject { max, ..advised.clone() };
        let ignored =
            |current: i32, more: i32| f64::from(current + more) / f64::from(current) <= 1.0 + Tolerance::default().up;
        assert_eq!(!lint(&subject).is_empty(), ignored(max - 1, 1), "{max}");
    }
    let told = &lint(&advised)[0].what;
    assert!(told.contains("from 10 replicas") && told.contains("up to 4"), "{told}");
    assert_eq!(
        faults(&Subject {
            tolerance: 0.0,
            ..advised
        }),
        [""; 0]
    );
}

#[test]
fn the_worst_comes_first_and_every_code_is_its_own() {
    let cpu = asked(
        MetricKind::Pods,
        "vllm_gpu_cache_usage_perc",
        Target::AverageValue(80.0),
    );
    let found = lint(&Subject {
        min: 1,
        max: 1,
        ..with(vec![cpu])
    });
    assert!(
        found.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity())) && found.len() == 3,
        "{found:?}"
    );
    let codes: HashSet<&str> = Fault::ALL.iter().map(|fault| fault.code()).collect();
    assert_eq!(codes.len(), Fault::ALL.len());
}

#[test]
fn presets_are_told_for_what_they_hide_and_not_for_their_names() {
    use crate::rightsizing::serving::{Measure, Server};
    let codes = |server, measure, kind, target, beside: Vec<Asked>| {
        let subject = with(std::iter::once(queue()).chain(beside).collect());
        let found = source("sources[0].preset", (server, measure), (kind, target), &subject);
        assert!(found.iter().all(|finding| finding.key == "sources[0].preset"));
        found.iter().map(|finding| finding.fault.code()).collect::<Vec<_>>()
    };
    let alone = |server, measure, kind, target| codes(server, measure, kind, target, Vec::new());
    let (vllm, dcgm, llama) = (Server::Vllm, Server::Dcgm, Server::LlamaCpp);
    // The colon in its name is no matter to Prometheus, and a counter is asked for as a rate.
    assert_eq!(alone(vllm, Measure::QueueDepth, Pods, AverageValue(4.0)), [""; 0]);
    assert_eq!(alone(vllm, Measure::Requests, External, AverageValue(4.0)), [""; 0]);
    assert_eq!(
        alone(vllm, Measure::GpuMemory, Pods, AverageValue(4.0)),
        [""; 0],
        "not exposed"
    );
    let of_pods = alone(vllm, Measure::Latency, Pods, AverageValue(0.2));
    assert_eq!(
        of_pods,
        ["averaged-percentile", "latency-as-ratio", "below-first-bucket"]
    );
    assert_eq!(
        alone(vllm, Measure::FirstToken, External, Value(1.0)),
        ["latency-as-ratio"]
    );
    assert_eq!(
        alone(dcgm, Measure::GpuMemory, Pods, AverageValue(4e10)),
        ["wrong-unit", "preallocated-memory"]
    );
    assert_eq!(
        alone(dcgm, Measure::GpuUtilisation, Pods, AverageValue(0.8)),
        ["full-with-one"]
    );
    assert_eq!(alone(vllm, Measure::KvCache, Pods, AverageValue(0.8)), ["saturates"]);
    assert_eq!(
        codes(vllm, Measure::KvCache, Pods, AverageValue(0.8), vec![queue()]),
        [""; 0]
    );
    assert_eq!(
        alone(llama, Measure::Concurrency, Pods, AverageValue(2.0)),
        ["never-reached"]
    );
}

#[test]
fn a_limit_that_no_bucket_tells_apart_is_told() {
    use crate::quantity::Ratio;
    use crate::rightsizing::serving::{Measure, Server};
    let told = |measure, millis, calm| {
        let limit = jiff::SignedDuration::from_millis(millis);
        usize::from(
            objective(
                "latency.response",
                (Server::Vllm, measure),
                (limit, Ratio::new(calm).unwrap()),
            )
            .is_some(),
        )
    };
    assert_eq!(told(Measure::Latency, 2000, 0.7), 0);
    assert_eq!(told(Measure::Latency, 400, 0.7), 1, "calm is below 0.28 s");
    assert_eq!(
        told(Measure::FirstToken, 100, 0.7),
        0,
        "its buckets begin at a millisecond"
    );
}
