//! `heliotrope crds`: the custom resource definitions, as `kubectl apply` takes them.

use super::failure::Failure;
use crate::crds::definitions;
use anyhow::Context;
use clap::Args;
use std::io::Write;

/// Print the custom resource definitions
///
/// As YAML for `kubectl apply`. Nothing is asked or written. A newer Heliotrope may bring newer ones: apply them before it runs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Crds;

const EXAMPLES: &str = "Examples:
  heliotrope crds | kubectl apply --server-side -f -
  heliotrope crds > crds.yaml";

impl Crds {
    #[expect(clippy::unused_self, reason = "every command is run alike")]
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        for definition in definitions().context("the definitions")? {
            let text = serde_saphyr::to_string(&definition).context("the definitions")?;
            write!(out, "---\n{text}")?;
        }
        Ok(())
    }
}
