//! `heliotrope rightsize explain`: how a number of replicas came about.
//!
//! Owns how the status of a Rightsizer becomes sentences: what each step made of the number before it, what is remembered and
//! for how long it counts, and whether anybody still looks after it. Must never plan: what is told is what the controller noted.

mod currency;
mod remembered;
mod table;
mod view;

use super::input::text;
use super::manifest::rightsizers;
use super::place::{Cluster, Place, block_on, read};
use crate::cli::failure::Failure;
use crate::cli::render::{self, Output};
use crate::cluster::{Kind, object};
use crate::crds::Rightsizer;
use crate::telemetry::system_clock;
use anyhow::Context;
use clap::Args;
use currency::{Lease, currency};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use view::View;

const RIGHTSIZER: Kind = Kind {
    group: "heliotrope.dev",
    version: "v1alpha1",
    kind: "Rightsizer",
};
const LEASE: Kind = Kind {
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
};

/// Show how the number of replicas came about, step by step
///
/// Reads a Rightsizer and the lease of its controller, and shows what its status says: what each step made of the number before
/// it and why, the conditions, and which windows, rates and scale events still count. Nothing is computed again or written.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    /// Namespace and name of the Rightsizer
    #[arg(value_name = "NAMESPACE/NAME", required_unless_present = "file")]
    place: Option<Place>,

    /// Read it, with its status, from a file, `-` for stdin, and ask no cluster
    #[arg(short, long, value_name = "FILE", conflicts_with = "kubeconfig")]
    file: Option<PathBuf>,

    #[command(flatten)]
    cluster: Cluster,

    /// Namespace and name of the controllers' lease: `rightsizer.lease` of their settings
    #[arg(
        long,
        value_name = "NAMESPACE/NAME",
        default_value = "heliotrope-system/heliotrope-controllers"
    )]
    lease: Place,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

const EXAMPLES: &str = "Examples:
  heliotrope rightsize explain ml/llm
  heliotrope rightsize explain ml/llm -o json | jq '.steps[] | select(.replicas != .without)'
  kubectl -n ml get rightsizer llm -o yaml | heliotrope rightsize explain -f -

Exit codes: 0 shown, 1 it cannot be read, 2 the arguments or the file are wrong, 3 shown, but the status is not of now: no
controller runs, or it has not seen the last change, 4 shown, and not ready.";

impl Explain {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let now = system_clock()();
        let (one, lease) = match &self.file {
            Some(file) => (self.in_file(file)?, Lease::NotAsked),
            None => self.in_cluster()?,
        };
        let view = View::of(&one, currency(&one, &lease, now), now);
        match self.output {
            Output::Json => render::json(out, &view)?,
            Output::Table => table::write(out, &view)?,
        }
        match (view.currency.current, view.ready) {
            (false, _) => Err(Failure::Told(3)),
            (true, Some(false)) => Err(Failure::Told(4)),
            (true, _) => Ok(()),
        }
    }

    fn in_file(&self, file: &Path) -> Result<Rightsizer, Failure> {
        let name = file.display();
        let wrong = |what: String| Failure::Usage(format!("{name}: {what}"));
        let text = text(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let mut found = rightsizers(&text).map_err(|error| wrong(error.to_string()))?;
        if let Some(place) = &self.place {
            let is = |of: &Value, key: &str, wanted: &str| {
                of.pointer(key)
                    .and_then(Value::as_str)
                    .is_some_and(|told| told == wanted)
            };
            found.retain(|of| {
                is(of, "/metadata/namespace", &place.namespace) && is(of, "/metadata/name", &place.name)
            });
        }
        let one = match found.len() {
            0 => return Err(wrong("no such Rightsizer is in there".to_owned())),
            1 => found.swap_remove(0),
            _ => {
                return Err(wrong(
                    "there are several Rightsizers in there: give NAMESPACE/NAME".to_owned(),
                ));
            }
        };
        serde_json::from_value(one).map_err(|error| wrong(error.to_string()))
    }

    fn in_cluster(&self) -> Result<(Rightsizer, Lease), Failure> {
        let place = self.place.as_ref();
        let place = place.ok_or_else(|| Failure::Usage("give NAMESPACE/NAME or --file".to_owned()))?;
        let (one, lease) = block_on(async {
            let client = self.cluster.client().await?;
            let one = read(&client, RIGHTSIZER, place).await?;
            let lease = object(&client, LEASE, &self.lease.namespace, &self.lease.name).await;
            Ok((one, lease))
        })?;
        let one =
            serde_json::from_value(one).context("the Rightsizer is of another version of the custom resource")?;
        Ok((one, Lease::of(lease, &self.lease)))
    }
}
