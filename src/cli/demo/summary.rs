//! The tables of a played day.

use super::text::{columns, kilograms, kilowatts, number, percent, time};
use crate::app::demo::{Latency, Report};
use heliotrope_core::simulator::{Part, Totals};
use std::io::{self, Write};

/// Writes all of them, and ends with what a newcomer should take away.
pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    heading(out, report)?;
    saved(out, report)?;
    why(out, report)?;
    day(out, report)?;
    let parts = |of: fn(&Totals) -> &Vec<Part>| pairs(of(&report.default_model), of(&report.heliotrope));
    let header = [
        "",
        "pods",
        "GPU hours",
        "kWh",
        "kg CO2e",
        "| pods",
        "GPU hours",
        "kWh",
        "kg CO2e",
    ];
    let title = |what| format!("{what}: default model | heliotrope (idle nodes and facility overhead included)");
    columns(out, &title("BY ZONE"), header, &parts(|totals| &totals.zones))?;
    columns(out, &title("BY GPU MODEL"), header, &parts(|totals| &totals.models))?;
    price(out, report)?;
    closing(out, report)
}

fn heading(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    writeln!(
        out,
        "One day in {} s, seed {}. The day is SIMULATED: {} nodes with {} GPUs in {} regions, their grids and their",
        number(report.wall_seconds, 1),
        report.seed,
        report.nodes,
        report.gpus,
        report.zones.len()
    )?;
    writeln!(
        out,
        "power, and {} GPU pods. kube-scheduler is a MODEL. The extender is REAL and was asked {} times over HTTP.",
        number(report.heliotrope.pods as f64, 0),
        number((report.latency.filter.count + report.latency.prioritize.count) as f64, 0)
    )
}

fn saved(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let (ours, theirs) = (&report.heliotrope, &report.default_model);
    let row = |what: &str, write: fn(f64) -> String, of: fn(&Totals) -> f64| {
        let (a, b) = (of(theirs), of(ours));
        let share = if a > 0.0 { (a - b) / a } else { 0.0 };
        [what.to_owned(), write(a), write(b), write(a - b), percent(share)]
    };
    let rows = [
        row("carbon, kg CO2e", kilograms, |t| t.grams),
        row("  drawn by the pods' work", kilograms, |t| t.work_grams),
        row("  drawn by nodes for being on", kilograms, |t| t.idle_grams),
        row("energy, kWh", |v| number(v, 0), |t| t.kwh),
        row("mean intensity, g/kWh", |v| number(v, 0), |t| t.grams_per_kwh),
        row("mean draw, kW", kilowatts, |t| t.mean_watts),
        row("draw in the highest hour, kW", kilowatts, |t| t.peak_watts),
    ];
    let header = ["", "default model", "heliotrope", "saved", ""];
    columns(out, "WHAT WAS SAVED, for the same pods", header, &rows)
}

fn why(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let (saved, all) = (&report.saved, report.default_model.grams);
    let row = |what: &str, grams: f64| [what.to_owned(), kilograms(grams), percent(if all > 0.0 { grams / all } else { 0.0 })];
    let rows = [
        row("cleaner energy: work runs where the grid is cleaner", saved.grams_by_cleaner_energy),
        row("less energy: fewer nodes are kept on", saved.grams_by_less_energy),
        row("together", saved.grams),
    ];
    columns(out, "WHY", ["the saving by cause", "kg CO2e", "of the default"], &rows)?;
    let rows = [
        row("the shipped scheduler profile alone (packing, modelled)", report.saved_by_packing.grams),
        row("what the extender adds to it", report.saved_by_extender.grams),
        row("together", saved.grams),
    ];
    columns(out, "BY WHOM", ["the saving by part", "kg CO2e", "of the default"], &rows)?;
    writeln!(
        out,
        "\n  In the zone that was greenest at that moment among the nodes with room: {} of pods by default, {} with heliotrope.",
        percent(report.default_model.greenest_share),
        percent(report.heliotrope.greenest_share)
    )
}

/// Where the day's work went, beside how clean the zones were.
fn day(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let list = |values: &[f64], write: &dyn Fn(f64) -> String| -> String {
        let cells: Vec<String> = values.iter().map(|value| format!("{:>5}", write(*value))).collect();
        cells.join(" ")
    };
    let share = |value: f64| format!("{} %", number(value * 100.0, 0));
    let rows: Vec<[String; 4]> = report
        .blocks
        .iter()
        .map(|block| {
            let of = |side: usize| block.shares.get(side).map(|shares| list(shares, &share)).unwrap_or_default();
            [
                format!("{:02}-{:02} h", block.from_hour, block.to_hour),
                list(&block.grams_per_kwh, &|value| number(value, 0)),
                of(0),
                of(1),
            ]
        })
        .collect();
    let title = format!("WHERE WORK WENT over the day (UTC), each column: {}", report.zones.join(", "));
    columns(out, &title, ["begun", "g/kWh", "default model", "heliotrope"], &rows)
}

/// The parts of both sides, side by side.
fn pairs(theirs: &[Part], ours: &[Part]) -> Vec<[String; 9]> {
    let cells = |part: &Part| {
        [
            number(part.pods as f64, 0),
            number(part.gpu_hours, 0),
            number(part.kwh, 0),
            kilograms(part.grams),
        ]
    };
    let names: std::collections::BTreeSet<&str> = theirs.iter().chain(ours).map(|part| part.name.as_str()).collect();
    let none = Part::default();
    names
        .into_iter()
        .map(|name| {
            let find = |parts: &[Part]| cells(parts.iter().find(|part| part.name == name).unwrap_or(&none));
            let ([a, b, c, d], [e, f, g, h]) = (find(theirs), find(ours));
            [name.to_owned(), a, b, c, d, format!("| {e}"), f, g, h]
        })
        .collect()
}

fn price(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let (ours, theirs) = (&report.heliotrope, &report.default_model);
    let row = |what: &str, write: fn(f64) -> String, of: fn(&Totals) -> f64| {
        [what.to_owned(), write(of(theirs)), write(of(ours))]
    };
    let rows = [
        row("wait for a node, mean", time, |t| t.waits.mean_seconds),
        row("wait for a node, 99 of 100", time, |t| t.waits.p99_seconds),
        row("wait for a node, longest", time, |t| t.waits.longest_seconds),
        row("run time of a Job, mean", time, |t| t.job_seconds),
        row("nodes switched on", |v| number(v, 0), |t| t.nodes_woken as f64),
        row("hours that nodes were on", |v| number(v, 0), |t| t.node_hours),
    ];
    let title = format!(
        "WHAT IT COST (every wait includes up to {} to the next round of the simulation)",
        time(report.round_seconds)
    );
    columns(out, &title, ["", "default model", "heliotrope"], &rows)?;
    let answers = |verb: &str, latency: &Latency| {
        let ms = |value: f64| number(value, 2);
        [
            verb.to_owned(),
            number(latency.count as f64, 0),
            ms(latency.p50_ms),
            ms(latency.p99_ms),
            ms(latency.max_ms),
        ]
    };
    let rows = [
        answers("/filter", &report.latency.filter),
        answers("/prioritize", &report.latency.prioritize),
    ];
    let header = ["answers of the extender, measured here", "count", "p50 ms", "p99 ms", "slowest ms"];
    columns(out, "TIME ADDED TO SCHEDULING", header, &rows)
}

/// What to take away.
fn closing(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let (ours, theirs, saved) = (&report.heliotrope, &report.default_model, &report.saved);
    let verdict = if saved.grams >= 0.0 { "less" } else { "more" };
    writeln!(out, "\nIN SHORT")?;
    writeln!(
        out,
        "  The same {} simulated pods cost {} kg CO2e under a model of the default scheduler and {} kg with Heliotrope:",
        number(ours.pods as f64, 0),
        kilograms(theirs.grams),
        kilograms(ours.grams)
    )?;
    writeln!(
        out,
        "  {} kg or {} {verdict}. {} of them because work ran in cleaner zones, {} because fewer nodes were on.",
        kilograms(saved.grams.abs()),
        percent(saved.share.abs()),
        kilograms(saved.grams_by_cleaner_energy),
        kilograms(saved.grams_by_less_energy)
    )?;
    writeln!(
        out,
        "  Price: pods waited {} on average instead of {}, Jobs ran {} instead of {}, and each scheduled pod",
        time(ours.waits.mean_seconds),
        time(theirs.waits.mean_seconds),
        time(ours.job_seconds),
        time(theirs.job_seconds)
    )?;
    writeln!(
        out,
        "  took {} ms longer to schedule (median of both answers). Your grids, nodes and pods will give other figures.",
        number(report.latency.filter.p50_ms + report.latency.prioritize.p50_ms, 2)
    )
}
