//! The cache in front of every call.

use super::allowance::Allowance;
use super::error::CarbonError;
use super::provider::{Ask, Provider, Told};
use jiff::Timestamp;
use moka::Expiry;
use moka::future::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Answers remembered at once; there are a few a provider.
const MAX_ANSWERS: u64 = 1024;

/// Answers of the last interval. Who asks for one that is under way waits for it; who asks for one that is there takes
/// it.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    cache: Cache<String, Answer>,
}

#[derive(Debug, Clone)]
struct Answer {
    told: Arc<[Told]>,
    holds: Duration,
}

/// How an answer was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The provider was asked.
    Called,
    /// Somebody else had asked the same.
    Shared,
}

/// Every answer holds as long as it says.
struct AsSaid;

impl Expiry<String, Answer> for AsSaid {
    fn expire_after_create(&self, _: &String, answer: &Answer, _: Instant) -> Option<Duration> {
        Some(answer.holds)
    }

    fn expire_after_update(&self, _: &String, answer: &Answer, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(answer.holds)
    }
}

impl Answers {
    pub(super) fn new() -> Self {
        let cache = Cache::builder().max_capacity(MAX_ANSWERS).expire_after(AsSaid).build();
        Self { cache }
    }

    /// The answer to an ask: the one at hand, or a new one within the allowance. Failures are not remembered, but who
    /// waits for a call shares its failure.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn get<P: Provider>(
        &self,
        provider: &P,
        ask: &Ask<P::Topic>,
        allowance: &Allowance,
        now: Timestamp,
    ) -> (Way, Result<Arc<[Told]>, Arc<CarbonError>>) {
        if ask.calls == 0 {
            let told = provider.fetch(&ask.topic, now).await;
            return (Way::Called, told.map(Into::into).map_err(Arc::new));
        }
        let called = AtomicBool::new(false);
        let call = async {
            called.store(true, Ordering::Relaxed);
            allowance.take(ask.calls).await?;
            let told = provider.fetch(&ask.topic, now).await?;
            // A little less than the interval, so that the next round finds it gone.
            let holds = ask.every.mul_f64(0.9);
            Ok(Answer {
                told: told.into(),
                holds,
            })
        };
        let answer = self.cache.try_get_with_by_ref(&ask.key, call).await;
        let way = if called.load(Ordering::Relaxed) {
            Way::Called
        } else {
            Way::Shared
        };
        (way, answer.map(|answer| answer.told))
    }
}
