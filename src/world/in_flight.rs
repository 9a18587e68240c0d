use heliotrope_core::placement::{Bookings, Groups};
use heliotrope_core::snapshot::Snapshot;
use heliotrope_core::workload::GroupKey;
use jiff::Timestamp;

/// What kube-scheduler was answered and no snapshot shows yet. It stands under one lock: a request of the scheduler takes no
/// second one.
#[derive(Debug)]
pub struct InFlight {
    /// Watts promised.
    pub bookings: Bookings,
    /// Where members of gangs were sent.
    pub groups: Groups,
    /// Whether the gangs that the cluster held at the start were taken up.
    resumed: bool,
}

impl InFlight {
    /// Nothing answered yet.
    #[must_use]
    pub(super) fn none() -> Self {
        Self {
            bookings: Bookings::none(),
            groups: Groups::none(),
            resumed: false,
        }
    }

    /// Takes up, once, the gangs that the cluster holds half bound; `counts` says of which gangs that is wanted.
    pub fn resume(&mut self, snapshot: &Snapshot, counts: impl Fn(&GroupKey) -> bool, now: Timestamp) {
        if !std::mem::replace(&mut self.resumed, true) {
            self.groups.resume(snapshot, counts, now);
        }
    }
}
