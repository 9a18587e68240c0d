//! `heliotrope rightsize lint`: what is wrong with an autoscaler.

use super::input::text;
use super::manifest::{Autoscaler, autoscalers};
use crate::cli::failure::Failure;
use crate::cli::render::{self, Output};
use crate::cli::text::paragraph;
use clap::Args;
use heliotrope_core::rightsizing::lint::{Finding, Severity, lint};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Say what is wrong with the metrics and bounds of autoscalers
///
/// Reads HorizontalPodAutoscalers (autoscaling/v2 and v1) from YAML or JSON, several documents and lists of them included, and
/// says of each which metric misleads, why, and what to take instead. Nobody is asked. Other kinds in the files are left out.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Lint {
    /// Manifests, `-` for stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The controller's own tolerance (--horizontal-pod-autoscaler-tolerance), a share
    #[arg(long, value_name = "SHARE", default_value_t = super::TOLERANCE, value_parser = share)]
    tolerance: f64,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

const EXAMPLES: &str = "Examples:
  heliotrope rightsize lint hpa.yaml
  kubectl get hpa --all-namespaces -o yaml | heliotrope rightsize lint -
  heliotrope rightsize lint deploy/*.yaml -o json | jq '.[].findings[].fault'

Exit codes: 0 nothing worse than advice, 2 a file cannot be read or holds no autoscaler, 3 a warning, 4 an error that was found.";

/// The findings about one autoscaler.
#[derive(Serialize)]
struct Linted<'a> {
    file: String,
    namespace: Option<&'a str>,
    name: &'a str,
    findings: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    severity: Severity,
    #[serde(flatten)]
    finding: Finding,
}

impl Lint {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let mut read: Vec<(String, Vec<Autoscaler>)> = Vec::new();
        for path in &self.files {
            let name = path.display().to_string();
            let text = text(path).map_err(|error| Failure::Usage(format!("{name}: cannot be read: {error}")))?;
            let found =
                autoscalers(&text, self.tolerance).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
            read.push((name, found));
        }
        if read.iter().all(|(_, found)| found.is_empty()) {
            let message = "no HorizontalPodAutoscaler is in there: give manifests of kind HorizontalPodAutoscaler";
            return Err(Failure::Usage(message.to_owned()));
        }
        let linted: Vec<Linted<'_>> = read
            .iter()
            .flat_map(|(file, found)| found.iter().map(move |autoscaler| of(file, autoscaler)))
            .collect();
        match self.output {
            Output::Json => render::json(out, &linted)?,
            Output::Table => table(out, &linted)?,
        }
        let worst = linted
            .iter()
            .flat_map(|linted| &linted.findings)
            .map(|told| told.severity)
            .max();
        match worst {
            Some(Severity::Error) => Err(Failure::Told(4)),
            Some(Severity::Warning) => Err(Failure::Told(3)),
            Some(Severity::Advice) | None => Ok(()),
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "give a share such as 0.1".to_owned())?;
    if (0.0..1.0).contains(&value) {
        Ok(value)
    } else {
        Err("give a share from 0 to below 1".to_owned())
    }
}

fn of<'a>(file: &str, autoscaler: &'a Autoscaler) -> Linted<'a> {
    let told = |finding: Finding| Told {
        severity: finding.severity(),
        finding,
    };
    Linted {
        file: file.to_owned(),
        namespace: autoscaler.namespace.as_deref(),
        name: &autoscaler.name,
        findings: lint(&autoscaler.subject).into_iter().map(told).collect(),
    }
}

fn table(out: &mut dyn Write, linted: &[Linted<'_>]) -> io::Result<()> {
    for (place, autoscaler) in linted.iter().enumerate() {
        let gap = if place > 0 { "\n" } else { "" };
        let namespace = autoscaler
            .namespace
            .map(|namespace| format!("{namespace}/"))
            .unwrap_or_default();
        writeln!(out, "{gap}{namespace}{} ({})", autoscaler.name, autoscaler.file)?;
        if autoscaler.findings.is_empty() {
            writeln!(out, "  nothing is wrong")?;
        }
        for Told { severity, finding } in &autoscaler.findings {
            writeln!(out, "\n  {severity:<7}  {}  spec.{}", finding.fault.code(), finding.key)?;
            paragraph(out, "    ", &finding.what)?;
            paragraph(out, "    ", &format!("to do: {}", finding.instead))?;
        }
    }
    let count = |severity| {
        let told = linted.iter().flat_map(|linted| &linted.findings);
        told.filter(|told| told.severity == severity).count()
    };
    writeln!(
        out,
        "\n{} autoscalers: {} errors, {} warnings, {} pieces of advice",
        linted.len(),
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Advice)
    )
}
