//! The HTTP extender: kube-scheduler asks, placement answers.
//!
//! Owns the wire types exactly as kube-scheduler encodes them, the handlers of `/filter`, `/prioritize` and `/preempt`,
//! the memo of node costs, and the limits. A request comes in as bytes, loads one snapshot and one [`Placement`], and
//! leaves as bytes; nothing is awaited but the body. Exposes a [`router`]; `serve` owns the socket.
//!
//! Two tiers of failure: a request that was decoded is always answered 200 and in time, neutrally if need be; one that
//! cannot be decoded gets 4xx, and `ignorable: true` lets the scheduler go on. Must never call out, never name a node
//! that was not offered, and never put anything but the constant text into an answer.

mod answer;
mod handlers;
mod judge;
mod memo;
mod neutral;
mod offer;
mod placement;
mod preempt;
pub mod settings;
mod wire;

pub use handlers::router;
pub use judge::Extender;
pub use placement::Placement;
