//! The metrics APIs of Kubernetes, asked as the autoscaler's controller asks them.
//!
//! Owns their paths, versions and shapes. A metric and a target go in, samples by pod or values leave. Unlike the controller
//! it looks at the time that a sample bears: one that is too old does not count. Must never repeat what a server wrote.

mod ask;
mod custom;
mod external;
mod resource;
mod wire;

pub(super) use ask::MetricsApi;
