//! Grams by hour of both sides, and the intensity of the zones under it, as an SVG that needs nothing else.

use crate::app::demo::Report;
use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 840.0;
/// Top and bottom of the two panels.
const GRAMS: (f64, f64) = (84.0, 300.0);
const INTENSITY: (f64, f64) = (352.0, 470.0);

const DEFAULT_COLOUR: &str = "#9a3412";
const OUR_COLOUR: &str = "#15803d";
/// Distinct for most kinds of colour blindness (Okabe and Ito, 2008).
const ZONE_COLOURS: [&str; 3] = ["#e69f00", "#0072b2", "#cc79a7"];

/// One panel: hours across, values up from zero.
struct Panel {
    top: f64,
    bottom: f64,
    most: f64,
}

impl Panel {
    fn new((top, bottom): (f64, f64), values: impl Iterator<Item = f64>) -> Self {
        let quarter = round_up(values.fold(0.0, f64::max).max(1e-9) / 4.0);
        Self {
            top,
            bottom,
            most: 4.0 * quarter,
        }
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * value / self.most
    }

    /// A line in steps: each value holds for its hour.
    fn steps(&self, values: &[f64]) -> String {
        let mut points = String::new();
        for (hour, value) in (0_u32..).zip(values) {
            let y = self.y(*value);
            let (from, to) = (x(f64::from(hour)), x(f64::from(hour) + 1.0));
            let _never = write!(points, "{from:.1},{y:.1} {to:.1},{y:.1} ");
        }
        points.trim_end().to_owned()
    }

    /// Grid lines with their values.
    fn grid(&self, out: &mut String, digits: usize) {
        for quarter in 0..=4_u32 {
            let value = self.most * f64::from(quarter) / 4.0;
            let y = self.y(value);
            let _never = writeln!(
                out,
                r##"<line x1="{LEFT}" y1="{y:.1}" x2="{RIGHT}" y2="{y:.1}" stroke="#d4d4d8"/><text x="{:.0}" y="{:.1}" text-anchor="end">{value:.digits$}</text>"##,
                LEFT - 8.0,
                y + 4.0
            );
        }
        for hour in (0..=24_u32).step_by(4) {
            let _never = writeln!(
                out,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{hour:02} h</text>"#,
                x(f64::from(hour)),
                self.bottom + 18.0
            );
        }
    }
}

/// The next number that reads well on an axis.
fn round_up(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let fits = steps.into_iter().map(|step| step * decade).find(|step| *step >= value);
    fits.unwrap_or(10.0 * decade)
}

fn x(hour: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * hour / 24.0
}

/// Draws the figure.
pub(super) fn draw(report: &Report) -> String {
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>
<text x="{LEFT}" y="28" font-size="17" font-weight="bold">Carbon of one simulated day, hour by hour</text>
<text x="{LEFT}" y="48">{}</text>
"#,
        escaped(&format!("seed {}: {}", report.seed, report.note))
    );
    grams(&mut out, report);
    intensity(&mut out, report);
    out.push_str("</svg>\n");
    out
}

fn grams(out: &mut String, report: &Report) {
    let kilograms = |grams: &[f64]| grams.iter().map(|grams| grams / 1000.0).collect::<Vec<f64>>();
    let (theirs, ours) = (
        kilograms(&report.default_model.hours),
        kilograms(&report.heliotrope.hours),
    );
    let panel = Panel::new(GRAMS, theirs.iter().chain(&ours).copied());
    panel.grid(out, 1);
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
        let (bottom, left, right) = (panel.bottom, x(0.0), x(24.0));
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

fn legend(out: &mut String, y: f64, unit: &str, labels: impl IntoIterator<Item = (&'static str, String)>) {
    let _never = writeln!(
        out,
        r#"<text x="{:.0}" y="{y:.0}" text-anchor="end">{unit}</text>"#,
        LEFT + 4.0
    );
    for (place, (colour, label)) in (0_u32..).zip(labels) {
        let at = LEFT + 30.0 + 270.0 * f64::from(place);
        let _never = writeln!(
            out,
            r#"<rect x="{at:.0}" y="{:.0}" width="12" height="12" fill="{colour}"/><text x="{:.0}" y="{y:.0}">{}</text>"#,
            y - 10.0,
            at + 18.0,
            escaped(&label)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_numbers_that_read_well() {
        assert_eq!(
            [9.3, 87.0, 0.11, 1.0, 0.95].map(round_up).map(|n| format!("{n:.2}")),
            ["10.00", "100.00", "0.15", "1.00", "1.00"]
        );
    }

    #[test]
    fn text_cannot_break_out_of_the_figure() {
        assert_eq!(escaped("<a & b>"), "&lt;a &amp; b&gt;");
    }
}
