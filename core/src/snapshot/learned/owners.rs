use super::recent::Recent;
use super::spread::WattSpread;
use crate::quantity::Watts;
use crate::workload::OwnerKey;
use jiff::Timestamp;
use std::sync::Arc;

/// A quantile of fewer samples is chance: ten minutes of one board at two samples a minute.
const MIN_SAMPLES: u32 = 20;
/// Models that are remembered of one owner.
const MAX_MODELS: usize = 4;
/// What is booked and capped by.
const SHARE: f64 = 0.95;

/// What the pods of an owner draw on a board of a model, 95 % of the time at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct P95 {
    /// Watts of one board, idle included; at most 4 % above the true quantile and not below it.
    pub per_board: Watts,
    /// How many samples of a board it was learned from. Old ones fade.
    pub samples: u32,
}

/// By owner, the last models first.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnerWatts(pub(super) Recent<Vec<(Arc<str>, WattSpread)>>);

impl OwnerWatts {
    pub(super) fn observe(&mut self, owner: &OwnerKey, model: &Arc<str>, watts: Watts, now: Timestamp) {
        let models = self.0.touch(owner, now);
        let place = models.iter().position(|(name, _)| name == model).unwrap_or_else(|| {
            models.truncate(MAX_MODELS - 1);
            models.push((Arc::clone(model), WattSpread::default()));
            models.len() - 1
        });
        if let Some(through) = models.get_mut(..=place) {
            through.rotate_right(1);
        }
        if let Some((_, spread)) = models.first_mut() {
            spread.add(watts);
        }
    }

    pub(super) fn p95(&self, owner: &OwnerKey, model: &str) -> Option<P95> {
        let (_, spread) = self.0.get(owner)?.iter().find(|(name, _)| **name == *model)?;
        let samples = spread.samples();
        let per_board = spread.quantile(SHARE).filter(|_| samples >= MIN_SAMPLES)?;
        Some(P95 { per_board, samples })
    }

    pub(super) fn restore(&mut self, owner: OwnerKey, seen: Timestamp, models: Vec<(Arc<str>, WattSpread)>) {
        let sound = models
            .into_iter()
            .filter_map(|(name, spread)| Some((name, spread.checked()?)));
        let sound: Vec<_> = sound.take(MAX_MODELS).collect();
        if !sound.is_empty() {
            self.0.restore(owner, seen, sound);
        }
    }
}
