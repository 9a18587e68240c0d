use crate::placement::candidate::Candidate;
use crate::placement::question::Question;
use crate::quantity::Watts;
use crate::snapshot::DomainKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Domains that one promise lists; one that reaches more is held against all.
const MAX_DOMAINS: usize = 128;
/// Nodes that a promise is shared over; over more, the share of each is too small to matter.
const MAX_SHARES: usize = 16;
/// Shares are counted in millionths, so that sums come out even.
pub(super) const WHOLE: u64 = 1_000_000;

/// Where a promised pod may land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// In these domains, with the milliwatts that it may come to draw in each at most.
    Domains(Vec<(Arc<DomainKey>, u64)>),
    /// In more than can be listed, with the most that it may come to draw in any.
    Everywhere(u64),
}

/// What one pod was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The pod's UID.
    pub uid: Arc<str>,
    /// When it was answered.
    pub at: Timestamp,
    /// When the promise ends, if nothing is heard.
    pub until: Timestamp,
    /// Where it may land.
    pub reach: Reach,
    /// The nodes that tied for the best and may each have it, by name.
    pub tops: Vec<Arc<str>>,
    /// Whether the scheduler had found the pod unschedulable before it asked: then seeing it so says nothing of this answer.
    pub was_unschedulable: bool,
    /// Whether the watch has shown the pod since.
    pub(super) seen: bool,
}

impl Promise {
    /// The promise that an answer makes: the pod may land on any candidate that is kept.
    #[must_use]
    pub fn new(
        question: &Question<'_>,
        candidates: &[Candidate<'_>],
        kept: impl Fn(usize) -> bool,
        (uid, was_unschedulable): (&Arc<str>, bool),
    ) -> Self {
        let snapshot = question.snapshot;
        let landing = candidates.iter().enumerate().filter(|(place, _)| kept(*place));
        let landing = landing.filter_map(|(_, candidate)| candidate.node(snapshot));
        // By the place of each domain: the most over its nodes.
        let mut most = vec![0_u64; snapshot.domains().len()];
        let figure = snapshot.surroundings.bookings.figure;
        let (mut first, mut count) = (None, 0_usize);
        for node in landing {
            count += 1;
            first.get_or_insert(&node.name);
            let booked = node.booked(question.workload, figure).map_or(0, Watts::to_milliwatts);
            for ix in &node.domains {
                if let Some(held) = usize::try_from(ix.0).ok().and_then(|ix| most.get_mut(ix)) {
                    *held = booked.max(*held);
                }
            }
        }
        let reached = most.iter().filter(|watts| **watts > 0).count();
        let reach = if reached > MAX_DOMAINS {
            Reach::Everywhere(most.iter().copied().max().unwrap_or(0))
        } else {
            let held = snapshot.domains().iter().zip(&most).filter(|(_, watts)| **watts > 0);
            Reach::Domains(held.map(|(domain, watts)| (Arc::clone(&domain.key), *watts)).collect())
        };
        let stands = snapshot.surroundings.bookings.in_flight;
        Self {
            uid: Arc::clone(uid),
            at: question.now,
            until: question.now.saturating_add(stands).unwrap_or(Timestamp::MAX),
            reach,
            tops: first.filter(|_| count == 1).cloned().into_iter().collect(),
            was_unschedulable,
            seen: false,
        }
    }

    /// The same, shared over the nodes that tied for the best score.
    #[must_use]
    pub fn shared(self, tops: Vec<Arc<str>>) -> Self {
        let few = tops.len() <= MAX_SHARES;
        Self {
            tops: if few { tops } else { Vec::new() },
            ..self
        }
    }

    /// The same for a shorter time at most.
    #[must_use]
    pub fn until(self, until: Timestamp) -> Self {
        Self {
            until: self.until.min(until),
            ..self
        }
    }

    /// What each of the tied nodes holds of it, in millionths.
    pub(super) fn share(&self) -> u64 {
        u64::try_from(self.tops.len()).map_or(0, |count| WHOLE.checked_div(count).unwrap_or(0))
    }

    /// Differs where costs may differ by it.
    pub(super) fn fingerprint(&self) -> u64 {
        if self.tops.is_empty() {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        (&self.uid, &self.tops).hash(&mut hasher);
        hasher.finish()
    }
}
