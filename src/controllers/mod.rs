//! Every Kubernetes write.
//!
//! ```text
//! world (pods bound elsewhere than preferred) ─► events ─────► API server
//! Rightsizers, cluster, load, world ─► rightsizer (under lease) ─► API server
//! ```
//!
//! Owns one folder a controller: [`events`], [`rightsizer`], and [`lease`], which says which of several processes acts. What is to
//! be done comes in over a channel or is read, requests to the API server leave. Must never be waited for by whoever tells it
//! something, must never write in shadow, and never for a Rightsizer without the lease.

mod event;
pub mod events;
pub mod lease;
pub mod rightsizer;
