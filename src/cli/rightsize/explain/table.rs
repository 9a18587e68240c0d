use super::remembered::{Direction, Remembered};
use super::view::View;
use crate::cli::render::table;
use crate::cli::text::{paragraph, time};
use jiff::Timestamp;
use serde::Serialize;
use std::io::{self, Write};

pub(super) fn write(out: &mut dyn Write, view: &View) -> io::Result<()> {
    let number = |replicas: Option<i32>| replicas.map_or_else(|| "?".to_owned(), |replicas| replicas.to_string());
    let paused = if view.paused { ", paused" } else { "" };
    writeln!(
        out,
        "{}/{}: {} replicas, {} wanted (mode {}{paused}; {}, {} to {} replicas, arithmetic of {})",
        view.namespace,
        view.name,
        number(view.current_replicas),
        number(view.desired_replicas),
        word(&view.mode),
        view.target,
        view.min_replicas,
        view.max_replicas,
        word(&view.compatibility),
    )?;
    for why in &view.currency.why_not {
        paragraph(out, "  ", &format!("NOT OF NOW: {why}"))?;
    }
    for problem in &view.problems {
        paragraph(out, "  ", &format!("WRONG: {problem}"))?;
    }
    if let Some(unknown) = &view.currency.unknown {
        paragraph(out, "  ", &format!("not known: {unknown}"))?;
    }
    if let Some(bounded) = &view.bounded {
        let had = |bound: Option<i32>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
        let (min, max) = (had(bounded.min_replicas), had(bounded.max_replicas));
        let text = format!(
            "sets the bounds of {} {}, which had min {min} and max {max}",
            bounded.kind, bounded.name
        );
        paragraph(out, "  ", &text)?;
    }
    steps(out, view)?;
    conditions(out, view)?;
    remembered(out, view)
}

/// How the API writes it.
fn word(value: &impl Serialize) -> String {
    let text = serde_json::to_value(value).ok();
    text.as_ref()
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn steps(out: &mut dyn Write, view: &View) -> io::Result<()> {
    if view.steps.is_empty() {
        return Ok(());
    }
    let row = |step: &super::view::StepView| {
        let without = step.without.filter(|without| *without != step.replicas);
        [
            step.stage.clone(),
            step.replicas.to_string(),
            without.map(|replicas| replicas.to_string()).unwrap_or_default(),
            step.message.clone(),
        ]
    };
    let rows: Vec<[String; 4]> = view.steps.iter().map(row).collect();
    writeln!(out)?;
    table(out, ["step", "replicas", "without it", "why"], &rows)?;
    if let (Some(floor), Some(ceiling)) = (view.floor, view.ceiling) {
        writeln!(out, "\n  apart from metrics: at least {floor}, at most {ceiling}")?;
    }
    Ok(())
}

fn conditions(out: &mut dyn Write, view: &View) -> io::Result<()> {
    if view.conditions.is_empty() {
        return Ok(());
    }
    let row = |condition: &super::view::ConditionView| {
        [
            condition.kind.clone(),
            condition.status.clone(),
            ago(condition.since, view.now),
            format!("{}: {}", condition.reason, condition.message),
        ]
    };
    let rows: Vec<[String; 4]> = view.conditions.iter().map(row).collect();
    writeln!(out)?;
    table(out, ["condition", "status", "for", "reason"], &rows)
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    time(now.duration_since(at).as_secs_f64().max(0.0))
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

fn remembered(out: &mut dyn Write, view: &View) -> io::Result<()> {
    let of: &Remembered = &view.remembered;
    let mut lines: Vec<String> = Vec::new();
    let left = |until: Timestamp| time(until.duration_since(view.now).as_secs_f64().max(0.0));
    for window in &of.windows {
        let name = format!("window on the way {} ({} s)", way(window.direction), window.seconds);
        let which = match window.direction {
            Direction::Up => "lowest",
            Direction::Down => "highest",
        };
        lines.push(match (window.extreme, window.until) {
            (Some(extreme), Some(until)) => format!(
                "{name}: the {which} was {extreme}, which counts for {} more",
                left(until)
            ),
            _ => format!("{name}: nothing in it"),
        });
    }
    for rate in &of.rates {
        let name = format!("rate on the way {} ({})", way(rate.direction), rate.policy);
        lines.push(match rate.until {
            Some(until) => format!("{name}: {:+} in it, the oldest for {} more", rate.used, left(until)),
            None => format!("{name}: nothing in it"),
        });
    }
    lines.extend(
        of.disabled
            .iter()
            .map(|direction| format!("the way {} is disabled", way(*direction))),
    );
    for event in &of.events {
        lines.push(format!("{:+} replicas {} ago", event.change, ago(event.at, view.now)));
    }
    lines.extend(
        of.no_step_before
            .map(|at| format!("latency adds no more for {}", left(at))),
    );
    lines.extend(
        of.no_carbon_bound_until
            .map(|at| format!("no carbon bound for {}", left(at))),
    );
    if of.grid_dirty {
        lines.push("the grid was dirty".to_owned());
    }
    if of.scaled_to_zero {
        lines.push("the last replica was taken away by Heliotrope, which may bring it back".to_owned());
    }
    if let Some(at) = view.last_scale_time {
        lines.push(format!("last scaled {} ago", ago(at, view.now)));
    }
    if !lines.is_empty() {
        writeln!(out, "\n  remembered")?;
    }
    lines.iter().try_for_each(|line| paragraph(out, "  - ", line))
}
