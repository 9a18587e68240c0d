use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A token bucket: so many calls at once, and then one each interval. Must be asked before every call that somebody else
/// can cause.
#[derive(Debug)]
pub struct Pace {
    /// How long one call takes to be earned.
    interval: Duration,
    /// The bucket is full when the next call was earned this long ago.
    full: Duration,
    /// When the next call was, or will be, earned.
    earned: Mutex<Option<Instant>>,
}

impl Pace {
    /// A full bucket of `burst` calls, to which one is added each interval.
    #[must_use]
    pub fn new(burst: u32, interval: Duration) -> Self {
        Self {
            interval,
            full: interval * burst.saturating_sub(1),
            earned: Mutex::new(None),
        }
    }

    /// Takes a call out of the bucket; how long to wait where it is empty.
    ///
    /// # Errors
    /// The time until the next call is earned.
    pub fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut earned = self.earned.lock().unwrap_or_else(PoisonError::into_inner);
        let fullest = now.checked_sub(self.full).unwrap_or(now);
        let next = earned.map_or(fullest, |earned| earned.max(fullest));
        if let Some(missing) = next.checked_duration_since(now).filter(|missing| !missing.is_zero()) {
            return Err(missing);
        }
        *earned = Some(next + self.interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_one_call_each_interval() {
        let second = Duration::from_secs(1);
        let (pace, start) = (Pace::new(3, second), Instant::now() + 10 * second);
        let taken = |after: Duration| pace.take(start + after);
        assert_eq!(
            [0; 4].map(|_| taken(Duration::ZERO)),
            [Ok(()), Ok(()), Ok(()), Err(second)]
        );
        assert_eq!(taken(second / 2), Err(second / 2));
        assert_eq!((taken(second), taken(second)), (Ok(()), Err(second)));
        // However long nobody calls, no more than the burst is saved up.
        let later = second * 3600;
        assert_eq!([0; 4].map(|_| taken(later)), [Ok(()), Ok(()), Ok(()), Err(second)]);
    }
}
