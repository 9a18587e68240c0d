//! Grams by hour of both sides, and the intensity of the zones under it, as an SVG that needs nothing else.

use crate::app::demo::Report;
use crate::cli::figure::{HEIGHT, Panel, close, legend, open, x};
use std::fmt::Write;

/// Top and bottom of the two panels.
const GRAMS: (f64, f64) = (84.0, 300.0);
const INTENSITY: (f64, f64) = (352.0, 470.0);
const HOURS: f64 = 24.0;

const DEFAULT_COLOUR: &str = "#9a3412";
const OUR_COLOUR: &str = "#15803d";
/// Distinct for most kinds of colour blindness (Okabe and Ito, 2008).
const ZONE_COLOURS: [&str; 3] = ["#e69f00", "#0072b2", "#cc79a7"];

/// The hours under a panel.
fn hours(out: &mut String, panel: &Panel) {
    for hour in (0..=24_u32).step_by(4) {
        panel.below(out, f64::from(hour) / HOURS, &format!("{hour:02} h"));
    }
}

/// Draws the figure.
pub(super) fn draw(report: &Report) -> String {
    let note = format!("seed {}: {}", report.seed, report.note);
    let mut out = open("Carbon of one simulated day, hour by hour", &note, HEIGHT);
    grams(&mut out, report);
    intensity(&mut out, report);
    close(out)
}

fn grams(out: &mut String, report: &Report) {
    let kilograms = |grams: &[f64]| grams.iter().map(|grams| grams / 1000.0).collect::<Vec<f64>>();
    let (theirs, ours) = (
        kilograms(&report.default_model.hours),
        kilograms(&report.heliotrope.hours),
    );
    let panel = Panel::new(GRAMS, theirs.iter().chain(&ours).copied());
    panel.grid(out, 1);
    hours(out, &panel);
    let label = |side: &str, grams: f64| format!("{side}, {:.1} kg in all", grams / 1000.0);
    let sides = [
        (
            &theirs,
            DEFAULT_COLOUR,
            label("default scheduler (model)", report.default_model.grams),
        ),
        (&ours, OUR_COLOUR, label("heliotrope", report.heliotrope.grams)),
    ];
    for (values, colour, _) in &sides {
        let points = panel.steps(values);
        let (bottom, left, right) = (panel.bottom, x(0.0), x(1.0));
        let _never = writeln!(
            out,
            r#"<polygon points="{left:.1},{bottom:.1} {points} {right:.1},{bottom:.1}" fill="{colour}" fill-opacity="0.10"/><polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>"#
        );
    }
    legend(
        out,
        panel.top - 14.0,
        "kg CO2e/h",
        sides.map(|(_, colour, label)| (colour, label)),
    );
}

fn intensity(out: &mut String, report: &Report) {
    let of = |zone: usize| -> Vec<f64> {
        let hours = report.intensity.iter();
        hours.map(|zones| zones.get(zone).copied().unwrap_or(0.0)).collect()
    };
    let zones: Vec<Vec<f64>> = (0..report.zones.len()).map(of).collect();
    let panel = Panel::new(INTENSITY, zones.iter().flatten().copied());
    panel.grid(out, 0);
    hours(out, &panel);
    for (values, colour) in zones.iter().zip(ZONE_COLOURS) {
        let points = panel.steps(values);
        let _never = writeln!(
            out,
            r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>"#
        );
    }
    let labels = ZONE_COLOURS.into_iter().zip(report.zones.iter().cloned());
    legend(out, panel.top - 14.0, "g/kWh", labels);
}
