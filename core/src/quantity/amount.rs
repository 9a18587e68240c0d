//! Kubernetes amounts, as the API writes them.

/// Reads an amount such as `500m`, `4Gi` or `1e3` in whole units; `None` when it is not one, or negative.
#[must_use]
pub fn parse_amount(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 14] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let suffixed = SUFFIXES
        .iter()
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
    // `E` alone is exa only at the end; inside a number it is an exponent.
    let (number, factor) = suffixed
        .or_else(|| Some((text.strip_suffix('E')?, 1e18)))
        .unwrap_or((text, 1.0));
    let value = number.parse::<f64>().ok()? * factor;
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// Reads an amount in thousandths, rounded up as the API server does; `None` when it is not one, negative, or too large.
#[must_use]
pub fn parse_milli(text: &str) -> Option<i64> {
    /// Beyond this, doubles do not hold thousandths.
    const LARGEST: f64 = 9.2e18;
    let milli = (parse_amount(text)? * 1000.0 - 1e-9).ceil().max(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "checked to be below 2^63")]
    (milli < LARGEST).then_some(milli as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_rounded_up_to_thousandths() {
        for (text, milli) in [
            ("30", 30_000),
            ("1500m", 1500),
            ("100u", 1),
            ("1.5k", 1_500_000),
            ("0", 0),
        ] {
            assert_eq!(parse_milli(text), Some(milli), "{text}");
        }
        for text in ["", "x", "-1", "1Zi", "NaN", "1e30"] {
            assert_eq!(parse_milli(text), None, "{text}");
        }
    }
}
