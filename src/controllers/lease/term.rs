use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The proof of being elected. Whoever writes asks [`Term::holds`] just before: a process that was suspended learns there
/// that its time is over, before anything has told it.
#[derive(Debug, Clone)]
pub struct Term {
    began: Instant,
    until: Arc<Mutex<Instant>>,
    ended: CancellationToken,
}

impl Term {
    /// A term that holds until a moment, unless it is renewed.
    #[must_use]
    pub fn new(until: Instant) -> Self {
        Self {
            began: Instant::now(),
            until: Arc::new(Mutex::new(until)),
            ended: CancellationToken::new(),
        }
    }

    /// Whether writes are still this process' to make.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.ended.is_cancelled() && Instant::now() < self.until()
    }

    /// How long ago it began.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Returns when the term is over.
    pub async fn over(&self) {
        self.ended.cancelled().await;
    }

    pub(super) fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves its end.
    pub fn renewed(&self, until: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    pub(super) fn end(&self) {
        self.ended.cancel();
    }
}
