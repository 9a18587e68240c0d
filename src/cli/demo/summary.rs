//! The tables of a played day.

use crate::app::demo::{Latency, Report};
use crate::cli::text::{bar, columns, kilograms, kilowatts, number, paragraph, percent, time};
use heliotrope_core::simulator::{Part, Totals};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes all of them, and ends with what a newcomer should take away.
pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    heading(out, report)?;
    saved(out, report)?;
    why(out, report)?;
    day(out, report)?;
    parts(out, "BY ZONE", report, |totals| &totals.zones)?;
    parts(out, "BY GPU MODEL", report, |totals| &totals.models)?;
    price(out, report)?;
    closing(out, report)
}

fn heading(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let text = format!(
        "One day, played in {} s from seed {}. The cluster is SIMULATED: {} nodes with {} GPUs in {} regions, their \
         grids, their power and {} GPU pods. kube-scheduler is a MODEL. The extender is REAL: it was asked {} times \
         over HTTP, with the bodies that kube-scheduler sends.",
        number(report.wall_seconds, 1),
        report.seed,
        report.nodes,
        report.gpus,
        report.zones.len(),
        number(report.heliotrope.pods as f64, 0),
        number(
            (report.latency.filter.count + report.latency.prioritize.count) as f64,
            0
        )
    );
    paragraph(out, "", &text)
}

fn share_of(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn saved(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let row = |what: &str, write: fn(f64) -> String, of: fn(&Totals) -> f64| {
        let (theirs, ours) = (of(&report.default_model), of(&report.heliotrope));
        let less = theirs - ours;
        [
            what.to_owned(),
            write(theirs),
            write(ours),
            write(less),
            percent(share_of(less, theirs)),
        ]
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
    columns(out, "WHAT WAS SAVED on the same pods", header, &rows)
}

fn why(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let (saved, all) = (&report.saved, report.default_model.grams);
    let row = |what: &str, grams: f64| [what.to_owned(), kilograms(grams), percent(share_of(grams, all))];
    let header = ["", "kg CO2e", "of default"];
    let rows = [
        row(
            "cleaner energy: work went to zones with a lower intensity",
            saved.grams_by_cleaner_energy,
        ),
        row("less energy: fewer nodes were on", saved.grams_by_idle_energy),
        row(
            "less energy: work went where it draws less (PUE, boards)",
            saved.grams_by_work_energy,
        ),
        row("together", saved.grams),
    ];
    columns(out, "WHY", header, &rows)?;
    let rows = [
        row(
            "the shipped scheduler profile alone: it packs (a model)",
            report.saved_by_packing.grams,
        ),
        row("what the extender adds to it", report.saved_by_extender.grams),
        row("together", saved.grams),
    ];
    columns(out, "BY WHAT", header, &rows)
}

/// Where the day's work went, beside how clean the zones were.
fn day(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let list = |values: &[f64]| -> String {
        let cells: Vec<String> = values.iter().map(|value| format!("{:>4}", number(*value, 0))).collect();
        cells.join(" ")
    };
    let rows: Vec<[String; 4]> = report
        .blocks
        .iter()
        .map(|block| {
            let shares = |side: usize| -> String {
                let of_side = block.shares.get(side).into_iter().flatten();
                list(&of_side.map(|share| share * 100.0).collect::<Vec<f64>>())
            };
            let hours = format!("{:02}-{:02} h UTC", block.from_hour, block.to_hour);
            [hours, list(&block.grams_per_kwh), shares(0), shares(1)]
        })
        .collect();
    let title = format!("WHERE WORK WENT, three columns each: {}", report.zones.join(", "));
    let header = ["begun", "intensity, g/kWh", "default model, %", "heliotrope, %"];
    columns(out, &title, header, &rows)?;
    let text = format!(
        "Pods put into the zone that was greenest at that moment among the nodes with room: {} by default, {} with \
         heliotrope. It looks at the hours that a Job lasts, and at the usual day for services, not at the moment alone.",
        percent(report.default_model.greenest_share),
        percent(report.heliotrope.greenest_share)
    );
    paragraph(out, "  ", &text)
}

/// The parts of both sides, side by side.
fn parts(out: &mut dyn Write, by: &str, report: &Report, of: fn(&Totals) -> &Vec<Part>) -> io::Result<()> {
    let (theirs, ours) = (of(&report.default_model), of(&report.heliotrope));
    let names: BTreeSet<&str> = theirs.iter().chain(ours).map(|part| part.name.as_str()).collect();
    let none = Part::default();
    let rows: Vec<[String; 9]> = names
        .into_iter()
        .map(|name| {
            let find = |parts: &'_ [Part]| parts.iter().find(|part| part.name == name).unwrap_or(&none).clone();
            let (before, after) = (find(theirs), find(ours));
            [
                name.to_owned(),
                number(before.pods as f64, 0),
                number(before.gpu_hours, 0),
                number(before.kwh, 0),
                kilograms(before.grams),
                format!("| {}", number(after.pods as f64, 0)),
                number(after.gpu_hours, 0),
                number(after.kwh, 0),
                kilograms(after.grams),
            ]
        })
        .collect();
    let header = ["", "pods", "GPU h", "kWh", "kg", "| pods", "GPU h", "kWh", "kg"];
    columns(out, &format!("{by}: default model | heliotrope"), header, &rows)
}

fn price(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let row = |what: &str, write: fn(f64) -> String, of: fn(&Totals) -> f64| {
        [
            what.to_owned(),
            write(of(&report.default_model)),
            write(of(&report.heliotrope)),
        ]
    };
    let rows = [
        row("wait for a node, mean", time, |t| t.waits.mean_seconds),
        row("wait for a node, 99 of 100 pods", time, |t| t.waits.p99_seconds),
        row("wait for a node, longest", time, |t| t.waits.longest_seconds),
        row("run time of a Job, mean", time, |t| t.job_seconds),
        row(
            "times that a node was woken",
            |v| number(v, 0),
            |t| t.nodes_woken as f64,
        ),
        row("hours that nodes were on", |v| number(v, 0), |t| t.node_hours),
    ];
    columns(out, "WHAT IT COST", ["", "default model", "heliotrope"], &rows)?;
    let text = format!(
        "The simulation schedules every {}: up to that much of every wait is its own, on both sides.",
        time(report.round_seconds)
    );
    paragraph(out, "  ", &text)?;
    let answers = |verb: &str, latency: &Latency| {
        let ms = |value: f64| number(value, 2);
        let count = number(latency.count as f64, 0);
        [
            verb.to_owned(),
            count,
            ms(latency.p50_ms),
            ms(latency.p99_ms),
            ms(latency.max_ms),
        ]
    };
    let rows = [
        answers("/filter", &report.latency.filter),
        answers("/prioritize", &report.latency.prioritize),
    ];
    let header = [
        "over HTTP, measured in this run",
        "answers",
        "p50 ms",
        "p99 ms",
        "slowest ms",
    ];
    columns(out, "TIME THAT THE EXTENDER ADDS", header, &rows)
}

/// What to take away.
fn closing(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    const BAR: u32 = 40;
    let (ours, theirs, saved) = (&report.heliotrope, &report.default_model, &report.saved);
    let most = ours.grams.max(theirs.grams);
    writeln!(out, "\nIN SHORT (simulated)")?;
    for (side, totals) in [("default scheduler, a model", theirs), ("with heliotrope", ours)] {
        let full = bar(share_of(totals.grams, most), BAR).replace('.', " ");
        writeln!(out, "  {side:<26}  {full}  {:>9} kg CO2e", kilograms(totals.grams))?;
    }
    let verdict = if saved.grams >= 0.0 { "less" } else { "more" };
    let less_energy = saved.grams_by_idle_energy + saved.grams_by_work_energy;
    let added = report.latency.filter.p50_ms + report.latency.prioritize.p50_ms;
    let text = format!(
        "The same {} pods cost {}\u{a0}kg or {} {verdict}: {}\u{a0}kg because their energy was cleaner, {}\u{a0}kg because less of it was used.",
        number(ours.pods as f64, 0),
        kilograms(saved.grams.abs()),
        percent(saved.share.abs()),
        kilograms(saved.grams_by_cleaner_energy),
        kilograms(less_energy)
    );
    paragraph(out, "  ", &text)?;
    let text = format!(
        "The price: pods waited {} instead of {}, Jobs ran {} instead of {} (means), and the extender's two answers \
         added {}\u{a0}ms to the scheduling of a pod (median). Your grids, nodes and pods will give other figures.",
        time(ours.waits.mean_seconds),
        time(theirs.waits.mean_seconds),
        time(ours.job_seconds),
        time(theirs.job_seconds),
        number(added, 2)
    );
    paragraph(out, "  ", &text)
}
