//! How often a provider may be called.

use super::error::CarbonError;
use super::memory::OwnMemory;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What `callsPerHour` speaks of. It slides: in no hour are there more calls.
const HOUR: Duration = Duration::from_secs(3600);

/// One provider's budget of calls, and how long it has asked to be left alone. Shared by all that is asked of it.
#[derive(Debug)]
pub(super) struct Allowance {
    limit: Option<u32>,
    period: Duration,
    state: Mutex<State>,
    /// Where it is known over a restart.
    memory: Option<OwnMemory>,
}

#[derive(Debug, Default)]
struct State {
    /// Starts of the calls of the last hour; not more than the limit.
    calls: VecDeque<Instant>,
    held_until: Option<Instant>,
}

impl Allowance {
    /// So many calls in each hour.
    pub(super) fn new(limit: Option<u32>) -> Self {
        Self::within(HOUR, limit)
    }

    /// So many calls in each period.
    pub(super) fn within(period: Duration, limit: Option<u32>) -> Self {
        Self {
            limit,
            period,
            state: Mutex::default(),
            memory: None,
        }
    }

    /// The same, with the calls and the wish to be left alone that the process before this one left behind.
    pub(super) fn remembering(self, memory: OwnMemory) -> Self {
        let now = Instant::now();
        {
            let mut state = self.state();
            // An age that reaches back before the clock began is an hour ago and more, or as good as now.
            let calls = memory.calls().into_iter().filter(|age| *age < self.period);
            state.calls.extend(calls.map(|age| now.checked_sub(age).unwrap_or(now)));
            state.held_until = memory.held().map(|left| now + left);
        }
        Self {
            memory: Some(memory),
            ..self
        }
    }

    /// Takes calls out of the budget and has that written down, be they answered or not.
    ///
    /// # Errors
    /// When they are not in it; then none is taken.
    pub(super) async fn take(&self, calls: u32) -> Result<(), CarbonError> {
        let now = Instant::now();
        self.spend(calls, now)?;
        if let (Some(memory), Some(_)) = (&self.memory, self.limit) {
            let ages: Vec<Duration> = {
                let state = self.state();
                let ages = state.calls.iter().map(|call| now.saturating_duration_since(*call));
                ages.collect()
            };
            memory.keep_calls(ages.into_iter()).await;
        }
        Ok(())
    }

    /// The same, known to this process alone.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn spend(&self, calls: u32, now: Instant) -> Result<(), CarbonError> {
        let Some(limit) = self.limit else { return Ok(()) };
        let mut state = self.state();
        state.forget(now, self.period);
        if state.calls.len() + calls as usize > limit as usize {
            return Err(CarbonError::Budget { limit });
        }
        state.calls.extend((0..calls).map(|_| now));
        Ok(())
    }

    /// The limit and how many calls are left of it now; nothing where there is no limit.
    pub(super) fn left(&self, now: Instant) -> Option<(u32, u32)> {
        let limit = self.limit?;
        let mut state = self.state();
        state.forget(now, self.period);
        let spent = u32::try_from(state.calls.len()).unwrap_or(u32::MAX);
        Some((limit, limit.saturating_sub(spent)))
    }

    /// Nobody calls for a while.
    pub(super) async fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        {
            let mut state = self.state();
            state.held_until = state.held_until.max(Some(until));
        }
        if let Some(memory) = &self.memory {
            memory.keep_hold(wait).await;
        }
    }

    /// Waits until calls are not held any more.
    pub(super) async fn held(&self) {
        loop {
            let until = self.state().held_until;
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now: Instant, period: Duration) {
        while self
            .calls
            .front()
            .is_some_and(|call| now.saturating_duration_since(*call) >= period)
        {
            self.calls.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_slides() {
        let (allowance, start) = (Allowance::new(Some(3)), Instant::now());
        allowance.spend(2, start).unwrap();
        let later = start + HOUR / 2;
        assert!(matches!(
            allowance.spend(2, later),
            Err(CarbonError::Budget { limit: 3 })
        ));
        assert_eq!(allowance.left(later), Some((3, 1)), "a refused call costs nothing");
        allowance.spend(1, later).unwrap();
        let next = start + HOUR;
        assert_eq!(allowance.left(next), Some((3, 2)), "the first two are an hour ago");
        allowance.spend(2, next).unwrap();
        assert!(allowance.spend(1, next).is_err());
        assert_eq!(Allowance::new(None).left(next), None, "no limit, nothing to show");
    }

    #[tokio::test]
    async fn a_hold_is_never_shortened() {
        let (allowance, start) = (Allowance::new(None), Instant::now());
        allowance.held().await;
        assert!(start.elapsed() < Duration::from_millis(50));
        allowance.hold(Duration::from_millis(120)).await;
        allowance.hold(Duration::from_millis(5)).await;
        allowance.held().await;
        assert!(start.elapsed() >= Duration::from_millis(120));
    }
}
