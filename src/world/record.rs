use heliotrope_core::placement::{Bookings, Candidate, GroupChoice, Groups, NodeCost, Policy, Question, Refusal};
use heliotrope_core::quantity::{Rung, Watts};
use heliotrope_core::snapshot::{NodeIx, NodeState, Snapshot};
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

/// A question with all that it refers to, so that it can be asked again.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The picture.
    pub snapshot: Arc<Snapshot>,
    /// The pod as read.
    pub workload: Workload,
    /// What the administrator decided.
    pub policy: Arc<Policy>,
    /// Watts promised to others; nothing where no log is written.
    pub bookings: Bookings,
    /// Where members of gangs were sent; nothing where no log is written.
    pub groups: Groups,
    /// The instant.
    pub now: Timestamp,
}

impl Asked {
    /// The question about a pod.
    #[must_use]
    pub fn question<'a>(&'a self, uid: &'a str) -> Question<'a> {
        Question {
            uid,
            snapshot: &self.snapshot,
            workload: &self.workload,
            policy: &self.policy,
            bookings: &self.bookings,
            groups: &self.groups,
            now: self.now,
        }
    }
}

/// The nodes of a request.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// Where each stands in the snapshot; `None` for those that it does not know.
    pub places: Vec<Option<NodeIx>>,
    /// Nodes that came whole and that the snapshot does not know, each in its place; empty where there are none.
    pub templates: Vec<Option<NodeState>>,
    /// Names that nothing is known of, some at least.
    pub unknown: Vec<Arc<str>>,
}

impl Offered {
    /// The candidates, in the order of the request.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate<'_>> {
        let of = |(place, ix): (usize, &Option<NodeIx>)| match (ix, self.templates.get(place)) {
            (Some(ix), _) => Candidate::Known(*ix),
            (None, Some(Some(template))) => Candidate::Given(template),
            (None, _) => Candidate::Unknown,
        };
        self.places.iter().enumerate().map(of).collect()
    }
}

/// What candidates cost.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// The rung of the comparison.
    pub rung: Option<Rung>,
    /// What each costs.
    pub costs: Arc<Vec<Option<NodeCost>>>,
    /// The instant for which that was computed: that of an earlier call about the same pod, where it was remembered.
    pub at: Timestamp,
}

/// The answer by call.
#[derive(Debug)]
pub enum Stage {
    /// Nothing was decided.
    Exempt(Exemption),
    /// Filter.
    Filter {
        /// What it was decided on.
        asked: Box<Asked>,
        /// The candidates.
        offered: Offered,
        /// What they cost.
        weighed: Weighed,
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
        asked: Box<Asked>,
        /// The candidates.
        offered: Offered,
        /// What they cost.
        weighed: Weighed,
        /// The score of each.
        scores: Vec<u8>,
    },
    /// Preempt.
    Preempt {
        /// What it was decided on.
        asked: Box<Asked>,
        /// The nodes and the UIDs of their victims.
        candidates: Vec<(Option<NodeIx>, Vec<String>)>,
        /// Which may be emptied.
        kept: Vec<bool>,
    },
}
