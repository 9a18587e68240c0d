//! `heliotrope crds`: the custom resource definitions.

use super::failure::Failure;
use super::render;
use crate::crds::definitions;
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::io::Write;

/// Print the custom resource definitions, for kubectl apply
///
/// They belong to this build: print and apply them again with each release.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Crds {
    /// Output
    #[arg(short, long, value_enum, default_value_t = Form::Yaml)]
    output: Form,
}

const EXAMPLES: &str = "Examples:
  heliotrope crds | kubectl apply --server-side -f -
  heliotrope crds -o json";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Yaml,
    Json,
}

impl Crds {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let definitions = definitions().context("the definitions cannot be written")?;
        match self.output {
            Form::Json => render::json(out, &definitions)?,
            Form::Yaml => {
                for definition in &definitions {
                    let yaml = serde_saphyr::to_string(definition).context("cannot write YAML")?;
                    write!(out, "---\n{yaml}")?;
                }
            }
        }
        Ok(())
    }
}
