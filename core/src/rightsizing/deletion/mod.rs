//! In which order replicas go when there are to be fewer.
//!
//! ```text
//! Replica (place, grams an hour, ready, its cost now), DeletionRule ─► order ─► runs of replicas that may go in any order
//!                                                                         └─► keep ─► Cost for each that needs another
//! ```
//!
//! Owns the values of the annotation [`ANNOTATION`], by which the ReplicaSet controller takes the dirtiest replicas first and
//! does not empty a place while another can spare one. What that controller does when it has too many (of pods that neither
//! have ended nor are being deleted), in this order, each rule for those that are equal by the ones before (`Less` of
//! `ActivePodsWithRanks` in `pkg/controller/controller_utils.go` of Kubernetes 1.37.2):
//!
//! 1. pods without a node,
//! 2. pending ones, then unknown ones, then running ones,
//! 3. those that are not ready,
//! 4. **those of lower cost**; a pod without the annotation has 0,
//! 5. those on nodes that have more pods of the same owner,
//! 6. those ready for a shorter time, by orders of magnitude,
//! 7. those that restarted more often,
//! 8. the younger ones, by orders of magnitude; then by UID.
//!
//! So a cost decides among ready pods alone. Those that are not ready go first whatever it is: they are given none, and do not
//! count for a place's minimum. Other controllers (StatefulSet, Job) do not look at it at all.
//!
//! Costs are ranks and not grams, and only those are changed that contradict the order: a replica that comes or goes, or an
//! intensity that moves all of them alike, leaves the others' as they are. Must never rank a replica of which the
//! grams are not known as if it emitted nothing.

mod keep;
mod order;
#[cfg(test)]
mod tests;

use crate::quantity::{Grams, Ratio};

/// The annotation of a pod that the ReplicaSet controller reads: a whole number of 32 bits.
pub const ANNOTATION: &str = "controller.kubernetes.io/pod-deletion-cost";

/// One replica.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replica<'a> {
    /// The pod's name.
    pub name: &'a str,
    /// The zone or region that it runs in. Unknown places have no minimum.
    pub place: Option<&'a str>,
    /// What it adds to the emissions of its node in an hour. Where that is not known it stands in the middle.
    pub hourly: Option<Grams>,
    /// Whether the pod is ready.
    pub ready: bool,
    /// The cost that it has now, if any.
    pub cost: Option<i32>,
}

/// How replicas are ranked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeletionRule {
    /// How many ready replicas a place keeps while another has more.
    pub min_per_place: usize,
    /// Replicas that emit less by no more than this share than the dirtiest of them count as equal. It keeps costs from being
    /// written whenever two grids cross.
    pub band: Ratio,
}

/// The cost that a replica should have and has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost<'a> {
    /// The pod's name.
    pub name: &'a str,
    /// The value.
    pub cost: i32,
}

/// The costs that must change, and as few as can be, so that the dirtiest replica goes first and no place comes below its
/// minimum while another has more; when all are at their minimum, the same again with a lower one, down to none.
#[must_use]
pub fn deletion_costs<'a>(replicas: &[Replica<'a>], rule: &DeletionRule) -> Vec<Cost<'a>> {
    let ready: Vec<&Replica<'a>> = replicas.iter().filter(|replica| replica.ready).collect();
    keep::changes(&order::runs(&ready, rule))
}
