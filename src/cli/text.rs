//! Numbers and columns for people.

use std::io::{self, Write};

/// Keeps a number and its unit, and the thousands of a number, on one line.
const NO_BREAK: char = '\u{a0}';

/// A bar of so many characters.
pub(super) fn bar(share: f64, width: u32) -> String {
    let full = (0..width).filter(|place| (f64::from(*place) + 0.5) / f64::from(width) <= share);
    let full = full.count();
    let empty = usize::try_from(width).unwrap_or(0).saturating_sub(full);
    format!("{}{}", "#".repeat(full), ".".repeat(empty))
}

/// A number with so many digits after the point, and a no-break space between thousands.
pub(super) fn number(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let count = whole.chars().count();
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (count - place) % 3 == 0 {
            out.push(NO_BREAK);
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    let zero = out.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !zero { format!("-{out}") } else { out }
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{}\u{a0}%", number(share * 100.0, 1))
}

/// Grams in kilograms.
pub(super) fn kilograms(grams: f64) -> String {
    number(grams / 1000.0, 1)
}

/// Watts in kilowatts.
pub(super) fn kilowatts(watts: f64) -> String {
    number(watts / 1000.0, 2)
}

/// Seconds as people say them.
pub(super) fn time(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{}\u{a0}s", number(seconds, 0))
    } else if seconds < 6000.0 {
        format!("{}\u{a0}min", number(seconds / 60.0, 1))
    } else {
        format!("{}\u{a0}h", number(seconds / 3600.0, 1))
    }
}

/// Lines of prose are no longer than this.
const PROSE: usize = 92;

/// Writes prose, broken into lines between words.
pub(super) fn paragraph(out: &mut dyn Write, indent: &str, text: &str) -> io::Result<()> {
    let mut line = indent.to_owned();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > PROSE {
            writeln!(out, "{line}")?;
            indent.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(out, "{line}")
}

/// Writes rows under a heading. The first column is aligned to the left, the others to the right.
pub(super) fn columns<const N: usize>(
    out: &mut dyn Write,
    title: &str,
    header: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let header = header.map(str::to_owned);
    let mut widths = [0; N];
    for row in std::iter::once(&header).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    writeln!(out, "\n{title}")?;
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
            let cell = if place == 0 {
                format!("  {cell:width$}")
            } else {
                format!("  {cell:>width$}")
            };
            line.push_str(&cell);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_never_minus_zero() {
        let told: Vec<String> = [1_234_567.0, 999.94, -1234.5, -0.01, 0.0]
            .map(|n| number(n, 1))
            .to_vec();
        assert_eq!(told, ["1\u{a0}234\u{a0}567.0", "999.9", "-1\u{a0}234.5", "0.0", "0.0"]);
        assert_eq!(number(1000.0, 0), "1\u{a0}000");
    }

    #[test]
    fn a_bar_is_empty_at_the_start_and_full_at_the_end() {
        assert_eq!(
            (bar(0.0, 4), bar(0.5, 4), bar(1.0, 4)),
            ("....".into(), "##..".into(), "####".into())
        );
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        assert_eq!(
            [8.0, 90.0, 7200.0].map(time),
            ["8\u{a0}s", "1.5\u{a0}min", "2.0\u{a0}h"]
        );
    }

    #[test]
    fn prose_is_broken_between_words_and_figures_keep_their_units() {
        let mut out = Vec::new();
        paragraph(&mut out, "  ", &"12\u{a0}kg of ".repeat(20)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.lines().count() > 1 && text.lines().all(|line| line.chars().count() <= PROSE),
            "{text}"
        );
        assert!(
            text.lines().all(|line| line.starts_with("  ") && !line.ends_with("12")),
            "{text}"
        );
    }

    #[test]
    fn columns_line_up_on_the_right() {
        let mut out = Vec::new();
        let rows = [["a".to_owned(), "1".to_owned()], ["long".to_owned(), "100".to_owned()]];
        columns(&mut out, "T", ["", "g"], &rows).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\nT\n          g\n  a       1\n  long  100\n"
        );
    }
}
