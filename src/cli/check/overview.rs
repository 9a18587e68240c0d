//! What a settings file amounts to, for people.

use crate::app::overview::{HistoryOverview, Overview};
use crate::app::settings::Reload;
use crate::cli::render;
use heliotrope_core::snapshot::Coefficient;
use std::io::{self, Write};

/// Tells what settings amount to.
pub(super) fn explain(out: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    zones(out, overview)?;
    regions(out, overview)?;
    gpus(out, overview)?;
    learned(out, overview)?;
    domains(out, overview)?;
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

fn domains(out: &mut dyn Write, overview: &Overview) -> io::Result<()> {
    if overview.domains.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nPower domains (watts of GPUs; they steer pods and protect no breaker)"
    )?;
    let rows = overview.domains.iter().map(|domain| {
        let others = domain.gpu_watts.map(|watts| format!("{:.0}", watts.get()));
        let values = domain
            .values
            .iter()
            .map(|(value, watts)| format!("{value}: {:.0}", watts.get()));
        let shares = domain
            .shares
            .iter()
            .map(|(priority, share)| format!("below {priority}: {share}"));
        [
            domain.name.clone(),
            domain.label.clone().unwrap_or_else(|| "each node".to_owned()),
            others.unwrap_or_else(|| "none".to_owned()),
            values.collect::<Vec<_>>().join(", "),
            shares.collect::<Vec<_>>().join(", "),
        ]
    });
    let rows: Vec<_> = rows.collect();
    render::table(
        out,
        ["DOMAIN", "BY", "CAP", "OF SINGLE ONES", "SHARE BY PRIORITY"],
        &rows,
    )
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
