use heliotrope_core::rightsizing::hpa::{ContainerRequests, Milli, Pod, PodPhase, Timing};
use jiff::{SignedDuration, Timestamp};

/// Kubernetes keeps the time of a condition in whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// What is scaled.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// The selector of its pods, as `status.selector` of its scale has it.
    pub selector: &'a str,
    /// The pods that the selector finds.
    pub pods: &'a [TargetPod],
}

impl Target<'_> {
    /// Whether one of its pods is missed when it could not be scraped at a time.
    pub(super) fn misses(&self, pod: &str, tried: Timestamp) -> bool {
        let found = self.pods.iter().find(|of| of.name == pod);
        found.is_some_and(|pod| pod.is_missed(tried))
    }
}

/// A pod of the target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetPod {
    /// `metadata.name`.
    pub name: String,
    /// What is known of it but for `request` and `sample`, which depend on the metric and are filled in by the reader.
    pub facts: Pod,
    /// What its containers request: the regular ones and the init containers that run beside them.
    pub requests: Vec<ContainerRequests>,
}

impl TargetPod {
    /// Whether it may have had requests in hand when somebody tried to scrape it, so that a total without it is another total. One
    /// that goes is sent none, one that never was ready has none, and one that was tried before it became ready had none yet.
    /// One that was ready and is not any more may be the one that is overloaded.
    fn is_missed(&self, tried: Timestamp) -> bool {
        let runs = matches!(self.facts.phase, PodPhase::Running | PodPhase::Unknown);
        let Some(condition) = self.facts.ready.filter(|_| runs && !self.facts.deleting) else {
            return false;
        };
        if condition.ready == Some(true) {
            return tried.duration_since(condition.changed) >= SECOND;
        }
        // As the autoscaler's controller tells whether a pod has ever been ready.
        let young = |started| condition.changed.duration_since(started) < Timing::default().initial_readiness;
        !self.facts.started.is_none_or(young)
    }

    /// What it requests of a resource, or one container of it; `None` where a container that counts requests nothing, as
    /// the autoscaler's controller has it.
    #[must_use]
    pub fn request(&self, resource: &str, container: Option<&str>) -> Option<Milli> {
        let counts = |of: &&ContainerRequests| container.is_none_or(|name| of.container == name);
        let mut counted = self.requests.iter().filter(counts).peekable();
        counted.peek()?;
        counted.try_fold(0, |sum: Milli, of| {
            Some(sum.saturating_add(*of.requests.get(resource)?))
        })
    }
}
