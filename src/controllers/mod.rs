//! Every Kubernetes write.
//!
//! ```text
//! world (pods bound elsewhere than preferred) ─► events ─► API server
//! ```
//!
//! Owns one folder a controller. Today that is [`events`]. What is to be done comes in over a channel, requests to the API server
//! leave. Must never be waited for by whoever tells it something, and must never write in shadow.

pub mod events;
pub mod lease;
pub mod rightsizer;
