//! What model servers and GPU exporters say of their load, and what can be made of it.
//!
//! Owns a table of metrics: the names, kinds and units that vLLM, SGLang, Triton, TGI, llama.cpp and the DCGM exporter expose,
//! and where each misleads who scales by it. Names go in, rows come out. Must never hold a value that was measured.

mod metric;
mod table;

pub use metric::{Caveat, Kind, Measure, Server, ServingMetric, Unit};
pub use table::{TABLE, of, recognise};
