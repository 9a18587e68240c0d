//! Replica-hours against the minutes without capacity: one panel a cold start, one line a policy.

use crate::cli::figure::{Panel, close, legend, open, x};
use heliotrope_core::simulator::replicas::{Comparison, PolicyKind, Report, Row};
use std::fmt::Write;

const TOP: f64 = 130.0;
const PANEL: f64 = 190.0;
const GAP: f64 = 76.0;
/// Points farther to the right than this share of the minutes are nobody's choice and are left out.
const WIDEST: f64 = 0.04;
/// Distinct for most kinds of colour blindness (Okabe and Ito, 2008).
const COLOURS: [(PolicyKind, &str); 5] = [
    (PolicyKind::Hpa, "#d55e00"),
    (PolicyKind::Scheduled, "#999999"),
    (PolicyKind::Reactive, "#0072b2"),
    (PolicyKind::Ours, "#009e73"),
    (PolicyKind::Oracle, "#000000"),
];

pub(super) fn draw(report: &Report) -> String {
    let count = report.comparisons.len() as f64;
    let height = TOP + count * (PANEL + GAP);
    let title = "Replica-hours against minutes in which capacity fell short (simulated)";
    let note = format!(
        "{} days, {:.0} requests/s on average, {:.1} a replica, seed {}; a point a target; beyond {:.0} % of the minutes nothing is drawn",
        report.measured_days,
        report.mean_rate,
        report.service.capacity,
        report.seed,
        WIDEST * 100.0
    );
    let mut out = open(title, &note, height);
    let named = COLOURS.map(|(policy, colour)| (colour, policy.name().to_owned()));
    let (first, second) = named.split_at(3);
    legend(&mut out, 72.0, "", first.iter().cloned());
    legend(&mut out, 92.0, "", second.iter().cloned());
    for (place, comparison) in (0_u32..).zip(&report.comparisons) {
        let top = TOP + f64::from(place) * (PANEL + GAP);
        panel(&mut out, top, comparison);
    }
    close(out)
}

fn share(row: &Row) -> f64 {
    f64::from(row.outcome.under_provisioned_minutes) / f64::from(row.outcome.minutes.max(1))
}

fn panel(out: &mut String, top: f64, comparison: &Comparison) {
    let drawn: Vec<&Row> = comparison.rows.iter().filter(|row| share(row) <= WIDEST).collect();
    let panel = Panel::new((top, top + PANEL), drawn.iter().map(|row| row.outcome.replica_hours));
    panel.grid(out, 0);
    for quarter in 0..=4_u32 {
        let at = f64::from(quarter) / 4.0;
        panel.below(out, at, &format!("{:.0} % of the minutes", at * WIDEST * 100.0));
    }
    let cold = comparison.cold_start_seconds;
    let _never = writeln!(
        out,
        r#"<text x="{:.0}" y="{:.0}" font-weight="bold">replica-hours, cold start {cold} s</text>"#,
        x(0.0),
        top - 12.0
    );
    for (policy, colour) in COLOURS {
        let points: Vec<(f64, f64)> = drawn
            .iter()
            .filter(|row| row.policy == policy)
            .map(|row| (x(share(row) / WIDEST), panel.y(row.outcome.replica_hours)))
            .collect();
        let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _never = writeln!(
            out,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="1.5"/>"#,
            line.join(" ")
        );
        for (x, y) in points {
            let _never = writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"#);
        }
    }
}
