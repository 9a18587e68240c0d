use super::bookings::Bookings;
use super::group::Groups;
use super::policy::Policy;
use crate::snapshot::Snapshot;
use crate::workload::Workload;
use jiff::Timestamp;

/// What placement is asked: everything an answer depends on, but for the candidates. The same question over the same
/// candidates has the same answer.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// UID of the pod: what it was promised itself does not count against it.
    pub uid: &'a str,
    /// The picture of carbon, power and cluster.
    pub snapshot: &'a Snapshot,
    /// What the pod asks.
    pub workload: &'a Workload,
    /// What the administrator decided.
    pub policy: &'a Policy,
    /// Watts promised to pods that the snapshot does not show yet.
    pub bookings: &'a Bookings,
    /// Where members of gangs were sent that the snapshot does not show yet.
    pub groups: &'a Groups,
    /// The instant of the decision.
    pub now: Timestamp,
}
