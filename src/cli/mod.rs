//! The command line.
//!
//! ```text
//! arguments ─► one file a command ─► app ─► table or JSON on stdout, complaints on stderr, an exit code
//! ```
//!
//! Owns arguments, rendering and exit codes: 0 when all is well, 1 when something failed, 2 when the arguments or the
//! settings are wrong, and of `check` and `rightsize` 3 and 4 for what they found. Must never decide or compute what another room could; nobody uses this room.

mod admin;
mod check;
mod crds;
mod demo;
mod explain;
mod failure;
mod figure;
mod render;
mod replay;
mod report;
mod rightsize;
mod run;
mod scheduler_config;
mod simulate;
mod stanza;
mod text;
mod whynot;

pub use failure::Failure;
pub use stanza::{ExtenderStanza, ManagedResource};

use clap::{Parser, Subcommand};
use std::io;
use std::process::ExitCode;

/// Kubernetes scheduler extender that places GPU pods on the greenest capacity.
#[derive(Debug, Parser)]
#[command(name = "heliotrope", version, about, after_help = EXIT_CODES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all is well, 1 something failed, 2 the arguments or the settings are wrong. `check`, `rightsize lint` and `rightsize explain` also end with 3 and 4: see there.";

/// One line and one file a command.
#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Crds(crds::Crds),
    Demo(demo::Demo),
    Explain(explain::Explain),
    Replay(replay::Replay),
    Report(report::ReportCommand),
    Rightsize(rightsize::Rightsize),
    SchedulerConfig(scheduler_config::SchedulerConfig),
    Simulate(simulate::Simulate),
}

/// Reads the arguments and does what they say.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let printed = error.print();
            return ExitCode::from(if printed.is_err() {
                1
            } else {
                u8::from(error.use_stderr()) * 2
            });
        }
    };
    let mut out = io::stdout().lock();
    let done = match cli.command {
        Command::Run(command) => command.run(),
        Command::Check(command) => command.run(&mut out),
        Command::Crds(command) => command.run(&mut out),
        Command::Demo(command) => command.run(&mut out),
        Command::Explain(command) => command.run(&mut out),
        Command::Replay(command) => command.run(&mut out),
        Command::Report(command) => command.run(&mut out),
        Command::Rightsize(command) => command.run(&mut out),
        Command::SchedulerConfig(command) => command.run(&mut out),
        Command::Simulate(command) => command.run(&mut out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
