//! The decisions of Heliotrope: where a pod runs, and what that costs in grams.
//!
//! Everything here is pure. Nothing reads a clock, opens a socket or knows Kubernetes; `now` is always an argument,
//! so a decision can be computed again from its inputs, years later, bit for bit.
//!
//! ```text
//! quantity ─► grid ─┬─► workload ─┐
//!         └─► gpu ──┘             ├─► snapshot ─► placement ─► Decision
//!              └──────────────────┘        ├────► accounting (what decisions were worth)
//!                                          └────► simulator (drives the real rooms)
//! ```
//!
//! Which room may use which is data of the architecture test (`tests/it/architecture.rs`).

pub mod accounting;
pub mod gpu;
pub mod grid;
pub mod placement;
pub mod quantity;
pub mod rightsizing;
pub mod simulator;
pub mod snapshot;
pub mod workload;
