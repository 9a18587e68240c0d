//! The lines of a file, as they are written and read.

use super::runs::Runs;
use crate::world::bindings::BindOutcome;
use heliotrope_core::placement::{GroupChoice, Refusal};
use heliotrope_core::quantity::Rung;
use heliotrope_core::snapshot::NodeState;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the format. It grows when an older reader would misread what is written.
pub(super) const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(super) enum Line {
    /// The first one of a file.
    File {
        /// The format.
        version: u32,
        /// Who wrote it.
        heliotrope: String,
        /// When.
        opened: Timestamp,
        /// The number in its name.
        sequence: u64,
    },
    /// What has changed of what the next calls were decided on; the first one of a file has all of it.
    State {
        /// A merge patch for each part; `null` for one that is gone.
        parts: BTreeMap<String, Value>,
    },
    /// A call was answered.
    Call(Box<Call>),
    /// A pod was bound.
    Bound(Box<Bound>),
    /// Decisions that are not in the file.
    Dropped {
        /// How many.
        count: u64,
        /// When that was noted.
        at: Timestamp,
    },
}

/// A pod that was bound.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::world) struct Bound {
    /// `namespace/name`.
    pub(in crate::world) pod: String,
    /// UID.
    pub(in crate::world) uid: String,
    /// When it was seen.
    pub(in crate::world) at: Timestamp,
    /// Where to.
    pub(in crate::world) node: String,
    /// Where that node stood.
    pub(in crate::world) outcome: BindOutcome,
    /// The node's grid zone, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::world) zone: Option<String>,
    /// Its GPU model, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::world) model: Option<String>,
}

/// A call with what was answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call {
    /// `namespace/name`.
    pub(super) pod: String,
    /// UID.
    pub(super) uid: String,
    /// The instant of the decision.
    pub(super) at: Timestamp,
    /// The instant that costs were computed for, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) weighed_at: Option<Timestamp>,
    /// A hash over everything that it was decided on.
    pub(super) inputs: String,
    /// The nodes that were asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) candidates: Option<Candidates>,
    /// What was answered.
    pub(super) answer: Answer,
}

/// The nodes of a call: those of the snapshot by place, then those that came whole, then those that nobody knows.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Candidates {
    /// Places among the nodes of the snapshot, which stand in the order of their names.
    pub(super) known: Runs,
    /// Nodes that came whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) given: Vec<NodeState>,
    /// How many names meant nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) unknown: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Candidates of one cost: grams that they are ranked by, a hash over every figure of the cost, and their places among the
/// candidates.
pub(super) type CostRow = (f64, String, Runs);

/// What was answered; places are places among the candidates.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    /// Filter.
    Filter {
        /// The rung of the comparison.
        rung: Option<Rung>,
        /// What the candidates cost; those in no row are of unknown cost.
        costs: Vec<CostRow>,
        /// Who was refused, by rule.
        refused: Vec<(Refusal, Runs)>,
        /// Who was in the answer.
        kept: Runs,
        /// The region of the pod's gang.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<GroupChoice>,
    },
    /// Prioritize.
    Prioritize {
        /// The rung of the comparison.
        rung: Option<Rung>,
        /// What the candidates cost.
        costs: Vec<CostRow>,
        /// Scores, each with those that got it.
        scores: Vec<(u8, Runs)>,
    },
    /// Preempt.
    Preempt {
        /// Places of the nodes in the snapshot, and UIDs of the victims.
        victims: Vec<(Option<u32>, Vec<String>)>,
        /// Which may be emptied.
        kept: Runs,
    },
}
