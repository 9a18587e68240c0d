use super::metric::Caveat::{
    BoundedBySlots, DependsOnTokens, FirstBucket, FullWithOne, Preallocated, Saturates, Withdrawn,
};
use super::metric::Kind::{Counter, Gauge, Histogram, Summary};
use super::metric::Measure::{
    Concurrency, FirstToken, GpuMemory, GpuUtilisation, KvCache, Latency, QueueDepth, QueueTime, Requests,
    TokenLatency,
};
use super::metric::Server::{Dcgm, LlamaCpp, Sglang, Tgi, Triton, Vllm};
use super::metric::{Caveat, Kind, Measure, Server, ServingMetric, Unit};

const fn row(
    server: Server,
    measure: Measure,
    name: &'static str,
    kind: Kind,
    unit: Unit,
    caveats: &'static [Caveat],
) -> ServingMetric {
    ServingMetric {
        server,
        measure,
        name,
        kind,
        unit,
        replaced_by: None,
        caveats,
    }
}

const fn old(row: ServingMetric, new: &'static str) -> ServingMetric {
    ServingMetric {
        replaced_by: Some(new),
        ..row
    }
}

/// Every metric known. Of several of one server and measure the first is to be taken.
///
/// Each server's rows say the source that they were read in: repository, files, version. Names, kinds, units and labels are those
/// of the code there and not of its documentation.
pub const TABLE: &[ServingMetric] = &[
    // vllm-project/vllm, vllm/v1/metrics/loggers.py and buckets.py, 0.33.0. Counters get `_total` from the Python client. One series for
    // each engine (`model_name`, `engine`; requests also `finished_reason`, those that were given up included). Requests that wait are
    // also told by `reason`, capacity or deferred; here they are all of them. The names that were replaced are gone from it.
    row(
        Vllm,
        QueueDepth,
        "vllm:num_requests_waiting",
        Gauge,
        Unit::Requests,
        &[],
    ),
    row(
        Vllm,
        Concurrency,
        "vllm:num_requests_running",
        Gauge,
        Unit::Requests,
        &[],
    ),
    row(
        Vllm,
        Requests,
        "vllm:request_success_total",
        Counter,
        Unit::Requests,
        &[],
    ),
    row(
        Vllm,
        QueueTime,
        "vllm:request_queue_time_seconds",
        Histogram,
        Unit::Seconds,
        &[FirstBucket],
    ),
    row(
        Vllm,
        FirstToken,
        "vllm:time_to_first_token_seconds",
        Histogram,
        Unit::Seconds,
        &[],
    ),
    row(
        Vllm,
        TokenLatency,
        "vllm:inter_token_latency_seconds",
        Histogram,
        Unit::Seconds,
        &[],
    ),
    row(
        Vllm,
        TokenLatency,
        "vllm:request_time_per_output_token_seconds",
        Histogram,
        Unit::Seconds,
        &[],
    ),
    old(
        row(
            Vllm,
            TokenLatency,
            "vllm:time_per_output_token_seconds",
            Histogram,
            Unit::Seconds,
            &[],
        ),
        "vllm:request_time_per_output_token_seconds",
    ),
    row(
        Vllm,
        Latency,
        "vllm:e2e_request_latency_seconds",
        Histogram,
        Unit::Seconds,
        &[DependsOnTokens, FirstBucket],
    ),
    row(
        Vllm,
        KvCache,
        "vllm:kv_cache_usage_perc",
        Gauge,
        Unit::Ratio,
        &[Saturates],
    ),
    old(
        row(
            Vllm,
            KvCache,
            "vllm:gpu_cache_usage_perc",
            Gauge,
            Unit::Ratio,
            &[Saturates],
        ),
        "vllm:kv_cache_usage_perc",
    ),
    // sgl-project/sglang, python/sglang/srt/observability/metrics_collector.py, 0.5.23, with `--enable-metrics`. Labels `model_name`,
    // `engine_type`, `tp_rank`, `pp_rank`, `dp_rank`: with pipelines every stage tells of the same requests, and `pp_rank: "0"` narrows it.
    row(Sglang, QueueDepth, "sglang:num_queue_reqs", Gauge, Unit::Requests, &[]),
    row(
        Sglang,
        Concurrency,
        "sglang:num_running_reqs",
        Gauge,
        Unit::Requests,
        &[],
    ),
    row(
        Sglang,
        Requests,
        "sglang:num_requests_total",
        Counter,
        Unit::Requests,
        &[],
    ),
    row(
        Sglang,
        QueueTime,
        "sglang:queue_time_seconds",
        Histogram,
        Unit::Seconds,
        &[],
    ),
    row(
        Sglang,
        FirstToken,
        "sglang:time_to_first_token_seconds",
        Histogram,
        Unit::Seconds,
        &[],
    ),
    row(
        Sglang,
        TokenLatency,
        "sglang:inter_token_latency_seconds",
        Histogram,
        Unit::Seconds,
        &[],
    ),
    row(
        Sglang,
        Latency,
        "sglang:e2e_request_latency_seconds",
        Histogram,
        Unit::Seconds,
        &[DependsOnTokens],
    ),
    row(Sglang, KvCache, "sglang:token_usage", Gauge, Unit::Ratio, &[Saturates]),
    // triton-inference-server/core, src/metrics.cc, metric_model_reporter.cc and infer_response.cc at 73aad7c (2026-06-09). Labels
    // `model` and `version`, of boards `gpu_uuid`. The summary is exposed with `--metrics-config summary_latencies=true`, the histogram
    // with `histogram_latencies=true`: of a model that is not decoupled the first response is the whole. Its bounds are 100, 500, 2000
    // and 5000 ms unless others are given.
    row(
        Triton,
        QueueDepth,
        "nv_inference_pending_request_count",
        Gauge,
        Unit::Requests,
        &[],
    ),
    row(
        Triton,
        Requests,
        "nv_inference_request_success",
        Counter,
        Unit::Requests,
        &[],
    ),
    row(
        Triton,
        QueueTime,
        "nv_inference_queue_duration_us",
        Counter,
        Unit::Microseconds,
        &[],
    ),
    row(
        Triton,
        Latency,
        "nv_inference_request_duration_us",
        Counter,
        Unit::Microseconds,
        &[],
    ),
    row(
        Triton,
        Latency,
        "nv_inference_request_summary_us",
        Summary,
        Unit::Microseconds,
        &[],
    ),
    row(
        Triton,
        FirstToken,
        "nv_inference_first_response_histogram_ms",
        Histogram,
        Unit::Milliseconds,
        &[],
    ),
    row(
        Triton,
        GpuMemory,
        "nv_gpu_memory_used_bytes",
        Gauge,
        Unit::Bytes,
        &[Preallocated],
    ),
    row(
        Triton,
        GpuUtilisation,
        "nv_gpu_utilization",
        Gauge,
        Unit::Ratio,
        &[FullWithOne, Saturates],
    ),
    // huggingface/text-generation-inference, router/src/server.rs and backends/v3/src/{backend,queue}.rs, v3.3.7, the last release.
    // Durations are histograms of 35 bounds from 0.15 ms on, each half as much again as the one before.
    row(Tgi, QueueDepth, "tgi_queue_size", Gauge, Unit::Requests, &[]),
    row(Tgi, Concurrency, "tgi_batch_current_size", Gauge, Unit::Requests, &[]),
    row(Tgi, Requests, "tgi_request_success", Counter, Unit::Requests, &[]),
    row(Tgi, Requests, "tgi_request_count", Counter, Unit::Requests, &[]),
    row(
        Tgi,
        QueueTime,
        "tgi_request_queue_duration",
        Histogram,
        Unit::Seconds,
        &[],
    ),
    row(
        Tgi,
        TokenLatency,
        "tgi_request_mean_time_per_token_duration",
        Histogram,
        Unit::Seconds,
        &[],
    ),
    row(
        Tgi,
        Latency,
        "tgi_request_duration",
        Histogram,
        Unit::Seconds,
        &[DependsOnTokens],
    ),
    // ggml-org/llama.cpp, tools/server/server-task.cpp, build 11434. No labels. A router of several models wants `?model=` on `/metrics`.
    row(
        LlamaCpp,
        QueueDepth,
        "llamacpp:requests_deferred",
        Gauge,
        Unit::Requests,
        &[],
    ),
    row(
        LlamaCpp,
        Concurrency,
        "llamacpp:requests_processing",
        Gauge,
        Unit::Requests,
        &[BoundedBySlots],
    ),
    row(
        LlamaCpp,
        KvCache,
        "llamacpp:kv_cache_usage_ratio",
        Gauge,
        Unit::Ratio,
        &[Saturates, Withdrawn],
    ),
    // NVIDIA/dcgm-exporter, etc/default-counters.csv, 4.5.3-4.8.2. `pod` and `namespace` are of who holds the board.
    row(
        Dcgm,
        GpuMemory,
        "DCGM_FI_DEV_FB_USED",
        Gauge,
        Unit::Mebibytes,
        &[Preallocated],
    ),
    row(
        Dcgm,
        GpuUtilisation,
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
        Gauge,
        Unit::Ratio,
        &[FullWithOne, Saturates],
    ),
    row(
        Dcgm,
        GpuUtilisation,
        "DCGM_FI_DEV_GPU_UTIL",
        Gauge,
        Unit::Percent,
        &[FullWithOne, Saturates],
    ),
];

/// The metric to take of a server for a measure; nothing where it exposes none.
#[must_use]
pub fn of(server: Server, measure: Measure) -> Option<&'static ServingMetric> {
    TABLE
        .iter()
        .find(|row| row.server == server && row.measure == measure && !row.is(Withdrawn))
}

/// The row that a metric's name stands for. Adapters write `_` for `:`, and the parts of a histogram have names of their
/// own.
#[must_use]
pub fn recognise(name: &str) -> Option<&'static ServingMetric> {
    let same = |a: &str, b: &str| {
        a.len() == b.len()
            && a.bytes().zip(b.bytes()).all(|(a, b)| {
                let plain = |byte: u8| if byte == b':' { b'_' } else { byte.to_ascii_lowercase() };
                plain(a) == plain(b)
            })
    };
    let parts = ["_bucket", "_sum", "_count"];
    let whole = parts.iter().find_map(|part| name.strip_suffix(part));
    TABLE
        .iter()
        .find(|row| same(row.name, name) || whole.is_some_and(|whole| row.kind == Histogram && same(row.name, whole)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_name_stands_twice_and_none_is_mistaken_for_another() {
        let names: BTreeSet<&str> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for row in TABLE {
            assert_eq!(recognise(row.name), Some(row), "{}", row.name);
        }
    }

    #[test]
    fn names_are_recognised_as_adapters_write_them() {
        let name = |name| recognise(name).map(|row| row.name);
        assert_eq!(name("vllm_num_requests_waiting"), Some("vllm:num_requests_waiting"));
        assert_eq!(
            name("vllm:time_to_first_token_seconds_bucket"),
            Some("vllm:time_to_first_token_seconds")
        );
        assert_eq!(name("dcgm_fi_dev_fb_used"), Some("DCGM_FI_DEV_FB_USED"));
        assert_eq!(name("vllm:num_requests_waiting_sum"), None, "a gauge has no parts");
        assert_eq!(name("http_requests"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn what_has_replaced_a_name_is_in_the_table_and_is_not_old_itself() {
        for row in TABLE {
            let Some(new) = row.replaced_by else { continue };
            let found = recognise(new).unwrap();
            assert_eq!(
                (found.replaced_by, found.server, found.measure),
                (None, row.server, row.measure)
            );
        }
    }

    #[test]
    fn every_server_has_a_metric_to_scale_by() {
        for server in [Vllm, Sglang, Triton, Tgi, LlamaCpp] {
            let row = of(server, QueueDepth).unwrap();
            assert_eq!(
                (row.kind, row.replaced_by, row.caveats),
                (Gauge, None, [].as_slice()),
                "{server:?}"
            );
        }
    }
}
