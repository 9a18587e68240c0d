//! Every call to somebody else.
//!
//! Owns the one HTTP client ([`HttpClient`]: allow-listed, capped, never redirected), the keys that calls show
//! ([`Secret`], read from a file of its own and hidden from every log), how a server of one's own wants to be asked
//! ([`Access`]), and the Prometheus query client on top. Requests come from carbon, power and load, bodies leave; errors name the host and never a query or a body, which could hold a key.
//! Must never be used by a request of the scheduler.

mod access;
mod client;
mod prometheus;
mod retry;
mod secret;
pub mod settings;

pub use access::{Access, RawAccess};
pub use client::{Answer, HttpClient, OutboundError};
pub use prometheus::{PrometheusClient, Sample, TimedSample, TimedVector, Vector};
pub use retry::RetryAfter;
pub use secret::{Credential, Secret, SecretError};
