use super::recent::Recent;
use super::spread::WattSpread;
use crate::quantity::Watts;
use crate::workload::OwnerKey;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A quantile of fewer samples is chance: ten minutes of one board at two samples a minute.
const MIN_SAMPLES: u32 = 20;
/// Models that are remembered of one owner.
const MAX_MODELS: usize = 4;
/// What is booked and capped by.
const SHARE: f64 = 0.95;

/// Watts of an owner's boards of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Drawn {
    /// Canonical name of the model.
    pub(super) model: Arc<str>,
    /// When the first sample was taken.
    pub(super) from: Timestamp,
    /// When the last one was.
    pub(super) until: Timestamp,
    /// How they were distributed.
    pub(super) spread: WattSpread,
}

/// What the pods of an owner draw on a board of a model, 95 % of the time at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct P95 {
    /// Watts of one board, idle included; at most 4 % above the true quantile and not below it.
    pub per_board: Watts,
    /// How many samples of a board it was learned from. Old ones fade.
    pub samples: u32,
    /// From the first of them to the last.
    pub over: SignedDuration,
}

/// By owner, the last models first.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnerWatts(pub(super) Recent<Vec<Drawn>>);

impl OwnerWatts {
    pub(super) fn observe(&mut self, owner: &OwnerKey, model: &Arc<str>, watts: Watts, now: Timestamp) {
        let models = self.0.touch(owner, now);
        let place = models
            .iter()
            .position(|drawn| drawn.model == *model)
            .unwrap_or_else(|| {
                models.truncate(MAX_MODELS - 1);
                models.push(Drawn {
                    model: Arc::clone(model),
                    from: now,
                    until: now,
                    spread: WattSpread::default(),
                });
                models.len() - 1
            });
        if let Some(through) = models.get_mut(..=place) {
            through.rotate_right(1);
        }
        if let Some(drawn) = models.first_mut() {
            (drawn.from, drawn.until) = (drawn.from.min(now), drawn.until.max(now));
            drawn.spread.add(watts);
        }
    }

    pub(super) fn p95(&self, owner: &OwnerKey, model: &str) -> Option<P95> {
        let drawn = self.0.get(owner)?.iter().find(|drawn| *drawn.model == *model)?;
        let samples = drawn.spread.samples();
        let per_board = drawn.spread.quantile(SHARE).filter(|_| samples >= MIN_SAMPLES)?;
        Some(P95 {
            per_board,
            samples,
            over: drawn.until.duration_since(drawn.from),
        })
    }

    pub(super) fn restore(&mut self, owner: OwnerKey, seen: Timestamp, models: Vec<Drawn>) {
        let sound = models.into_iter().filter_map(|drawn| {
            let spread = drawn.spread.checked().filter(|_| drawn.from <= drawn.until)?;
            Some(Drawn { spread, ..drawn })
        });
        let sound: Vec<_> = sound.take(MAX_MODELS).collect();
        if !sound.is_empty() {
            self.0.restore(owner, seen, sound);
        }
    }
}
