//! `heliotrope rightsize from-hpa`: an autoscaler as a Rightsizer that does the same, and what to look at in it.

mod comments;
mod compose;

use super::input::text;
use super::manifest::{Autoscaler, autoscaler, autoscalers};
use super::place::{Cluster, Place, block_on, read};
use crate::cli::failure::Failure;
use crate::cluster::{Kind, minor_version};
use anyhow::Context;
use clap::{Args, ValueEnum};
use compose::{Rightsizer, compose};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

const HPA: Kind = Kind {
    group: "autoscaling",
    version: "v2",
    kind: "HorizontalPodAutoscaler",
};

/// Write the Rightsizer that does what an autoscaler does
///
/// Reads a HorizontalPodAutoscaler from the cluster or from a file and writes a Rightsizer of the same target, bounds, metrics and
/// behavior, in mode recommend. Comments say what is wrong with the metrics and what a Rightsizer can do that the autoscaler
/// cannot. Nothing is written to the cluster.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct FromHpa {
    /// Namespace and name of the autoscaler
    #[arg(value_name = "NAMESPACE/NAME", required_unless_present = "file")]
    place: Option<Place>,

    /// Read it from a manifest, `-` for stdin, and ask no cluster
    #[arg(short, long, value_name = "FILE", conflicts_with = "kubeconfig")]
    file: Option<PathBuf>,

    #[command(flatten)]
    cluster: Cluster,

    /// Whose arithmetic to keep: by default that of the cluster, or with --file the newest
    #[arg(long, value_enum, value_name = "VERSION")]
    compatibility: Option<Compatibility>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Written,
}

const EXAMPLES: &str = "Examples:
  heliotrope rightsize from-hpa ml/llm
  heliotrope rightsize from-hpa ml/llm | kubectl apply -f -
  heliotrope rightsize from-hpa -f hpa.yaml -o json
  kubectl get hpa --all-namespaces -o yaml | heliotrope rightsize from-hpa -f -

Exit codes: 0 written, 1 the cluster cannot be asked or has no such autoscaler, 2 the arguments or the file are wrong.";

/// The versions of the arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Compatibility {
    /// Up to 1.32.
    #[value(name = "1.32")]
    UpTo132,
    /// 1.33 to 1.36.
    #[value(name = "1.33")]
    From133,
    /// From 1.37 on.
    #[value(name = "1.37")]
    From137,
}

impl Compatibility {
    fn of_minor(minor: u32) -> Self {
        match minor {
            ..=32 => Self::UpTo132,
            33..=36 => Self::From133,
            37.. => Self::From137,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::UpTo132 => "1.32",
            Self::From133 => "1.33",
            Self::From137 => "1.37",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Written {
    /// With comments.
    #[default]
    Yaml,
    /// Without.
    Json,
}

impl FromHpa {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let (found, compatibility) = match &self.file {
            Some(file) => (self.in_file(file)?, Compatibility::From137),
            None => self.in_cluster()?,
        };
        let compatibility = self.compatibility.unwrap_or(compatibility);
        let written: Vec<(Rightsizer, &Autoscaler)> = found
            .iter()
            .map(|autoscaler| (compose(autoscaler, compatibility), autoscaler))
            .collect();
        match self.output {
            Written::Yaml => {
                for (place, (rightsizer, autoscaler)) in written.iter().enumerate() {
                    if place > 0 {
                        writeln!(out, "---")?;
                    }
                    comments::write(out, rightsizer, autoscaler)?;
                }
            }
            Written::Json => match written.as_slice() {
                [(one, _)] => crate::cli::render::json(out, one)?,
                several => {
                    let items: Vec<&Rightsizer> = several.iter().map(|(rightsizer, _)| rightsizer).collect();
                    crate::cli::render::json(out, &json!({ "apiVersion": "v1", "kind": "List", "items": items }))?;
                }
            },
        }
        Ok(())
    }

    fn in_file(&self, file: &std::path::Path) -> Result<Vec<Autoscaler>, Failure> {
        let name = file.display();
        let wrong = |what: String| Failure::Usage(format!("{name}: {what}"));
        let text = text(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let mut found = autoscalers(&text, super::TOLERANCE).map_err(|error| wrong(error.to_string()))?;
        if let Some(place) = &self.place {
            found.retain(|of| {
                let elsewhere = of
                    .namespace
                    .as_ref()
                    .is_some_and(|namespace| *namespace != place.namespace);
                of.name == place.name && !elsewhere
            });
        }
        if found.is_empty() {
            return Err(wrong("no such HorizontalPodAutoscaler is in there".to_owned()));
        }
        Ok(found)
    }

    fn in_cluster(&self) -> Result<(Vec<Autoscaler>, Compatibility), Failure> {
        let place = self.place.as_ref();
        let place = place.ok_or_else(|| Failure::Usage("give NAMESPACE/NAME or --file".to_owned()))?;
        let (object, minor) = block_on(async {
            let client = self.cluster.client().await?;
            let object = read(&client, HPA, place).await?;
            Ok((object, minor_version(&client).await))
        })?;
        let found =
            autoscaler(object, 1, super::TOLERANCE).context("the API server answers otherwise than its API says")?;
        Ok((
            vec![found],
            minor.map_or(Compatibility::From137, Compatibility::of_minor),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arithmetic_is_that_of_the_cluster() {
        let of = |minor| Compatibility::of_minor(minor).text();
        assert_eq!(
            [25, 32, 33, 36, 37, 40].map(of),
            ["1.32", "1.32", "1.33", "1.33", "1.37", "1.37"]
        );
    }
}
