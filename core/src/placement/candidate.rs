use crate::snapshot::{NodeIx, NodeState, Snapshot};

/// A node that was offered.
#[derive(Debug, Clone, Copy)]
pub enum Candidate<'a> {
    /// One of the snapshot.
    Known(NodeIx),
    /// One that came with the request, or a changed copy of one.
    Given(&'a NodeState),
    /// A name that nobody has told of yet.
    Unknown,
}

impl<'a> Candidate<'a> {
    /// The node, if anything is known of it.
    #[must_use]
    pub fn node(&self, snapshot: &'a Snapshot) -> Option<&'a NodeState> {
        match self {
            Self::Known(ix) => snapshot.node(*ix),
            Self::Given(node) => Some(node),
            Self::Unknown => None,
        }
    }
}
