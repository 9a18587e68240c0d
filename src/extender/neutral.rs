/// Why an answer is neutral: every node is offered back, with equal scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neutral {
    /// The watches have not listed everything yet.
    NotReady,
    /// The writer has not published for too long.
    StaleSnapshot,
    /// Too many requests at once.
    Overloaded,
    /// The body, or the reading of it, took too long.
    Late,
    /// A bug: it is counted, and it must not stop scheduling.
    Internal,
}

impl Neutral {
    /// The name used in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NotReady => "neutral-not-ready",
            Self::StaleSnapshot => "neutral-stale-snapshot",
            Self::Overloaded => "neutral-overloaded",
            Self::Late => "neutral-late",
            Self::Internal => "neutral-internal",
        }
    }
}
