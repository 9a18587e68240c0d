//! A look at a cluster, and findings for people.

use crate::app::settings::Loaded;
use crate::app::site::{Against, Expectations, Finding, Severity, check_cluster, telemetry};
use crate::cli::text::paragraph;
use crate::cluster::{Seen, Survey, connect};
use crate::telemetry::system_clock;
use anyhow::{Context, bail};
use std::io::{self, Write};
use std::path::Path;

/// Subjects told of a finding; all of them are in the JSON.
const SUBJECTS: usize = 10;

/// What to look at, and with what.
pub(super) struct Look<'a> {
    pub(super) kubeconfig: Option<&'a Path>,
    pub(super) namespaces: &'a [String],
    pub(super) loaded: &'a Loaded,
    pub(super) given: bool,
    pub(super) expected: Expectations,
    pub(super) files: &'a [String],
}

impl Look<'_> {
    /// Looks once.
    pub(super) async fn take(&self) -> anyhow::Result<Vec<Finding>> {
        let settings = &self.loaded.settings;
        let kubeconfig = self.kubeconfig.or(settings.cluster.kubeconfig.as_deref());
        let client = connect(kubeconfig).await.context("give --kubeconfig")?;
        let survey = Survey::take(&client, &settings.cluster.labels, self.namespaces).await;
        // One kind that fails is a finding; when not even nodes were listed, the cluster was not looked at.
        if let Seen::Failed(why) = &survey.nodes {
            bail!("the cluster cannot be looked at: {why}");
        }
        let telemetry = telemetry(settings).await?;
        let against = Against {
            loaded: self.loaded,
            given: self.given,
            telemetry: telemetry.as_ref(),
            expected: self.expected,
            files: self.files,
        };
        Ok(check_cluster(&survey, against, system_clock()()))
    }
}

/// Writes findings, the worst first.
pub(super) fn write(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        let at = finding
            .place
            .as_ref()
            .map(|place| format!("  {place}"))
            .unwrap_or_default();
        writeln!(out, "\n{:<7}  {}{at}", finding.severity, finding.code)?;
        paragraph(out, "  ", &finding.what)?;
        for subject in finding.subjects.iter().take(SUBJECTS) {
            writeln!(out, "    - {subject}")?;
        }
        if finding.subjects.len() > SUBJECTS {
            writeln!(
                out,
                "    and {} more: `-o json` has all",
                finding.subjects.len() - SUBJECTS
            )?;
        }
        paragraph(out, "  ", &format!("means: {}", finding.meaning))?;
        paragraph(out, "  ", &format!("to do: {}", finding.remedy))?;
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    writeln!(
        out,
        "\n{} errors, {} warnings, {} notes",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note)
    )
}
