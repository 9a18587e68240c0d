//! Every call to somebody else.
//!
//! Owns the one HTTP client ([`HttpClient`]: allow-listed, capped, never redirected) and the Prometheus query client on
//! top of it. Requests come from carbon and power, bodies leave; errors name the host and never a query, which could
//! hold a key. Must never be used by a request of the scheduler.

mod client;
mod prometheus;
mod retry;
pub mod settings;

pub use client::{HttpClient, OutboundError};
pub use prometheus::{PrometheusClient, Sample, TimedSample, TimedVector, Vector};
pub use retry::RetryAfter;
