//! `heliotrope rightsize`: what is to be said of how many replicas run.
//!
//! Owns the command's arguments and tables, and how manifests become what rules are about. Must never judge: the rules
//! stand in the core; and must never write to a cluster.

mod explain;
mod from_hpa;
mod input;
mod lint;
mod manifest;
mod place;
mod rightsizer;

use super::failure::Failure;
use clap::{Args, Subcommand};
use std::io::Write;

/// The tolerance that the autoscaler's controller has unless told otherwise: `--horizontal-pod-autoscaler-tolerance`.
const TOLERANCE: f64 = 0.1;

/// Look at how replicas are scaled
#[derive(Debug, Args)]
pub(super) struct Rightsize {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lint(lint::Lint),
    FromHpa(from_hpa::FromHpa),
    Explain(explain::Explain),
}

impl Rightsize {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        match self.command {
            Command::Lint(command) => command.run(out),
            Command::FromHpa(command) => command.run(out),
            Command::Explain(command) => command.run(out),
        }
    }
}
