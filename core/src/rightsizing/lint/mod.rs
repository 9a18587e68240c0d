//! What is wrong with the way a workload is scaled.
//!
//! ```text
//! Subject (of an autoscaler's spec) ─► rules, one a fault ─► Findings, the worst first, each with what to do instead
//! ```
//!
//! Owns the faults that are known and the sentences about them. Must never read a manifest or a cluster, and must never
//! complain of what only is unusual: every finding names what will happen.

mod bounds;
mod finding;
mod metrics;
mod subject;

pub use finding::{Fault, Finding, Severity};
pub use subject::{Asked, MetricKind, Subject, Target};

/// Everything that is found wrong, the worst first, else in the order of the spec.
#[must_use]
pub fn lint(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    bounds::look(subject, &mut findings);
    metrics::look(subject, &mut findings);
    findings.sort_by_key(|finding: &Finding| std::cmp::Reverse(finding.severity()));
    findings
}

#[cfg(test)]
mod tests;
