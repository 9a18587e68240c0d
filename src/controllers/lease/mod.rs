//! Which of several processes acts: one holds the lease, the others wait.
//!
//! ```text
//! Lease object (coordination.k8s.io/v1) ─► campaign ─► Term ─► work, while it is renewed ─► released, or lost
//! ```
//!
//! Owns the election ([`Election`]) and the proof of being elected ([`Term`]). Work comes in as a function of a term and is
//! cancelled with it. Every change of the record carries the `resourceVersion` that was read, so of two that try one
//! succeeds. Times are taken from this process' own monotonic clock: another's record counts as abandoned when it has been
//! *seen* unchanged for the duration that it states, whatever the times in it say. Must never let work go on past the
//! renewal deadline, which is shorter than the duration after which another may take over.

mod record;
mod term;

use crate::telemetry::{Clock, Metrics};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};
use record::{Observed, Standing};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

pub use term::Term;

/// How long what is given back at the end may take: a process that is told to go has little time.
const RELEASE: Duration = Duration::from_secs(2);

/// Times of an election. `retry` < `renew_deadline` < `duration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long others wait for a holder that says nothing more.
    pub duration: Duration,
    /// How long a holder that cannot renew goes on.
    pub renew_deadline: Duration,
    /// How often it is renewed, or tried for.
    pub retry: Duration,
}

/// One candidate.
pub struct Election {
    api: Api<Lease>,
    name: String,
    identity: String,
    times: LeaseTimes,
    clock: Clock,
    metrics: Metrics,
}

impl std::fmt::Debug for Election {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Election")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// How a term ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The process is to stop.
    Stopped,
    /// It was not renewed in time, or somebody else has it.
    Lost,
    /// The work returned, which it does not do unless it is told to.
    Worked,
}

impl Election {
    /// A candidate. `host` is told as part of who holds the lease; the rest is drawn, so that a process that starts
    /// again under the same name is another candidate.
    #[must_use]
    pub fn new(
        client: Client,
        (namespace, name): (&str, &str),
        host: &str,
        times: LeaseTimes,
        (clock, metrics): (Clock, Metrics),
    ) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: identity(host),
            times,
            clock,
            metrics,
        }
    }

    /// Works whenever elected, until told to stop. Work that is lost is cancelled; the process then runs for office again.
    pub async fn run<F: Future<Output = ()>>(self, work: impl Fn(Term) -> F, stop: CancellationToken) {
        self.metrics.leading(false);
        while let Some((lease, renewed)) = self.campaign(&stop).await {
            tracing::info!(lease = self.name, identity = self.identity, "elected");
            self.metrics.leading(true);
            self.metrics.term("elected");
            let (end, lease) = self.lead(lease, renewed, &work, &stop).await;
            self.metrics.leading(false);
            match end {
                End::Lost => {
                    self.metrics.term("lost");
                    tracing::error!(lease = self.name, "the lease is lost: work stopped, running again");
                }
                End::Stopped | End::Worked => {
                    self.metrics.term("released");
                    self.release(lease).await;
                    return;
                }
            }
        }
    }

    /// Tries until the lease is this candidate's; `None` when told to stop. When it was renewed is a moment before the request.
    async fn campaign(&self, stop: &CancellationToken) -> Option<(Lease, Instant)> {
        let mut observed = Observed::default();
        loop {
            let tried = Instant::now();
            match timeout(self.times.renew_deadline, self.try_for(&mut observed)).await {
                Ok(Ok(Some(lease))) => return Some((lease, tried)),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => self.complain(&error),
                Err(_) => tracing::warn!(lease = self.name, "the API server does not answer for the lease"),
            }
            let pause = jittered(self.times.retry);
            tokio::select! {
                () = stop.cancelled() => return None,
                () = sleep(pause) => {}
            }
        }
    }

    /// One try: `None` while somebody else has it.
    async fn try_for(&self, observed: &mut Observed) -> Result<Option<Lease>, kube::Error> {
        let now = (self.clock)();
        let taken = match self.api.get_opt(&self.name).await? {
            None => {
                let fresh = record::fresh(&self.name, &self.identity, self.times.duration, now);
                self.api.create(&PostParams::default(), &fresh).await
            }
            Some(lease) => match observed.standing(&lease, Instant::now()) {
                Standing::Held => return Ok(None),
                Standing::Free => {
                    let taken = record::taken(lease, &self.identity, self.times.duration, now);
                    self.api.replace(&self.name, &PostParams::default(), &taken).await
                }
            },
        };
        match taken {
            Ok(lease) => Ok(Some(lease)),
            // Somebody else was faster.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Works and renews until one of the two ends, then gives the work what is left of its time to stop.
    async fn lead<F: Future<Output = ()>>(
        &self,
        mut lease: Lease,
        renewed: Instant,
        work: &impl Fn(Term) -> F,
        stop: &CancellationToken,
    ) -> (End, Lease) {
        let term = Term::new(renewed + self.times.renew_deadline);
        let mut work = std::pin::pin!(work(term.clone()));
        let end = tokio::select! {
            () = &mut work => End::Worked,
            () = stop.cancelled() => End::Stopped,
            () = self.keep(&mut lease, &term) => End::Lost,
        };
        term.end();
        if end != End::Worked {
            // Nobody else may take over before the duration has passed since the last renewal.
            let last = term.until() + self.times.duration.saturating_sub(self.times.renew_deadline) / 2;
            if timeout_at(last, work).await.is_err() {
                tracing::error!(lease = self.name, "work did not stop in time and was dropped");
            }
        }
        (end, lease)
    }

    /// Renews; returns when the lease is lost.
    async fn keep(&self, lease: &mut Lease, term: &Term) {
        loop {
            sleep(self.times.retry).await;
            let tried = Instant::now();
            match timeout_at(term.until(), self.renew(lease)).await {
                Ok(Ok(true)) => term.renewed(tried + self.times.renew_deadline),
                Ok(Ok(false)) => return,
                Ok(Err(error)) => self.complain(&error),
                Err(_) => {}
            }
            if !term.holds() {
                return;
            }
        }
    }

    /// Whether the lease is still this candidate's.
    async fn renew(&self, lease: &mut Lease) -> Result<bool, kube::Error> {
        let next = record::renewed(lease.clone(), self.times.duration, (self.clock)());
        match self.api.replace(&self.name, &PostParams::default(), &next).await {
            Ok(next) => *lease = next,
            // Changed meanwhile: by somebody who took it, by an earlier try whose answer was lost, or by a label.
            Err(kube::Error::Api(status)) if status.code == 409 => match self.api.get_opt(&self.name).await? {
                Some(now) if record::holder(&now) == Some(self.identity.as_str()) => {
                    *lease = now;
                    return Err(kube::Error::Api(status));
                }
                _ => return Ok(false),
            },
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Gives the lease back, so that the next one need not wait.
    async fn release(&self, lease: Lease) {
        let given = record::released(lease, (self.clock)());
        match timeout(RELEASE, self.api.replace(&self.name, &PostParams::default(), &given)).await {
            Ok(Ok(_)) => tracing::info!(lease = self.name, "lease given back"),
            Ok(Err(error)) => tracing::warn!(%error, "lease not given back: it runs out"),
            Err(_) => tracing::warn!("lease not given back: it runs out"),
        }
    }

    fn complain(&self, error: &kube::Error) {
        match error {
            kube::Error::Api(status) if status.code == 403 => tracing::error!(
                lease = self.name,
                "the lease may not be read or written: apply deploy/kustomize/rightsizer"
            ),
            error => tracing::warn!(%error, lease = self.name, "the lease could not be had, trying again"),
        }
    }
}

/// A name that no other process has: what is drawn has 64 bits.
fn identity(host: &str) -> String {
    let mut drawn = [0_u8; 8];
    // Without a source of chance the number of the process must do.
    if SystemRandom::new().fill(&mut drawn).is_err() {
        drawn = u64::from(std::process::id()).to_be_bytes();
    }
    let mut name: String = host.chars().filter(char::is_ascii_graphic).take(200).collect();
    name.push('_');
    for byte in drawn {
        // Writing to a text cannot fail.
        write!(name, "{byte:02x}").unwrap_or_default();
    }
    name
}

/// Up to a fifth longer, so that candidates do not try at the same moment.
pub(super) fn jittered(pause: Duration) -> Duration {
    let mut drawn = [0_u8; 1];
    if SystemRandom::new().fill(&mut drawn).is_err() {
        return pause;
    }
    pause.mul_f64(1.0 + f64::from(drawn[0]) / 255.0 * 0.2)
}
