use super::board::BoardSums;
use super::runs::Run;
use super::{
    Learned,
    nodes::NodeSums,
    owners::{Drawn, OwnerWatts},
    runs::RunTimes,
};
use crate::workload::OwnerKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Nodes that are taken back; those that the cluster does not have any more go with its first list.
const MAX_NODES: usize = 20_000;

/// What the pods of an owner draw, by model.
type ByModel = Vec<Drawn>;

/// Everything learned, as it is kept over a restart. In order, so that equal knowledge is equal text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LearnedRecord {
    nodes: Vec<(Arc<str>, BoardSums)>,
    owners: Vec<Row<ByModel>>,
    runs: Vec<Row<Vec<Run>>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<T> {
    owner: OwnerKey,
    seen_at: Timestamp,
    seen: T,
}

impl Learned {
    /// What is to be kept.
    #[must_use]
    pub fn record(&self) -> LearnedRecord {
        let mut nodes: Vec<_> = self
            .nodes
            .rows()
            .map(|(name, sums)| (Arc::clone(name), sums.kept()))
            .collect();
        nodes.sort_by(|a, b| a.0.cmp(&b.0));
        LearnedRecord {
            nodes,
            owners: rows(self.owners.0.rows()),
            runs: rows(self.runs.0.rows()),
        }
    }

    /// What was kept, checked: what we cannot have written is left out, and nothing is taken beyond the bounds.
    #[must_use]
    pub fn restored(record: LearnedRecord) -> Self {
        let sound = record.nodes.into_iter().filter(|(_, sums)| sums.is_sound());
        let nodes = NodeSums::of_rows(sound.take(MAX_NODES));
        let mut owners = OwnerWatts::default();
        for Row { owner, seen_at, seen } in record.owners {
            owners.restore(owner, seen_at, seen);
        }
        let mut runs = RunTimes::default();
        for Row { owner, seen_at, seen } in record.runs {
            runs.restore(owner, seen_at, seen);
        }
        Self {
            nodes: Arc::new(nodes),
            owners: Arc::new(owners),
            runs: Arc::new(runs),
        }
    }
}

fn rows<'a, T: Clone + 'a>(all: impl Iterator<Item = (&'a OwnerKey, Timestamp, &'a T)>) -> Vec<Row<T>> {
    let rows = all.map(|(owner, seen_at, seen)| Row {
        owner: owner.clone(),
        seen_at,
        seen: seen.clone(),
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| a.owner.cmp(&b.owner));
    rows
}
