use super::ask::{Duration, DurationSource, Horizon, MIN_DURATION};
use super::rules::WorkloadRules;
use jiff::SignedDuration;

impl DurationSource {
    /// The name used in metrics and explanations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Annotation => "annotation",
            Self::History { .. } => "history",
            Self::Volume => "volume",
            Self::Default => "default",
        }
    }
}

impl Duration {
    /// Takes what is known of the owner's runs instead of the default; what the pod itself says comes first, and a service
    /// does not end. Within what the administrator allows.
    pub fn of_runs(&mut self, rules: &WorkloadRules, median: impl FnOnce() -> Option<(SignedDuration, u32)>) {
        if self.source != DurationSource::Default || self.horizon != Horizon::Job {
            return;
        }
        if let Some((span, runs)) = median() {
            self.span = span.clamp(MIN_DURATION, rules.max_duration.max(MIN_DURATION));
            self.source = DurationSource::History { runs };
        }
    }

    /// What the pod leaves behind outlasts it, whatever it says of itself.
    pub fn of_volume(&mut self, rules: &WorkloadRules) {
        *self = Self {
            span: rules.volume_horizon,
            source: DurationSource::Volume,
            horizon: Horizon::Volume,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody remembers runs of services; should somebody, they say nothing of how long one that does not end is there.
    #[test]
    fn runs_count_for_what_ends_and_for_nothing_else() {
        let rules = WorkloadRules::default();
        for (horizon, taken) in [
            (Horizon::Job, true),
            (Horizon::Service, false),
            (Horizon::Volume, false),
        ] {
            let before = Duration {
                span: rules.job_duration,
                source: DurationSource::Default,
                horizon,
            };
            let mut after = before;
            after.of_runs(&rules, || Some((SignedDuration::from_mins(7), 3)));
            assert_eq!(after != before, taken, "{horizon:?}");
        }
    }
}
