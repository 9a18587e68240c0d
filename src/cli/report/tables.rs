//! The tables of a report. What it comes to stands first, how its figures come about stands last.

use crate::cli::text::{columns, number, paragraph, percent};
use heliotrope_core::accounting::{Amount, Part, Report, Row, Sums};
use std::io::{self, Write};

/// Rows of a breakdown; all of them are in the JSON.
const ROWS: usize = 20;

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let title = format!(
        "{} to {} (UTC), sums kept since {:.0}; {} intensity, band {}",
        report.period.from,
        report.period.until,
        report.since,
        report.kind,
        percent(report.band.get())
    );
    writeln!(out, "{title}\n")?;
    paragraph(out, "", &report.verdict.text)?;
    modes(out, report)?;
    grams(out, report)?;
    outcomes(out, report)?;
    standing(out, &report.total.all)?;
    for (title, rows) in [
        ("BY NAMESPACE", &report.namespaces),
        ("BY ZONE OF THE BOUND NODE", &report.zones),
        ("BY GPU MODEL OF THE BOUND NODE", &report.models),
        ("BY DAY", &report.days),
    ] {
        breakdown(out, title, rows)?;
    }
    writeln!(out, "\nHOW TO READ IT")?;
    for line in &report.method {
        paragraph(out, "  ", line)?;
    }
    Ok(())
}

/// The rows of the modes, and of all together where there are several.
fn by_mode(report: &Report) -> Vec<(String, &Sums)> {
    let modes = &report.total.modes.0;
    let mut rows: Vec<(String, &Sums)> = modes
        .iter()
        .map(|(mode, sums)| {
            let name = if mode.as_ref() == "none" { "not weighed" } else { mode };
            (name.to_owned(), sums)
        })
        .collect();
    if rows.len() > 1 {
        rows.push(("all".to_owned(), &report.total.all));
    }
    rows
}

fn count(value: u64) -> String {
    number(value as f64, 0)
}

fn share(part: f64, whole: f64) -> String {
    if whole > 0.0 {
        percent(part / whole)
    } else {
        "-".to_owned()
    }
}

fn of(part: u64, whole: u64) -> String {
    share(part as f64, whole as f64)
}

fn kilograms(grams: f64) -> String {
    number(grams / 1000.0, 3)
}

fn modes(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let rows: Vec<[String; 7]> = by_mode(report)
        .into_iter()
        .map(|(name, sums)| {
            [
                name,
                count(sums.placements),
                count(sums.weighed),
                of(sums.with_zones, sums.weighed),
                of(sums.with_models, sums.weighed),
                of(sums.with_spread, sums.weighed),
                count(sums.priced),
            ]
        })
        .collect();
    let title = format!(
        "DECISIONS: GPU pods bound, by mode ({} times weighed, retries included)",
        count(report.attempts)
    );
    let header = ["", "bound", "weighed", ">1 zone", ">1 model", "above band", "priced"];
    columns(out, &title, header, &rows)
}

fn grams(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let rows: Vec<[String; 8]> = by_mode(report)
        .into_iter()
        .filter(|(_, sums)| sums.priced > 0)
        .map(|(name, sums)| {
            let Amount { grams, kwh } = sums.at_stake();
            [
                name,
                kilograms(sums.bound.grams),
                kilograms(sums.mean.grams),
                kilograms(sums.cheapest.grams),
                kilograms(grams),
                share(grams, sums.bound.grams),
                number(kwh, 3),
                kilograms(sums.under_mean().grams),
            ]
        })
        .collect();
    let header = ["", "bound", "mean", "cheapest", "at stake", "", "kWh", "under mean"];
    columns(
        out,
        "KG CO2e, modelled over the stated run times; kWh at stake",
        header,
        &rows,
    )?;
    if report
        .total
        .modes
        .0
        .keys()
        .any(|mode| ["prefer", "strict"].contains(&mode.as_ref()))
    {
        let text = format!(
            "Avoided where heliotrope steered, against the mean candidate: {} kg and {} kWh, a model's counterfactual.",
            kilograms(report.total.avoided.grams),
            number(report.total.avoided.kwh, 3)
        );
        paragraph(out, "  ", &text)?;
    }
    Ok(())
}

fn outcomes(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let rows: Vec<[String; 3]> = by_mode(report)
        .into_iter()
        .filter(|(name, _)| name != "all")
        .flat_map(|(name, sums)| {
            let of_mode = sums.outcomes.iter().map(|(outcome, placements)| {
                let what = format!("{name}: {outcome}");
                [what, count(*placements), of(*placements, sums.placements)]
            });
            of_mode.collect::<Vec<_>>()
        })
        .collect();
    columns(
        out,
        "WHERE THE BOUND NODES STOOD in heliotrope's ranking",
        ["", "bound", ""],
        &rows,
    )
}

/// What the grams stand on, and what has none.
fn standing(out: &mut dyn Write, sums: &Sums) -> io::Result<()> {
    let row = |what: String, part: &Part| {
        [
            what,
            count(part.placements),
            kilograms(part.bound_grams),
            share(part.bound_grams, sums.bound.grams),
            kilograms(part.at_stake_grams),
        ]
    };
    let rungs = sums
        .rungs
        .iter()
        .map(|(rung, part)| row(format!("intensity: {rung}"), part));
    let estimated = row("intensity: estimated by its provider".to_owned(), &sums.estimated);
    let idle = sums
        .coefficients
        .iter()
        .map(|(name, part)| row(format!("idle watts: {name}"), part));
    let power = sums
        .power
        .iter()
        .map(|(rung, part)| row(format!("power telemetry: {}", rung.name()), part));
    let rows: Vec<[String; 5]> = rungs.chain([estimated]).chain(idle).chain(power).collect();
    columns(
        out,
        "WHAT THE GRAMS STAND ON",
        ["", "bound", "kg", "", "kg at stake"],
        &rows,
    )?;
    if !sums.unpriced.is_empty() {
        let rows: Vec<[String; 3]> = sums
            .unpriced
            .iter()
            .map(|(why, placements)| {
                [
                    why.name().to_owned(),
                    count(*placements),
                    of(*placements, sums.placements),
                ]
            })
            .collect();
        columns(out, "NOT PRICED, and in no gram above", ["", "bound", ""], &rows)?;
    }
    Ok(())
}

fn breakdown(out: &mut dyn Write, title: &str, rows: &[Row]) -> io::Result<()> {
    // The latest days, and the most grams.
    let first = if title == "BY DAY" {
        rows.len().saturating_sub(ROWS)
    } else {
        0
    };
    let shown: Vec<[String; 7]> = rows
        .iter()
        .skip(first)
        .take(ROWS)
        .map(|row| {
            [
                row.name.to_string(),
                count(row.all.placements),
                count(row.all.priced),
                kilograms(row.all.bound.grams),
                kilograms(row.all.mean.grams),
                kilograms(row.at_stake.grams),
                share(row.at_stake.grams, row.all.bound.grams),
            ]
        })
        .collect();
    columns(
        out,
        title,
        ["", "bound", "priced", "kg", "mean kg", "at stake", ""],
        &shown,
    )?;
    if rows.len() > ROWS {
        writeln!(out, "  {} of {}: `-o json` has all", ROWS, rows.len())?;
    }
    Ok(())
}
