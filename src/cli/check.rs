//! `heliotrope check`: what a settings file amounts to.

use super::failure::Failure;
use super::render::{self, Output};
use crate::app;
use crate::app::overview::{HistoryOverview, Overview};
use crate::app::settings::{Loaded, Reload, SettingsError, load};
use crate::app::yaml::Finding;
use crate::carbon::Probe;
use anyhow::Context;
use clap::Args;
use heliotrope_core::snapshot::Coefficient;
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Check a settings file and explain what it amounts to
///
/// Reads the file, the tables and the keys it names, and asks nobody, no provider and no cluster, unless `--probe` says so.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// Settings file
    #[arg(long, env = "HELIOTROPE_CONFIG", value_name = "FILE")]
    config: PathBuf,

    /// Call out: ask each carbon provider that wants a key, once, what the key can read
    #[arg(long)]
    probe: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

const EXAMPLES: &str = "Examples:
  heliotrope check --config heliotrope.yaml
  heliotrope check --config heliotrope.yaml --probe
  heliotrope check --config heliotrope.yaml -o json | jq '.overview.zones'";

#[derive(Serialize)]
struct Answer<'a> {
    ok: bool,
    problems: &'a [Finding],
    overview: Option<&'a Overview>,
    /// What keys can read; nothing where nobody was asked.
    probes: Option<&'a [Probe]>,
}

impl Check {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let loaded = match load(&self.config) {
            Ok(loaded) => loaded,
            Err(SettingsError::Refused { findings }) if self.output == Output::Json => {
                let answer = Answer {
                    ok: false,
                    problems: &findings,
                    overview: None,
                    probes: None,
                };
                render::json(out, &answer)?;
                return Err(Failure::Told(2));
            }
            Err(error) => {
                return Err(Failure::Settings {
                    path: self.config,
                    error,
                });
            }
        };
        let overview = Overview::of(&loaded);
        let probes = self.probe.then(|| probe(&loaded)).transpose()?;
        match self.output {
            Output::Table => {
                writeln!(out, "{} is right.", self.config.display())?;
                explain(out, &overview)?;
                if let Some(probes) = &probes {
                    keys(out, probes)?;
                }
            }
            Output::Json => {
                let answer = Answer {
                    ok: true,
                    problems: &[],
                    overview: Some(&overview),
                    probes: probes.as_deref(),
                };
                render::json(out, &answer)?;
            }
        }
        let refused = probes.iter().flatten().any(|probe| probe.error.is_some());
        if refused { Err(Failure::Told(1)) } else { Ok(()) }
    }
}

fn probe(loaded: &Loaded) -> anyhow::Result<Vec<Probe>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("no runtime")?.block_on(app::probe::keys(loaded))
}

fn keys(out: &mut dyn Write, probes: &[Probe]) -> io::Result<()> {
    writeln!(out, "\nWhat keys can read")?;
    let mut rows = Vec::new();
    for probe in probes {
        if let Some(error) = &probe.error {
            rows.push([probe.provider.clone(), "*".to_owned(), error.clone(), String::new()]);
        }
        for (zone, access) in &probe.zones {
            let list = |can| access.names(can).join(", ");
            let can = if access.told().next().is_none() {
                "not known".to_owned()
            } else {
                list(true)
            };
            rows.push([probe.provider.clone(), zone.to_string(), can, list(false)]);
        }
    }
    if rows.is_empty() {
        return writeln!(out, "  No provider wants a key.");
    }
    render::table(out, ["PROVIDER", "ZONE", "CAN READ", "CANNOT"], &rows)
}

fn explain(out: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    zones(out, overview)?;
    regions(out, overview)?;
    gpus(out, overview)?;
    learned(out, overview)?;
    reload(out, overview)?;
    if !overview.notes.is_empty() {
        writeln!(out, "\nWorth knowing")?;
        for note in &overview.notes {
            writeln!(out, "  - {note}")?;
        }
    }
    Ok(())
}

fn zones(out: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    writeln!(out, "\nZones with a provider, ranked by {} intensity", overview.kind)?;
    let rows = overview.zones.iter().map(|zone| {
        let rungs: Vec<&str> = zone.rungs.iter().map(|rung| rung.name()).collect();
        [
            zone.zone.to_string(),
            zone.name.clone().unwrap_or_default(),
            zone.yearly.map(|average| format!("{average:.0}")).unwrap_or_default(),
            zone.providers.join(" > "),
            rungs.join(", "),
        ]
    });
    let rows: Vec<_> = rows.collect();
    render::table(out, ["ZONE", "NAME", "YEARLY", "PROVIDERS", "RUNGS POSSIBLE"], &rows)?;
    let (with, of) = overview.yearly_averages;
    writeln!(
        out,
        "  {with} of {of} zones in the table have a yearly {} average.",
        overview.kind
    )
}

fn regions(out: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    let counts = overview
        .regions
        .iter()
        .map(|(provider, count)| format!("{count} of {provider}"));
    let counts: Vec<String> = counts.collect();
    writeln!(out, "\nRegions with a zone: {}", counts.join(", "))?;
    if overview.uncertain_regions.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "  These are guesses; a node label or carbon.regionsFile settles them:"
    )?;
    let rows = overview.uncertain_regions.iter().map(|row| {
        let region = format!("{} {}", row.provider, row.region);
        [region, row.zone.to_string(), row.why.clone()]
    });
    let rows: Vec<_> = rows.collect();
    render::table(out, ["REGION", "ZONE", "WHY"], &rows)
}

fn gpus(out: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    writeln!(
        out,
        "\nGPU models known (watts a board; `-o json` names the source of each figure)"
    )?;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let rows = overview.gpus.iter().map(|gpu| {
        [
            gpu.model.clone(),
            gpu.bare.get().to_string(),
            gpu.context.get().to_string(),
            gpu.max.get().to_string(),
            number(gpu.rated_throughput),
            number(gpu.measured_throughput),
        ]
    });
    let rows: Vec<_> = rows.collect();
    render::table(
        out,
        ["MODEL", "BARE", "CONTEXT", "MAX", "RATED TFLOP/S", "MEASURED"],
        &rows,
    )
}

fn learned(out: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    let Some(history) = &overview.history else {
        return Ok(());
    };
    let HistoryOverview {
        models,
        nodes,
        owners,
        runners,
        zones,
    } = history;
    writeln!(
        out,
        "\nLearned and kept: {nodes} nodes, watts of {owners} owners, run times of {runners}, the past of {zones} zones"
    )?;
    let told = |of: &Coefficient| match of.samples {
        0 => format!("{:.0} {}", of.watts.get(), of.source.name()),
        samples => format!("{:.0} {} of {samples}", of.watts.get(), of.source.name()),
    };
    let rows = models.iter().map(|(model, figures)| {
        [
            model.clone(),
            told(&figures.bare),
            told(&figures.context),
            told(&figures.slope),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    render::table(out, ["MODEL", "BARE", "CONTEXT", "SLOPE"], &rows)
}

fn reload(out: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    writeln!(out, "\nWhen a change takes effect (the longest key that fits counts)")?;
    let rows = overview.reload.iter().map(|rule| {
        let when = match rule.reload {
            Reload::Live => "with the next decision",
            Reload::Restart => "after a restart",
        };
        [rule.key.to_owned(), when.to_owned()]
    });
    let rows: Vec<_> = rows.collect();
    render::table(out, ["KEY", "TAKES EFFECT"], &rows)
}
