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

use super::serving::{Measure, Server, of};
use crate::quantity::Ratio;
use jiff::SignedDuration;

/// Everything that is found wrong, the worst first, else in the order of the spec.
#[must_use]
pub fn lint(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    bounds::look(subject, &mut findings);
    metrics::look(subject, &mut findings);
    findings.sort_by_key(|finding: &Finding| std::cmp::Reverse(finding.severity()));
    findings
}

/// What is wrong with a preset as the source of a metric, the worst first. `asked` is the metric as the spec has it, the only one
/// or one of several; `key` says where the preset stands. Nothing where the server exposes no such metric, which is refused
/// when the preset is read.
#[must_use]
pub fn source(
    key: &str,
    (server, measure): (Server, Measure),
    (kind, target): (MetricKind, Target),
    subject: &Subject,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(row) = of(server, measure) else {
        return findings;
    };
    let asked = Asked {
        kind,
        name: row.name.to_owned(),
        labels: Vec::new(),
        target,
    };
    let others = subject.metrics.iter().skip(1).cloned();
    let subject = Subject {
        metrics: std::iter::once(asked).chain(others).collect(),
        ..subject.clone()
    };
    metrics::preset(key, row, &subject, &mut findings);
    findings.sort_by_key(|finding: &Finding| std::cmp::Reverse(finding.severity()));
    findings
}

/// What is wrong with a preset as a latency that must not exceed a limit, of which `calm` is the share that counts as calm.
#[must_use]
pub fn objective(
    key: &str,
    (server, measure): (Server, Measure),
    (limit, calm): (SignedDuration, Ratio),
) -> Option<Finding> {
    metrics::objective(key, of(server, measure)?, limit, calm)
}

#[cfg(test)]
mod tests;
