//! Everything a scheduler can be given as its extender.
//!
//! Owns the real `heliotrope` binary as a process with its settings file, the smallest real extender (echo), a scripted
//! one that refuses everything, and a recording proxy that stands in front of any of them and counts what kube-scheduler asks.
//! Addresses leave for the scheduler's configuration, counts and bodies for the scenario. Must never answer for Heliotrope.

mod echo;
mod heliotrope;
mod metrics;
mod proxy;
mod scripted;
mod settings;

pub(crate) use echo::Echo;
pub(crate) use heliotrope::Heliotrope;
pub(crate) use metrics::Metrics;
pub(crate) use proxy::RecordingProxy;
pub(crate) use scripted::{Preempt, Refusal, RefusingExtender};
pub(crate) use settings::HeliotropeSettings;
