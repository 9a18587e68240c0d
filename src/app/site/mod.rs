//! What stands in the way of placing by carbon at a site: in the scheduler's configuration, and in the cluster.
//!
//! ```text
//! file, ConfigMap ─► scheduler: slips of a KubeSchedulerConfiguration, each with its line ─┐
//! cluster::survey ─► nodes, pods: what keeps nodes awake, what is not known of them ───────┴─► Finding
//! ```
//!
//! Owns the findings of `heliotrope check`: what is wrong, what it means, what to do. Objects come in pruned, findings leave.
//! Must never write to a cluster, never fail because something may not be read (that is a finding), and never repeat a value
//! that could be a secret.

mod finding;
mod power;
mod scheduler;
mod survey;

pub use finding::{Finding, Place, Severity};
pub use power::{Telemetry, telemetry};
pub use scheduler::{Expectations, check as check_scheduler};
pub use survey::{Against, check as check_cluster};
