//! Who somebody is to the cluster, and what they may read there.
//!
//! Owns the two questions that Kubernetes has for it (`TokenReview`, `SubjectAccessReview`) and the short memory of their answers
//! ([`Reviews`]). A bearer token and a namespace come in, a [`Verdict`] leaves. The API server keeps nothing of either
//! question. Must never keep, log or repeat a token (what is remembered is its SHA-256), and never take silence for a yes.

mod ask;
mod wire;

use super::pace::Pace;
use ask::Asking;
use kube::Client;
use moka::Expiry;
use moka::future::Cache;
use ring::digest::{SHA256, digest};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use wire::User;

/// The audience of tokens that are good for Heliotrope alone.
pub const AUDIENCE: &str = "heliotrope";

/// Each of the two answers is remembered this long where it is a yes. A right can be judged with an identity that is as old
/// as this, so what is taken away works for twice as long at most: a minute.
const YES_FOR: Duration = Duration::from_secs(30);
/// The same where it is a no: short, for who is given a right meanwhile does not want to wait.
const NO_FOR: Duration = Duration::from_secs(5);
/// Rights remembered.
const MAX_RIGHTS: u64 = 4096;
/// Bytes of identities remembered.
const MAX_IDENTITIES: u64 = 4 * 1024 * 1024;
/// What an identity weighs besides its words.
const IDENTITY: usize = 256;
/// Questions under way at once.
const PLACES: usize = 8;
/// Questions in a burst; afterwards one each [`EARNED`]. A token that was never seen costs up to three.
const BURST: u32 = 60;
/// Twenty a second: little to an API server, and plenty for people.
const EARNED: Duration = Duration::from_millis(50);

/// What the API server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It knows the token, and its bearer may.
    Allowed,
    /// It knows the token, and its bearer may not.
    Denied,
    /// It does not know the token.
    Unknown,
}

/// Why there is no verdict. None of it holds a word of what was asked or answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// Too many questions in a short time.
    #[error("too many questions about callers in a short time")]
    Busy,
    /// We may not ask.
    #[error("the api server does not let us ask: grant create on tokenreviews and subjectaccessreviews")]
    Forbidden,
    /// It answered with an error.
    #[error("the api server answered {0}")]
    Status(u16),
    /// It did not answer, or not in time.
    #[error("the api server did not answer: {0}")]
    Silent(&'static str),
    /// It answered something else.
    #[error("the api server answered something else than a review")]
    Shape,
}

/// SHA-256 of a token.
type TokenHash = [u8; 32];

/// Asks the API server about callers.
pub struct Reviews {
    asking: Asking,
    /// `None` for a token that the API server does not know.
    identities: Cache<TokenHash, Option<Arc<User>>>,
    rights: Cache<(TokenHash, Option<Arc<str>>), bool>,
    /// Whether the last question came to nothing, so that an outage is told once.
    failing: AtomicBool,
}

impl std::fmt::Debug for Reviews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reviews").finish_non_exhaustive()
    }
}

impl Reviews {
    /// Asks through a client that may create both reviews.
    #[must_use]
    pub fn new(client: Client) -> Self {
        let weigh = |_: &TokenHash, user: &Option<Arc<User>>| {
            let words = user.as_ref().map_or(0, |user| user.weight());
            u32::try_from(IDENTITY + words).unwrap_or(u32::MAX)
        };
        let identities = Cache::builder().max_capacity(MAX_IDENTITIES).weigher(weigh);
        let rights = Cache::builder().max_capacity(MAX_RIGHTS);
        Self {
            asking: Asking {
                client,
                pace: Pace::new(BURST, EARNED),
                places: Semaphore::new(PLACES),
            },
            identities: identities.expire_after(ByAnswer(Option::is_some)).build(),
            rights: rights.expire_after(ByAnswer(|allowed| *allowed)).build(),
            failing: AtomicBool::new(false),
        }
    }

    /// Whether the bearer of a token may get pods in a namespace, or in all of them where none is named.
    ///
    /// # Errors
    /// When nobody knows: see [`ReviewError`]. It is no yes.
    pub async fn may_get_pods(&self, token: &str, namespace: Option<&str>) -> Result<Verdict, ReviewError> {
        let judged = self.judge(token, namespace).await;
        match &judged {
            Ok(_) if self.failing.swap(false, Ordering::Relaxed) => {
                tracing::info!("callers can be asked about again");
            }
            Err(error) if *error != ReviewError::Busy && !self.failing.swap(true, Ordering::Relaxed) => {
                tracing::warn!(%error, "nobody knows what callers may read, so they are answered nothing");
            }
            _ => {}
        }
        judged
    }

    async fn judge(&self, token: &str, namespace: Option<&str>) -> Result<Verdict, ReviewError> {
        let Some(hash) = hash(token) else {
            return Ok(Verdict::Unknown);
        };
        let right = (hash, namespace.map(Arc::from));
        if let Some(allowed) = self.rights.get(&right).await {
            return Ok(verdict(allowed));
        }
        let who = self.identities.try_get_with(hash, self.asking.who(token)).await;
        let Some(user) = who.map_err(|error| *error)? else {
            return Ok(Verdict::Unknown);
        };
        let allowed = self
            .rights
            .try_get_with(right, self.asking.may_get_pods(&user, namespace));
        Ok(verdict(allowed.await.map_err(|error| *error)?))
    }
}

fn verdict(allowed: bool) -> Verdict {
    if allowed { Verdict::Allowed } else { Verdict::Denied }
}

fn hash(token: &str) -> Option<TokenHash> {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()
}

/// How long an answer is remembered, by whether it is a yes.
struct ByAnswer<V>(fn(&V) -> bool);

impl<K, V> Expiry<K, V> for ByAnswer<V> {
    fn expire_after_create(&self, _: &K, answer: &V, _: Instant) -> Option<Duration> {
        Some(if (self.0)(answer) { YES_FOR } else { NO_FOR })
    }
}
