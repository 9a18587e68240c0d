//! What must be true on a real scheduler, one file a claim.
//!
//! Every scenario starts its own control plane, prints its figures and asserts. The letters are the order in which they are
//! read; `smoke` comes first and needs no extender.

mod a_greenest_zone;
mod d_preemption;
mod i_throughput;
mod site;
mod smoke;
