use heliotrope_core::placement::{GroupChoice, NodeCost, Refusal};
use heliotrope_core::quantity::{Rung, Watts};
use heliotrope_core::snapshot::{NodeIx, Snapshot};
use heliotrope_core::workload::{Exemption, Workload};
use jiff::Timestamp;
use std::sync::Arc;

/// Which pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodId {
    /// UID.
    pub uid: Arc<str>,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

/// What the extender answered, sent to the writer after the answer left.
#[derive(Debug)]
pub struct Record {
    /// Which pod.
    pub pod: PodId,
    /// When.
    pub at: Timestamp,
    /// What was answered.
    pub stage: Stage,
}

/// The answer by call.
#[derive(Debug)]
pub enum Stage {
    /// Nothing was decided.
    Exempt(Exemption),
    /// Filter.
    Filter {
        /// What it was decided on.
        snapshot: Arc<Snapshot>,
        /// The pod as read.
        workload: Box<Workload>,
        /// The rung of the comparison.
        rung: Option<Rung>,
        /// The candidates; `None` for names that the snapshot does not know.
        candidates: Vec<Option<NodeIx>>,
        /// What each costs.
        costs: Arc<Vec<Option<NodeCost>>>,
        /// Why each was refused.
        refused: Vec<Option<Refusal>>,
        /// Which were kept.
        kept: Vec<bool>,
        /// What was promised in each power domain and not bound yet.
        reserved: Vec<Watts>,
        /// The region of the pod's gang.
        group: Option<GroupChoice>,
    },
    /// Prioritize.
    Prioritize {
        /// What it was decided on.
        snapshot: Arc<Snapshot>,
        /// The candidates.
        candidates: Vec<Option<NodeIx>>,
        /// The score of each.
        scores: Vec<u8>,
    },
}
