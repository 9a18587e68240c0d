use super::recent::Recent;
use crate::workload::{OwnerKey, PodFacts, Ran};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Runs that are remembered of one owner: a median of the last fortnight of a nightly job.
const MAX_RUNS: usize = 15;
/// A median of fewer is chance.
const MIN_RUNS: usize = 3;

/// One pod that ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The pod: it is told of again with every list, as long as it is there.
    pub(super) uid: Arc<str>,
    /// When it ended.
    pub(super) ended_at: Timestamp,
    /// From the start of its first container to the end of its last.
    pub(super) took: SignedDuration,
    /// Canonical name of the model that it ran on.
    pub(super) model: Arc<str>,
}

impl Run {
    /// The run of a pod on a model, by its canonical name.
    #[must_use]
    pub fn new(pod: &PodFacts, ran: Ran, model: &Arc<str>) -> Self {
        Self {
            uid: Arc::clone(&pod.uid),
            ended_at: ran.ended_at,
            took: ran.took,
            model: Arc::clone(model),
        }
    }
}

/// The last runs by owner, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct RunTimes(pub(super) Recent<Vec<Run>>);

impl RunTimes {
    /// Whether a run is news: known ones come again and again.
    pub(super) fn is_new(&self, owner: &OwnerKey, run: &Run) -> bool {
        let Some(held) = self.0.get(owner) else {
            return true;
        };
        let full = held.len() >= MAX_RUNS;
        let too_old = full && held.first().is_some_and(|oldest| key(run) < key(oldest));
        !too_old && held.iter().all(|known| known.uid != run.uid)
    }

    /// Takes a run in. Which are kept does not depend on the order that they are told in.
    pub(super) fn observe(&mut self, owner: &OwnerKey, run: Run) {
        let held = self.0.touch(owner, run.ended_at);
        let place = held.partition_point(|known| key(known) < key(&run));
        held.insert(place, run);
        if held.len() > MAX_RUNS {
            held.remove(0);
        }
    }

    /// The median of the last runs, each in seconds on the reference model. Runs on models that do not compare with it
    /// say nothing.
    pub(super) fn median(
        &self,
        owner: &OwnerKey,
        slowness: impl Fn(&str) -> Option<f64>,
    ) -> Option<(SignedDuration, u32)> {
        let runs = self.0.get(owner)?.iter();
        let on_reference = runs.filter_map(|run| Some(run.took.as_secs_f64() / slowness(&run.model)?));
        let mut seconds: Vec<f64> = on_reference.filter(|seconds| seconds.is_finite()).collect();
        if seconds.len() < MIN_RUNS {
            return None;
        }
        seconds.sort_by(f64::total_cmp);
        let middle = *seconds.get(seconds.len() / 2)?;
        let span = SignedDuration::try_from_secs_f64(middle).ok()?;
        Some((span, u32::try_from(seconds.len()).ok()?))
    }

    pub(super) fn restore(&mut self, owner: OwnerKey, seen: Timestamp, mut runs: Vec<Run>) {
        runs.retain(|run| run.took > SignedDuration::ZERO);
        runs.sort_by(|a, b| key(a).cmp(&key(b)));
        runs.dedup_by(|a, b| a.uid == b.uid);
        let surplus = runs.len().saturating_sub(MAX_RUNS);
        runs.drain(..surplus);
        if !runs.is_empty() {
            self.0.restore(owner, seen, runs);
        }
    }
}

fn key(run: &Run) -> (Timestamp, &str) {
    (run.ended_at, &run.uid)
}
