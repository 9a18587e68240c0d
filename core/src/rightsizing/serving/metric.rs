use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// Who exposes a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Server {
    /// vLLM, engine V1.
    Vllm,
    /// SGLang, started with `--enable-metrics`.
    Sglang,
    /// NVIDIA Triton Inference Server.
    Triton,
    /// Hugging Face Text Generation Inference.
    Tgi,
    /// `llama-server` of llama.cpp, started with `--metrics`.
    LlamaCpp,
    /// NVIDIA DCGM exporter.
    Dcgm,
}

/// What a metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// Requests that wait.
    QueueDepth,
    /// How long requests wait.
    QueueTime,
    /// Requests that are worked on.
    Concurrency,
    /// Requests that were answered.
    Requests,
    /// From a request's arrival to its last token.
    Latency,
    /// From a request's arrival to its first token.
    FirstToken,
    /// From one token to the next.
    TokenLatency,
    /// How full the cache of keys and values is.
    KvCache,
    /// Memory of a GPU in use.
    GpuMemory,
    /// Share of the time in which a GPU did anything.
    GpuUtilisation,
}

impl Measure {
    /// Whether it is a duration of single requests, of which percentiles are wanted.
    #[must_use]
    pub fn is_latency(self) -> bool {
        matches!(
            self,
            Self::QueueTime | Self::Latency | Self::FirstToken | Self::TokenLatency
        )
    }
}

/// How the series behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A value of now.
    Gauge,
    /// A sum since the start, of which a rate can be taken.
    Counter,
    /// Counters by upper bound (`_bucket`, `_sum`, `_count`), which can be added up over replicas.
    Histogram,
    /// Percentiles that the server computed itself, which cannot.
    Summary,
}

/// The unit of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Requests.
    Requests,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// 0 to 1.
    Ratio,
    /// 0 to 100.
    Percent,
    /// Bytes.
    Bytes,
    /// 2^20 bytes.
    Mebibytes,
}

impl Unit {
    /// What a target in this unit can be meant to be. Wide: it is to find values of another unit, not unusual ones.
    #[must_use]
    pub fn targets(self) -> RangeInclusive<f64> {
        match self {
            Self::Requests => 0.0..=1e6,
            // A millisecond to an hour.
            Self::Seconds => 1e-3..=3.6e3,
            Self::Milliseconds => 1.0..=3.6e6,
            Self::Microseconds => 1e3..=3.6e9,
            Self::Ratio => 0.0..=1.0,
            Self::Percent => 1.0..=100.0,
            // 64 MiB to 1 TiB: no board has more, and no server less in use.
            Self::Bytes => 6.7e7..=1.1e12,
            Self::Mebibytes => 64.0..=1_048_576.0,
        }
    }

    /// Seconds that one unit is; nothing for units that are no time.
    #[must_use]
    pub fn seconds(self) -> Option<f64> {
        match self {
            Self::Seconds => Some(1.0),
            Self::Milliseconds => Some(1e-3),
            Self::Microseconds => Some(1e-6),
            _ => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Ratio => "a share from 0 to 1",
            Self::Percent => "per cent",
            Self::Bytes => "bytes",
            Self::Mebibytes => "MiB",
        })
    }
}

/// Why a metric misleads who scales by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Caveat {
    /// The server takes its memory at the start, whatever comes.
    Preallocated,
    /// One request is enough to fill it.
    FullWithOne,
    /// It is never above 1, so that its ratio to a target is never above one over the target.
    Saturates,
    /// It is never above the places that the server has, 1 unless it was started with more.
    BoundedBySlots,
    /// It depends on how long questions and answers are.
    DependsOnTokens,
    /// Its buckets begin at 0.3 s unless others were given: what is below cannot be told apart.
    FirstBucket,
    /// Newer builds of the server do not expose it any more.
    Withdrawn,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServingMetric {
    /// Who exposes it.
    pub server: Server,
    /// What it is about.
    pub measure: Measure,
    /// As exposed; of a histogram without `_bucket`.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its unit.
    pub unit: Unit,
    /// The name that has replaced it, if one has.
    pub replaced_by: Option<&'static str>,
    /// Why it misleads.
    pub caveats: &'static [Caveat],
}

impl ServingMetric {
    /// Whether it misleads in this way.
    #[must_use]
    pub fn is(&self, caveat: Caveat) -> bool {
        self.caveats.contains(&caveat)
    }
}
