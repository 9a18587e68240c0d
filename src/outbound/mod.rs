//! Every call to somebody else.
//!
//! Owns the one HTTP client ([`HttpClient`]: allow-listed, capped, never redirected), the keys that calls show
//! ([`Secret`], read from a file of its own and hidden from every log), and the Prometheus query client on top. Requests
//! come from carbon and power, bodies leave; errors name the host and never a query or a body, which could hold a key.
//! Must never be used by a request of the scheduler.

mod client;
mod prometheus;
mod retry;
mod secret;
pub mod settings;

pub use client::{Answer, HttpClient, OutboundError};
pub use prometheus::{PrometheusClient, Sample, TimedSample, TimedVector, Vector};
pub use retry::RetryAfter;
pub use secret::{Credential, Secret, SecretError};
