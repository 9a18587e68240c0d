use super::cause::Cause;
use heliotrope_core::rightsizing::Signal;
use heliotrope_core::rightsizing::hpa::MetricReading;
use jiff::SignedDuration;
use std::fmt;

/// What was read for one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// A reading for each source, in their order. One that is absent or stale is `Failed`.
    pub readings: Vec<MetricReading>,
    /// Whether it counts, and how old it is if not, in the same order.
    pub presence: Vec<Signal<()>>,
    /// The latency asked for; zero where there are no requests at all. Absent where none was asked for.
    pub latency: Signal<SignedDuration>,
    /// The age of the queue asked for. Absent where none was asked for.
    pub queue_age: Signal<SignedDuration>,
    /// Why something does not count, or counts in part.
    pub problems: Vec<Problem>,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The source of this place.
    Metric(usize),
    /// The latency.
    Latency,
    /// The age of the queue.
    QueueAge,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metric(ix) => write!(f, "metrics[{ix}]"),
            Self::Latency => f.write_str("latency.response"),
            Self::QueueAge => f.write_str("latency.queueAge"),
        }
    }
}

/// Something that was not read, or not in full. As text it has the key and the cause, and no word that a tenant wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// About what.
    pub of: Subject,
    /// The metric, where it is one of the table of model servers.
    pub metric: Option<&'static str>,
    /// Why.
    pub cause: Cause,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.metric {
            Some(metric) => write!(f, "{} ({metric}): {}", self.of, self.cause),
            None => write!(f, "{}: {}", self.of, self.cause),
        }
    }
}
