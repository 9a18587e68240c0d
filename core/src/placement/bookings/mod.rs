//! Watts promised to pods that the snapshot does not show yet: what was answered to kube-scheduler, and no binding was
//! seen for so far.
//!
//! ```text
//! filter, prioritize ─► Promise ─► Bookings ─► Question ─► caps (whole), cost (shares)
//! snapshot           ─► settle: who is bound, gone or unschedulable leaves; the snapshot counts them from there on
//! ```
//!
//! Owns [`Bookings`], a value: whoever decides holds it and changes it between decisions. One promise a pod: a new answer
//! replaces the old one. Until a pod is bound it may land on any node that it was answered with, so in every power domain
//! of these it is reserved whole; the shares over the nodes that tied for the best serve costs and what is shown. Must
//! never read a clock, and must stay bounded: what has too many domains to list is reserved in all.

mod ledger;
mod promise;
mod settle;

pub use ledger::Bookings;
pub use promise::{Promise, Reach};
