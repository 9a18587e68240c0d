//! `heliotrope run`: the process itself.

use super::failure::Failure;
use crate::app::settings::load;
use crate::{app, telemetry};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Run a role until it is told to stop
///
/// SIGTERM or SIGINT drains: readiness ends at once, requests are answered for two more seconds, and those in flight get
/// five more to finish. A second signal ends it at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Run {
    /// What to be
    #[arg(long, value_enum, default_value_t)]
    role: Role,

    /// Settings file
    #[arg(long, env = "HELIOTROPE_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

const EXAMPLES: &str = "Examples:
  heliotrope run --role extender --config heliotrope.yaml";

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Role {
    /// Answers kube-scheduler.
    #[default]
    Extender,
}

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Role::Extender = self.role;
        let loaded = load(&self.config).map_err(|error| Failure::Settings {
            path: self.config.clone(),
            error,
        })?;
        let log = telemetry::init(&loaded.settings.log);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no runtime")?;
        Ok(runtime.block_on(app::run::extender(self.config, loaded, log))?)
    }
}
