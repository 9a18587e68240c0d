use crate::outbound::OutboundError;
use heliotrope_core::rightsizing::Signal;
use jiff::SignedDuration;

/// Why a reading does not count, or counts in part. Nothing here repeats what a tenant or a server wrote.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Cause {
    /// There is no Prometheus to ask.
    #[error("there is no prometheus to ask: set load.prometheus.url")]
    NoPrometheus,
    /// Queries of the tenants' own are not asked.
    #[error("queries are not asked here, presets are: load.queries")]
    QueriesOff,
    /// Too much is read at once.
    #[error("too much is being read at once: it did not come to its turn within load.timeout")]
    Busy,
    /// No answer in time.
    #[error("no answer within load.timeout")]
    Late,
    /// The call came to nothing.
    #[error("{who} {what}")]
    Call {
        /// Who was asked.
        who: &'static str,
        /// What came of it.
        what: String,
        /// The name of it in metrics.
        kind: &'static str,
    },
    /// It wants to know who asks, or does not take what it was shown.
    #[error("prometheus does not take who asks (401): {}", if *.shown { "it refuses what load.prometheus.access shows" } else { "it wants a token, a password or a header, which load.prometheus.access gives" })]
    Unauthorized {
        /// Whether it was shown anything.
        shown: bool,
    },
    /// It knows who asks, who may not.
    #[error(
        "prometheus does not let who asks read this (403): give the account of load.prometheus.access the right to query"
    )]
    Denied,
    /// What is to be shown cannot be read. The file is the operator's: it is named in the log.
    #[error("{key} names a file that cannot be used: heliotrope's log says why")]
    Key {
        /// The key in the settings.
        key: String,
    },
    /// It shows a certificate that is not trusted.
    #[error(
        "prometheus shows a certificate that is not trusted: load.prometheus.access.caFile names the authority that signed it"
    )]
    Certificate,
    /// The question is refused.
    #[error("prometheus refuses the query: try it there")]
    Refused,
    /// The target has no pods to read it of.
    #[error("the target has no pods")]
    NoPods,
    /// More pods than one question can name.
    #[error("the target has more pods than one question can name: give a query")]
    TooManyPods,
    /// Nobody said anything.
    #[error("no series: nobody exposes it for this target, or nobody collects it")]
    NoSeries,
    /// The API server knows no such metric.
    #[error("no such metric: no adapter serves it for this target")]
    NotServed,
    /// The API server knows no such kind.
    #[error("the api server knows no such kind of object")]
    NoKind,
    /// No pod has such a container.
    #[error("a pod has no container of this name")]
    NoContainer,
    /// Nobody can say how old it is.
    #[error("a value without a time, so that nobody can say how old it is")]
    Undated,
    /// From the future.
    #[error("a value of {} s from now: clocks differ", .0.as_secs())]
    Ahead(SignedDuration),
    /// A rate needs two samples.
    #[error("too few samples in the window for a rate")]
    TooFew,
    /// The last value is too old.
    #[error("the last value is {} s old, which is beyond load.freshFor", .0.as_secs())]
    Old(SignedDuration),
    /// A value that says nothing.
    #[error("{0} value(s) were NaN, infinite, negative or too large: they do not count")]
    NotNumbers(u64),
    /// Too long an answer.
    #[error("more than {0} series")]
    TooManySeries(usize),
    /// One pod, several series.
    #[error("several series are of one pod: add them up with `sum by (pod)`")]
    SeveralOfOnePod,
    /// No series bears the label with the pod.
    #[error("no series is of a pod of the target: the answer needs the label with the pod's name")]
    NoPodLabel,
    /// A percentile of each pod.
    #[error(
        "percentiles of pods must not be averaged: make it an External metric, then the pods' buckets are merged"
    )]
    AveragedPercentile,
    /// One value was expected.
    #[error("{0} series, where one is wanted")]
    NotOne(usize),
    /// Replicas whose metrics cannot be scraped say nothing of how they are.
    #[error("the metrics of {0} replica(s) cannot be scraped")]
    Unscraped(usize),
    /// Requests are being worked on and none was finished in the window.
    #[error("requests are under way and none was finished within the window")]
    NoneFinished,
}

impl Cause {
    /// What a failed call to Prometheus is told as.
    pub(super) fn of_prometheus(error: &OutboundError, shown: bool) -> Self {
        let what = match error {
            OutboundError::Status { status: 401, .. } => return Self::Unauthorized { shown },
            OutboundError::Status { status: 403, .. } => return Self::Denied,
            OutboundError::Access { key, .. } => return Self::Key { key: key.clone() },
            OutboundError::Certificate { .. } => return Self::Certificate,
            OutboundError::Status { status: 400 | 422, .. } => return Self::Refused,
            OutboundError::Status {
                status: status @ 300..=399,
                ..
            } => format!("answered {status}: load.prometheus.url must be the address that it points to"),
            OutboundError::Status { status, .. } => format!("answered {status}"),
            OutboundError::Transport { reason, .. } => format!("did not answer: {reason}"),
            OutboundError::TooLong { cap, .. } => format!("answered more than {cap} bytes"),
            OutboundError::Shape { .. } => "did not answer with an instant vector".to_owned(),
            OutboundError::Host { .. } | OutboundError::PlainHttp { .. } => {
                "may not be called: see outbound.allowHosts and outbound.allowPlainHttp".to_owned()
            }
            OutboundError::Client => "cannot be called".to_owned(),
        };
        Self::Call {
            who: "prometheus",
            what,
            kind: error.kind(),
        }
    }

    /// The name used in metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoPrometheus | Self::QueriesOff => "off",
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Call { kind, .. } => kind,
            Self::Unauthorized { .. } | Self::Denied => "denied",
            Self::Key { .. } => "key",
            Self::Certificate => "certificate",
            Self::Refused => "refused",
            Self::NoPods | Self::NoSeries | Self::NotServed | Self::NoKind | Self::TooFew | Self::NoneFinished => {
                "absent"
            }
            Self::Unscraped(_) => "unscraped",
            Self::Old(_) | Self::Ahead(_) => "stale",
            Self::NotNumbers(_) => "not-a-number",
            Self::TooManyPods | Self::TooManySeries(_) => "too-many",
            Self::AveragedPercentile
            | Self::SeveralOfOnePod
            | Self::NoPodLabel
            | Self::NoContainer
            | Self::Undated
            | Self::NotOne(_) => "shape",
        }
    }

    /// Whether something counts at an age. What is dated further ahead than it may be old would never grow stale.
    pub(super) fn of_age(age: SignedDuration, bound: SignedDuration) -> Result<(), Self> {
        if age > bound {
            return Err(Self::Old(age));
        }
        if age < -bound {
            return Err(Self::Ahead(-age));
        }
        Ok(())
    }

    /// What it leaves of a signal.
    pub(super) fn signal<T>(&self) -> Signal<T> {
        match self {
            Self::Old(age) => Signal::Stale(*age),
            _ => Signal::Absent,
        }
    }
}
