//! The text that exporters answer with: Prometheus' format 0.0.4 and OpenMetrics.

use std::collections::BTreeMap;

/// Series taken of one page: nodes have tens of boards, and a board some labels' worth of series.
const MAX_SERIES: usize = 20_000;
/// Labels of one series.
const MAX_LABELS: usize = 64;

/// One sample of a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// The metric.
    pub(super) metric: String,
    /// Labels.
    pub(super) labels: BTreeMap<String, String>,
    /// Value; may be NaN or infinite.
    pub(super) value: f64,
    /// Milliseconds since the epoch, where the exporter says when it measured.
    pub(super) stamped: Option<i64>,
}

/// Why a page is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PageError {
    /// Bytes that are no text.
    #[error("it is not text")]
    NotText,
    /// A line of another form.
    #[error("line {line} is no sample")]
    NoSample {
        /// Which, from 1.
        line: usize,
    },
    /// More than any node has.
    #[error("it has more than {MAX_SERIES} series of the metric")]
    TooMany,
}

/// The samples of some metrics. As Prometheus does, a page with one wrong line is refused as a whole: whatever wrote it is
/// not an exporter, or was cut off.
pub(super) fn read(body: &[u8], metrics: &[&str]) -> Result<Vec<Line>, PageError> {
    let text = std::str::from_utf8(body).map_err(|_| PageError::NotText)?;
    // OpenMetrics ends with this line, and stamps in seconds where the older format has milliseconds.
    let open = text.trim_end().ends_with("# EOF");
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = PageError::NoSample { line: number + 1 };
        let name = line
            .split(['{', ' ', '\t'])
            .next()
            .filter(|name| is_name(name))
            .ok_or(wrong)?;
        let sample = Cursor(line).sample(name, open).ok_or(wrong)?;
        if metrics.contains(&name) {
            lines.push(sample);
        }
        if lines.len() > MAX_SERIES {
            return Err(PageError::TooMany);
        }
    }
    Ok(lines)
}

fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(legal)
}

/// What is left of a line.
struct Cursor<'l>(&'l str);

impl<'l> Cursor<'l> {
    /// `name{label="value",…} value [timestamp] [# exemplar]`
    fn sample(mut self, name: &str, open: bool) -> Option<Line> {
        self.take(name)?;
        self.0 = self.0.trim_start();
        let labels = if self.take("{").is_some() {
            self.labels()?
        } else {
            BTreeMap::new()
        };
        let mut fields = self.0.split_ascii_whitespace();
        let value = fields.next()?.parse().ok()?;
        let stamped = match fields.next() {
            None | Some("#") => None,
            Some(stamp) => {
                let ends = fields.next().is_none_or(|next| open && next == "#");
                Some(millis(stamp.parse().ok()?, open).filter(|_| ends)?)
            }
        };
        let metric = name.to_owned();
        Some(Line {
            metric,
            labels,
            value,
            stamped,
        })
    }

    fn labels(&mut self) -> Option<BTreeMap<String, String>> {
        let mut labels = BTreeMap::new();
        loop {
            self.0 = self.0.trim_start();
            if self.take("}").is_some() {
                return Some(labels);
            }
            let (name, rest) = self.0.split_once('=')?;
            let name = name.trim();
            self.0 = rest.trim_start();
            self.take("\"")?;
            let value = self.quoted()?;
            if !is_name(name) || labels.len() == MAX_LABELS || labels.insert(name.to_owned(), value).is_some() {
                return None;
            }
            self.0 = self.0.trim_start();
            if self.take(",").is_none() && !self.0.starts_with('}') {
                return None;
            }
        }
    }

    /// The rest of a quoted value, with `\\`, `\"` and `\n` read.
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.0.char_indices();
        loop {
            match chars.next()? {
                (at, '"') => {
                    self.0 = self.0.get(at + 1..)?;
                    return Some(value);
                }
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    same @ ('\\' | '"') => same,
                    _ => return None,
                }),
                (_, other) => value.push(other),
            }
        }
    }

    fn take(&mut self, start: &str) -> Option<&'l str> {
        self.0 = self.0.strip_prefix(start)?;
        Some(self.0)
    }
}

fn millis(stamp: f64, open: bool) -> Option<i64> {
    let millis = if open { stamp * 1000.0 } else { stamp };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be within what a timestamp can be"
    )]
    let whole = millis as i64;
    (0.0..2e14).contains(&millis).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Result<Line, PageError> {
        read(text.as_bytes(), &["x"]).map(|mut lines| lines.remove(0))
    }

    #[test]
    fn both_formats_are_read() {
        let plain = one(
            "# HELP x Power.\n# TYPE x gauge\nx{a=\"1\",b=\"say \\\"hi\\\"\\\\\\n\",} 412.5 1772366400500\ny 3\n",
        )
        .unwrap();
        assert_eq!(plain.labels["b"], "say \"hi\"\\\n");
        assert_eq!((plain.value, plain.stamped), (412.5, Some(1_772_366_400_500)));
        let open = one("x_created 5\nx{a=\"1\"} 4.125e2 1772366400.5 # {trace=\"t\"} 1 2\n# EOF\n").unwrap();
        assert_eq!((open.value, open.stamped), (412.5, Some(1_772_366_400_500)));
        assert_eq!(one("x 1").unwrap().labels.len(), 0);
        assert!(one("x NaN").unwrap().value.is_nan());
        assert!(one("x { a = \"}\" , b=\"\" } +Inf").unwrap().value.is_infinite());
    }

    #[test]
    fn what_is_no_page_is_refused_with_the_line() {
        for (text, line) in [
            ("<html><body>login</body></html>", 1),
            ("x 1\nx{a=\"1\" 2", 2),
            ("x{a=\"1\"}", 1),
            ("x many", 1),
            ("x 1 2 3", 1),
            ("x{a=\"1\",a=\"2\"} 1", 1),
            ("x{a=1} 1", 1),
            ("x{a=\"\\q\"} 1", 1),
            ("x{a=\"1\"b=\"2\"} 1", 1),
            ("1x 1", 1),
            ("not json {\"x\": 1}", 1),
        ] {
            assert_eq!(one(text), Err(PageError::NoSample { line }), "{text}");
        }
        assert_eq!(read(&[0xff, 0xfe], &["x"]), Err(PageError::NotText));
        let many = "x 1\n".repeat(MAX_SERIES + 1);
        assert_eq!(read(many.as_bytes(), &["x"]), Err(PageError::TooMany));
        assert_eq!(read(many.as_bytes(), &["y"]), Ok(Vec::new()), "others are not held");
    }

    proptest! {
        #[test]
        fn no_page_breaks_the_reader(text in "(x|y|#|\\{|\\}|\"|a=|,| |1|\\\\|\n|é){0,40}") {
            drop(read(text.as_bytes(), &["x"]));
        }

        #[test]
        fn what_is_written_is_read(value in "[^\n]{0,20}", number in -1e9..1e9f64) {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let line = one(&format!("x{{a=\"{escaped}\"}} {number}")).unwrap();
            prop_assert_eq!(&line.labels["a"], &value);
            prop_assert!((line.value - number).abs() <= f64::EPSILON * number.abs());
        }
    }
}
