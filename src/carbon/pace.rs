//! When to ask again.

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;

/// Failing calls are never further apart than this many intervals, and as many again by chance.
const SLOWEST: u32 = 4;

/// The time from one ask to the next.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    interval: Duration,
    failing: Option<ExponentialBackoff>,
}

impl Pace {
    /// A pace of one ask every so often while all is well; `interval` is what the settings say for the provider.
    pub(super) fn new(every: Duration, interval: Duration) -> Self {
        Self {
            every,
            interval,
            failing: None,
        }
    }

    /// After an answer.
    pub(super) fn after_answer(&mut self) -> Duration {
        self.failing = None;
        self.every
    }

    /// After a failure: one interval, two, four, each with up to as much again by chance, so that many clients of a server
    /// that comes back do not all come at once. Never less than the interval.
    pub(super) fn after_failure(&mut self) -> Duration {
        let interval = self.interval;
        let failing = self.failing.get_or_insert_with(|| {
            ExponentialBuilder::new()
                .with_min_delay(interval)
                .with_factor(2.0)
                .with_max_delay(interval.saturating_mul(SLOWEST))
                .without_max_times()
                .with_jitter()
                .build()
        });
        failing.next().unwrap_or(interval).max(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_slow_down_and_an_answer_ends_that() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(second * 10, second);
        for times in [1, 2, 4, 4, 4] {
            let wait = pace.after_failure();
            assert!(
                (second * times..=second * times * 2).contains(&wait),
                "{wait:?} instead of {times} s"
            );
        }
        assert_eq!(pace.after_answer(), second * 10);
        assert!(pace.after_failure() <= second * 2, "it starts anew");
    }
}
