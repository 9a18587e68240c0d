use crate::cli::text::{columns, kilograms, number, paragraph, percent, time};
use heliotrope_core::simulator::replicas::{Comparison, PolicyKind, Report, Row, Wait};
use std::io::{self, Write};

/// The target that everybody knows, for the comparison in short.
const KNOWN_TARGET: f64 = 0.7;

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    paragraph(out, "", &format!("SIMULATED: {}.", report.note))?;
    let service = &report.service;
    writeln!(out)?;
    paragraph(
        out,
        "",
        &format!(
            "{} days measured after {} for schedules; windows of {}, {} requests/s on average, {} at most; a replica serves {} \
             requests/s and draws {} to {} W; decisions every {} s on the mean rate of {} s; grid {}; seed {}.",
            report.measured_days,
            report.train_days,
            time(f64::from(report.window_seconds)),
            number(report.mean_rate, 1),
            number(report.peak_rate, 1),
            number(service.capacity, 1),
            number(service.idle.get(), 0),
            number(service.busy.get(), 0),
            report.sync_seconds,
            report.rate_window_seconds,
            report.grid,
            report.seed
        ),
    )?;
    for comparison in &report.comparisons {
        rows(out, comparison)?;
        short(out, comparison)?;
    }
    Ok(())
}

fn rows(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let header = [
        "policy",
        "target",
        "replica-hours",
        "minutes short",
        "share",
        "late requests",
        "to capacity p50",
        "p95",
        "kg CO2e",
    ];
    let told: Vec<[String; 9]> = comparison.rows.iter().map(row).collect();
    let cold = time(comparison.cold_start_seconds as f64);
    columns(out, &format!("COLD START {cold}"), header, &told)
}

fn row(row: &Row) -> [String; 9] {
    let outcome = &row.outcome;
    let none = || "–".to_owned();
    let wait = |of: fn(&Wait) -> f64| outcome.to_capacity.as_ref().map_or_else(none, |wait| time(of(wait)));
    let short = f64::from(outcome.under_provisioned_minutes);
    [
        row.policy.name().to_owned(),
        row.target
            .map_or_else(none, |target| format!("{} %", number(target * 100.0, 0))),
        number(outcome.replica_hours, 0),
        number(short, 0),
        percent(short / f64::from(outcome.minutes.max(1))),
        percent(outcome.late_share),
        wait(|wait| wait.p50),
        wait(|wait| wait.p95),
        kilograms(outcome.grams.get()),
    ]
}

/// Everybody at no more minutes short than the autoscaler at 70 %.
fn short(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let Some(known) = comparison.row(PolicyKind::Hpa, KNOWN_TARGET) else {
        return Ok(());
    };
    let (hours, minutes) = (known.outcome.replica_hours, known.outcome.under_provisioned_minutes);
    let mut told = format!(
        "At no more minutes short than hpa at 70 % ({minutes}), in replica-hours against its {}:",
        number(hours, 0)
    );
    for policy in PolicyKind::DECIDING.into_iter().chain([PolicyKind::Oracle]) {
        let Some(best) = comparison.cheapest(policy, minutes) else {
            told.extend([" ", policy.name(), ": none;"]);
            continue;
        };
        let change = percent(best.outcome.replica_hours / hours - 1.0);
        let at = best
            .target
            .map_or_else(String::new, |target| format!(" at {} %", number(target * 100.0, 0)));
        told.extend([" ", policy.name(), &at, ": ", &change, ";"]);
    }
    writeln!(out)?;
    paragraph(out, "  ", told.trim_end_matches(';'))
}
