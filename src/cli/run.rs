//! `heliotrope run`: the process itself.

use super::failure::Failure;
use crate::app::run::Roles;
use crate::app::settings::load;
use crate::{app, telemetry};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Run one role or several until told to stop
///
/// SIGTERM or SIGINT drains: readiness ends at once, requests are answered for two more seconds, and those in flight get
/// five more to finish. A second signal ends it at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Run {
    /// What to be; several may be given
    #[arg(
        long = "role",
        value_enum,
        value_name = "ROLE",
        value_delimiter = ',',
        default_value = "extender"
    )]
    roles: Vec<Role>,

    /// Settings file
    #[arg(long, env = "HELIOTROPE_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

const EXAMPLES: &str = "Examples:
  heliotrope run --role extender --config heliotrope.yaml
  heliotrope run --role controllers --config heliotrope.yaml";

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Answers kube-scheduler.
    Extender,
    /// Looks after Rightsizers; of several processes one acts.
    Controllers,
}

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        let roles = Roles {
            extender: self.roles.contains(&Role::Extender),
            controllers: self.roles.contains(&Role::Controllers),
        };
        let loaded = load(&self.config).map_err(|error| Failure::Settings {
            path: self.config.clone(),
            error,
        })?;
        let log = telemetry::init(&loaded.settings.log);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no runtime")?;
        Ok(runtime.block_on(app::run::run(roles, self.config, loaded, log))?)
    }
}
