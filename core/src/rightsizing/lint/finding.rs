use serde::{Serialize, Serializer};
use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// It works, and wastes.
    Advice,
    /// It does something else than what it looks like.
    Warning,
    /// It cannot work.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// What can be wrong. The names are stable: scripts select by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// `minReplicas` above `maxReplicas`.
    Crossed,
    /// Both are the same.
    Fixed,
    /// Zero replicas with metrics that only replicas have.
    ZeroUnseen,
    /// It can only grow.
    NeverDown,
    /// It can only shrink.
    NeverUp,
    /// It follows every dip.
    NoDownWindow,
    /// CPU of a workload whose work is on a GPU.
    OnlyCpu,
    /// A percentile of each pod, averaged.
    AveragedPercentile,
    /// A duration, as if it were proportional to the load of a replica.
    LatencyAsRatio,
    /// A sum since the start, as if it were a value of now.
    CounterAsGauge,
    /// A histogram, as if it were a value.
    HistogramAsGauge,
    /// Memory that is taken at the start.
    PreallocatedMemory,
    /// A gauge that one request fills.
    FullWithOne,
    /// A gauge that is never above 1.
    Saturates,
    /// A gauge that is never above the target.
    NeverReached,
    /// A target in another unit.
    WrongUnit,
    /// A target that no bucket can tell apart.
    BelowFirstBucket,
    /// A name that the server does not expose any more, or not for long.
    OldName,
    /// A name that adapters cannot serve.
    ColonInName,
    /// A recommendation of another program, which the tolerance swallows.
    SwallowedRecommendation,
    /// The same metric twice.
    Twice,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 21] = [
        Self::Crossed,
        Self::Fixed,
        Self::ZeroUnseen,
        Self::NeverDown,
        Self::NeverUp,
        Self::NoDownWindow,
        Self::OnlyCpu,
        Self::AveragedPercentile,
        Self::LatencyAsRatio,
        Self::CounterAsGauge,
        Self::HistogramAsGauge,
        Self::PreallocatedMemory,
        Self::FullWithOne,
        Self::Saturates,
        Self::NeverReached,
        Self::WrongUnit,
        Self::BelowFirstBucket,
        Self::OldName,
        Self::ColonInName,
        Self::SwallowedRecommendation,
        Self::Twice,
    ];

    /// Its name in output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Crossed => "crossed-bounds",
            Self::Fixed => "fixed-replicas",
            Self::ZeroUnseen => "zero-unseen",
            Self::NeverDown => "never-down",
            Self::NeverUp => "never-up",
            Self::NoDownWindow => "no-down-window",
            Self::OnlyCpu => "only-cpu",
            Self::AveragedPercentile => "averaged-percentile",
            Self::LatencyAsRatio => "latency-as-ratio",
            Self::CounterAsGauge => "counter-as-gauge",
            Self::HistogramAsGauge => "histogram-as-gauge",
            Self::PreallocatedMemory => "preallocated-memory",
            Self::FullWithOne => "full-with-one",
            Self::Saturates => "saturates",
            Self::NeverReached => "never-reached",
            Self::WrongUnit => "wrong-unit",
            Self::BelowFirstBucket => "below-first-bucket",
            Self::OldName => "old-name",
            Self::ColonInName => "colon-in-name",
            Self::SwallowedRecommendation => "swallowed-recommendation",
            Self::Twice => "twice",
        }
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::Crossed
            | Self::ZeroUnseen
            | Self::NeverUp
            | Self::CounterAsGauge
            | Self::HistogramAsGauge
            | Self::WrongUnit
            | Self::NeverReached => Severity::Error,
            Self::OnlyCpu
            | Self::AveragedPercentile
            | Self::LatencyAsRatio
            | Self::PreallocatedMemory
            | Self::FullWithOne
            | Self::Saturates
            | Self::BelowFirstBucket
            | Self::ColonInName
            | Self::SwallowedRecommendation
            | Self::NoDownWindow => Severity::Warning,
            Self::Fixed | Self::NeverDown | Self::OldName | Self::Twice => Severity::Advice,
        }
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// Where in the spec, as a path of keys.
    pub key: String,
    /// What will happen.
    pub what: String,
    /// What to do.
    pub instead: String,
}

impl Finding {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.fault.severity()
    }
}
