//! Grams of what was done, of the mean candidate and of the cheapest, side by side.

use super::By;
use crate::cli::figure::{Panel, close, legend, open};
use heliotrope_core::accounting::{Report, Row, Sums};

const PANEL: (f64, f64) = (96.0, 380.0);
const HEIGHT: f64 = 430.0;
/// More bars than this are no figure: the latest days, or the zones of most grams.
const MOST: usize = 35;
/// Distinct for most kinds of colour blindness (Okabe and Ito, 2008).
const COLOURS: [&str; 3] = ["#d55e00", "#999999", "#009e73"];

pub(super) fn draw(report: &Report, by: By) -> String {
    let (rows, what) = match by {
        By::Day => (&report.days, "by day (UTC)"),
        By::Zone => (&report.zones, "by zone of the bound node"),
    };
    let skipped = match by {
        By::Day => rows.len().saturating_sub(MOST),
        By::Zone => 0,
    };
    let rows: Vec<&Row> = rows.iter().skip(skipped).take(MOST).collect();
    let title = format!(
        "Grams of CO2e {what}, {} to {}",
        report.period.from, report.period.until
    );
    let note = format!(
        "modelled over the stated run times, {} intensity; {} of {} placements priced",
        report.kind, report.total.all.priced, report.total.all.placements
    );
    let mut out = open(&title, &note, HEIGHT);
    let values = |sums: &Sums| [sums.bound, sums.mean, sums.cheapest].map(|amount| amount.grams / 1000.0);
    let panel = Panel::new(PANEL, rows.iter().flat_map(|row| values(&row.all)));
    panel.grid(&mut out, 2);
    let count = rows.len().max(1) as f64;
    // Every label where there is room for it, else every second, third…
    let every = rows.len().div_ceil(9).max(1);
    for (place, row) in (0_u32..).zip(&rows) {
        let slot = |share: f64| (f64::from(place) + share) / count;
        for ((bar, value), colour) in (0_u32..).zip(values(&row.all)).zip(COLOURS) {
            let from = 0.14 + 0.24 * f64::from(bar);
            panel.bar(&mut out, (slot(from), slot(from + 0.22)), value, colour);
        }
        if usize::try_from(place).unwrap_or(0).is_multiple_of(every) {
            panel.below(&mut out, slot(0.5), &row.name);
        }
    }
    let labels = ["done: the bound nodes", "the mean candidate", "the cheapest acceptable"];
    legend(
        &mut out,
        panel.top - 14.0,
        "kg CO2e",
        COLOURS.into_iter().zip(labels.map(str::to_owned)),
    );
    close(out)
}
