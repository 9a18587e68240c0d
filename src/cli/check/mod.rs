//! `heliotrope check`: what settings amount to, and what stands in the way at a site.
//!
//! Owns the command's arguments, its tables and what its exit codes mean. Settings, files and a look at the cluster come in;
//! findings of `app::site` leave. Must never write to a cluster.

mod overview;
mod probe;
mod site;

use super::failure::Failure;
use super::render::{self, Output};
use crate::app::overview::Overview;
use crate::app::settings::{Loaded, SettingsError, load, parse};
use crate::app::site::{self as looks, Expectations, Severity};
use crate::app::yaml::Finding;
use crate::carbon::Probe;
use anyhow::{Context, anyhow};
use clap::Args;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Check settings, a scheduler's configuration and a cluster, and explain what they amount to
///
/// A settings file is read with the tables and the keys it names; nobody is asked unless `--probe` says so. A scheduler's configuration is looked through for slips
/// that cost carbon, pods or the cluster. With --cluster, nodes, pods, DRA objects and the ConfigMaps of schedulers are listed
/// once and nothing is written; power sources of the settings are asked once. What may not be read is a finding.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// Settings file
    #[arg(long, env = "HELIOTROPE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Call out: ask each carbon provider that wants a key, once, what the key can read
    #[arg(long, requires = "config")]
    probe: bool,

    /// A KubeSchedulerConfiguration, or the extenders of one; may be given several times
    #[arg(long, value_name = "FILE")]
    scheduler_config: Vec<PathBuf>,

    /// Look at the cluster too: the one of --kubeconfig, of the settings, or of the environment
    #[arg(long)]
    cluster: bool,

    /// Kubeconfig for --cluster
    #[arg(long, value_name = "FILE", requires = "cluster")]
    kubeconfig: Option<PathBuf>,

    /// Namespaces whose ConfigMaps are looked through for configurations of schedulers
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_values = ["kube-system", "heliotrope-system"])]
    namespace: Vec<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

const EXAMPLES: &str = "Examples:
  heliotrope check --config heliotrope.yaml
  heliotrope check --config heliotrope.yaml --probe
  heliotrope check --config heliotrope.yaml -o json | jq '.overview.zones'
  heliotrope check --scheduler-config kube-scheduler-config.yaml
  heliotrope check --config heliotrope.yaml --cluster --kubeconfig ~/.kube/config

Exit codes: 0 nothing worse than a note, 1 something failed, 2 the arguments or the settings are wrong, 3 a warning, 4 an error
that was found.";

/// A settings file that says nothing, for looks at a cluster without one.
const DEFAULTS: &str = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\n";

#[derive(Serialize)]
struct Answer<'a> {
    ok: bool,
    problems: &'a [Finding],
    overview: Option<&'a Overview>,
    /// What keys can read; nothing where nobody was asked.
    probes: Option<&'a [Probe]>,
    /// Absent where nothing but settings was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<&'a [looks::Finding]>,
}

impl Check {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let looks_at_site = self.cluster || !self.scheduler_config.is_empty();
        if self.config.is_none() && !looks_at_site {
            let message = "nothing to check: give --config, --scheduler-config or --cluster";
            return Err(Failure::Usage(message.to_owned()));
        }
        let loaded = self.settings(out)?;
        let overview = self.config.as_ref().map(|_| Overview::of(&loaded));
        let probes = self.probe.then(|| probe::ask(&loaded)).transpose()?;
        let findings = looks_at_site.then(|| self.look(&loaded)).transpose()?;
        let worst = findings.iter().flatten().map(|finding| finding.severity).max();
        match self.output {
            Output::Json => render::json(
                out,
                &Answer {
                    ok: worst <= Some(Severity::Note),
                    problems: &[],
                    overview: overview.as_ref(),
                    probes: probes.as_deref(),
                    findings: findings.as_deref(),
                },
            )?,
            Output::Table => {
                if let (Some(path), Some(overview)) = (&self.config, &overview) {
                    writeln!(out, "{} is right.", path.display())?;
                    overview::explain(out, overview)?;
                }
                if let Some(probes) = &probes {
                    probe::write(out, probes)?;
                }
                if let Some(findings) = &findings {
                    site::write(out, findings)?;
                }
            }
        }
        // A key that is refused is a failure, whatever else was found.
        if probes.iter().flatten().any(|probe| probe.error.is_some()) {
            return Err(Failure::Told(1));
        }
        match worst {
            Some(Severity::Error) => Err(Failure::Told(4)),
            Some(Severity::Warning) => Err(Failure::Told(3)),
            Some(Severity::Note) | None => Ok(()),
        }
    }

    /// The settings given, or those of a file that says nothing.
    fn settings(&self, out: &mut dyn Write) -> Result<Loaded, Failure> {
        let Some(path) = &self.config else {
            let loaded = parse(DEFAULTS, Path::new("."));
            return Ok(loaded.map_err(|error| anyhow!("{error}"))?);
        };
        match load(path) {
            Ok(loaded) => Ok(loaded),
            Err(SettingsError::Refused { findings }) if self.output == Output::Json => {
                let answer = Answer {
                    ok: false,
                    problems: &findings,
                    overview: None,
                    probes: None,
                    findings: None,
                };
                render::json(out, &answer)?;
                Err(Failure::Told(2))
            }
            Err(error) => Err(Failure::Settings {
                path: path.clone(),
                error,
            }),
        }
    }

    /// Everything that stands in the way.
    fn look(&self, loaded: &Loaded) -> anyhow::Result<Vec<looks::Finding>> {
        let extender = loaded.settings.extender;
        let expected = Expectations {
            listen: self.config.as_ref().map(|_| extender.listen),
            deadline: extender.deadline,
        };
        let mut texts = Vec::new();
        let mut findings = Vec::new();
        for path in &self.scheduler_config {
            let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            findings.extend(looks::check_scheduler(&path.display().to_string(), &text, expected));
            texts.push(text);
        }
        if self.cluster {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("no runtime")?;
            let look = site::Look {
                kubeconfig: self.kubeconfig.as_deref(),
                namespaces: &self.namespace,
                loaded,
                given: self.config.is_some(),
                expected,
                files: &texts,
            };
            findings.extend(runtime.block_on(look.take())?);
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(findings)
    }
}
