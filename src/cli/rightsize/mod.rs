//! `heliotrope rightsize`: what is to be said of how many replicas run.
//!
//! Owns the command's arguments and tables, and how manifests become what rules are about. Must never judge: the rules
//! stand in the core.

mod lint;
mod manifest;

use super::failure::Failure;
use clap::{Args, Subcommand};
use std::io::Write;

/// Look at how replicas are scaled
#[derive(Debug, Args)]
pub(super) struct Rightsize {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lint(lint::Lint),
}

impl Rightsize {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        match self.command {
            Command::Lint(command) => command.run(out),
        }
    }
}
