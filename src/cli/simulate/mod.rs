//! `heliotrope simulate`: recorded data on models, and the real decisions over it.
//!
//! Owns the commands' arguments, their tables and figures. Reports come from the simulator in core, text leaves. Must never print a
//! figure that was not computed in that run, and must say what is simulated.

mod figure;
mod rightsizing;
mod tables;

use super::failure::Failure;
use clap::{Args, Subcommand};
use std::io::Write;

/// Play recorded data through the real decisions
#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Rightsizing(rightsizing::Rightsizing),
}

impl Simulate {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        match self.what {
            What::Rightsizing(command) => command.run(out),
        }
    }
}
