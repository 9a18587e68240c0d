//! What figures share: panels, axes and legends of an SVG that needs nothing else.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
/// Height of a figure of two panels.
pub(super) const HEIGHT: f64 = 520.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 840.0;

/// One panel: shares of the width across, values up from zero.
pub(super) struct Panel {
    pub(super) top: f64,
    pub(super) bottom: f64,
    most: f64,
}

impl Panel {
    pub(super) fn new((top, bottom): (f64, f64), values: impl Iterator<Item = f64>) -> Self {
        let quarter = round_up(values.fold(0.0, f64::max).max(1e-9) / 4.0);
        Self {
            top,
            bottom,
            most: 4.0 * quarter,
        }
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * value / self.most
    }

    /// A line in steps: each value holds for its share of the width.
    pub(super) fn steps(&self, values: &[f64]) -> String {
        let mut points = String::new();
        let count = values.len() as f64;
        for (place, value) in (0_u32..).zip(values) {
            let y = self.y(*value);
            let (from, to) = (x(f64::from(place) / count), x((f64::from(place) + 1.0) / count));
            let _never = write!(points, "{from:.1},{y:.1} {to:.1},{y:.1} ");
        }
        points.trim_end().to_owned()
    }

    /// Grid lines with their values.
    pub(super) fn grid(&self, out: &mut String, digits: usize) {
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
    }

    /// A bar from zero.
    pub(super) fn bar(&self, out: &mut String, (from, to): (f64, f64), value: f64, colour: &str) {
        let y = self.y(value.max(0.0));
        let _never = writeln!(
            out,
            r#"<rect x="{:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill="{colour}"/>"#,
            x(from),
            x(to) - x(from),
            self.bottom - y
        );
    }

    /// A label under the axis.
    pub(super) fn below(&self, out: &mut String, share: f64, label: &str) {
        let _never = writeln!(
            out,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            x(share),
            self.bottom + 18.0,
            escaped(label)
        );
    }
}

/// The next number that reads well on an axis.
fn round_up(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let fits = steps.into_iter().map(|step| step * decade).find(|step| *step >= value);
    fits.unwrap_or(10.0 * decade)
}

/// A share of the width in pixels.
pub(super) fn x(share: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * share
}

/// The beginning of a figure: title and note.
pub(super) fn open(title: &str, note: &str, height: f64) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{height}" fill="white"/>
<text x="{LEFT}" y="28" font-size="17" font-weight="bold">{}</text>
<text x="{LEFT}" y="48">{}</text>
"#,
        escaped(title),
        escaped(note)
    )
}

/// The end of a figure.
pub(super) fn close(mut out: String) -> String {
    out.push_str("</svg>\n");
    out
}

/// What the colours mean, above a panel.
pub(super) fn legend(out: &mut String, y: f64, unit: &str, labels: impl IntoIterator<Item = (&'static str, String)>) {
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

/// Text that cannot break out of the figure.
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
