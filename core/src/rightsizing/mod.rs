//! How many replicas a workload should have.
//!
//! ```text
//! HpaSpec, Observation (pods, samples, replicas), Memory, now ─► hpa::decide ─► Proposal, reasons, the next Memory
//! ```
//!
//! Owns the arithmetic of the HorizontalPodAutoscaler ([`hpa`]), which every plan starts from. Must never touch a cluster:
//! what it needs is given, what it concludes is returned.

pub mod hpa;
