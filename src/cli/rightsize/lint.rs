//! `heliotrope rightsize lint`: what is wrong with an autoscaler or a Rightsizer.

use super::input::text;
use super::manifest::{Autoscaler, ManifestError, autoscalers, rightsizers};
use super::rightsizer::{Judged, judge};
use crate::cli::failure::Failure;
use crate::cli::render::{self, Output};
use crate::cli::text::paragraph;
use clap::Args;
use heliotrope_core::rightsizing::lint::{Finding, Severity, lint};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Say what is wrong with the metrics and bounds of autoscalers and Rightsizers
///
/// Reads HorizontalPodAutoscalers (autoscaling/v2 and v1) and Rightsizers from YAML or JSON, several documents and lists of them
/// included, and says of each which metric misleads, why, and what to take instead; of a Rightsizer also everything that its
/// controller would refuse, with its key. Nobody is asked. Other kinds in the files are left out.
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
  heliotrope rightsize lint hpa.yaml rightsizer.yaml
  kubectl get hpa --all-namespaces -o yaml | heliotrope rightsize lint -
  heliotrope rightsize lint deploy/*.yaml -o json | jq '.[].findings[].fault'

Exit codes: 0 nothing worse than advice, 2 a file cannot be read or holds nothing of these kinds, 3 a
warning, 4 an error that was found or something that would be refused.";

/// What was found about one autoscaler or Rightsizer.
#[derive(Serialize)]
struct Linted {
    file: String,
    kind: &'static str,
    namespace: Option<String>,
    name: String,
    /// What would be refused.
    problems: Vec<Refused>,
    findings: Vec<Told>,
}

#[derive(Serialize)]
struct Refused {
    key: String,
    message: String,
}

#[derive(Serialize)]
struct Told {
    severity: Severity,
    #[serde(flatten)]
    finding: Finding,
}

impl Lint {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let mut linted: Vec<Linted> = Vec::new();
        for path in &self.files {
            let name = path.display().to_string();
            let text = text(path).map_err(|error| Failure::Usage(format!("{name}: cannot be read: {error}")))?;
            let wrong = |error: ManifestError| Failure::Usage(format!("{name}: {error}"));
            let found = autoscalers(&text, self.tolerance).map_err(wrong)?;
            linted.extend(found.into_iter().map(|autoscaler| of(&name, autoscaler)));
            let found = rightsizers(&text).map_err(wrong)?.into_iter().enumerate();
            linted.extend(found.map(|(ix, item)| of_rightsizer(&name, judge(&item, ix + 1, self.tolerance))));
        }
        if linted.is_empty() {
            let message = "no HorizontalPodAutoscaler and no Rightsizer is in there: give manifests of these kinds";
            return Err(Failure::Usage(message.to_owned()));
        }
        match self.output {
            Output::Json => render::json(out, &linted)?,
            Output::Table => table(out, &linted)?,
        }
        let refused = linted.iter().any(|linted| !linted.problems.is_empty());
        let findings = linted.iter().flat_map(|linted| &linted.findings);
        let worst = findings.map(|told| told.severity).max();
        match worst.max(refused.then_some(Severity::Error)) {
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

fn told(findings: Vec<Finding>) -> Vec<Told> {
    let told = |finding: Finding| Told {
        severity: finding.severity(),
        finding,
    };
    findings.into_iter().map(told).collect()
}

fn of_rightsizer(file: &str, judged: Judged) -> Linted {
    let refused = judged.problems.into_iter().map(|problem| Refused {
        key: problem.path,
        message: problem.message,
    });
    Linted {
        file: file.to_owned(),
        kind: "Rightsizer",
        namespace: judged.namespace,
        name: judged.name,
        problems: refused.collect(),
        findings: told(judged.findings),
    }
}

fn of(file: &str, autoscaler: Autoscaler) -> Linted {
    Linted {
        file: file.to_owned(),
        kind: "HorizontalPodAutoscaler",
        findings: told(lint(&autoscaler.subject)),
        namespace: autoscaler.namespace,
        name: autoscaler.name,
        problems: Vec::new(),
    }
}

fn table(out: &mut dyn Write, linted: &[Linted]) -> io::Result<()> {
    for (place, autoscaler) in linted.iter().enumerate() {
        let gap = if place > 0 { "\n" } else { "" };
        let namespace = autoscaler.namespace.as_ref();
        let namespace = namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let (kind, name, file) = (autoscaler.kind, &autoscaler.name, &autoscaler.file);
        let kind = if kind == "Rightsizer" { ", Rightsizer" } else { "" };
        writeln!(out, "{gap}{namespace}{name} ({file}{kind})")?;
        for problem in &autoscaler.problems {
            writeln!(out, "\n  refused  {}", problem.key)?;
            paragraph(out, "    ", &problem.message)?;
        }
        if autoscaler.findings.is_empty() && autoscaler.problems.is_empty() {
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
