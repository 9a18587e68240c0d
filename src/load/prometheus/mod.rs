//! Prometheus as a source of load.
//!
//! Owns how a question is written ([`promql`]) and what its answer means. A query and a target go in, samples by pod, a total or a
//! duration leave. Must never put a word into an expression that is not escaped.

mod answer;
mod ask;
mod promql;

pub(super) use ask::Prometheus;
