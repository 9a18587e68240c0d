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
    parse_signed_milli(text).filter(|milli| (0..i64::MAX).contains(milli))
}

/// Longest amount that is read. The API writes far shorter ones.
const MAX_LENGTH: usize = 64;

/// A Kubernetes quantity in thousandths, without going through a floating-point number: what is finer is rounded away from zero
/// and what is larger than they hold stops there, as the API's own type does. `None` for what is no quantity.
#[must_use]
pub fn parse_signed_milli(text: &str) -> Option<i64> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (number, suffix) = rest.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let (power, binary) = factor(suffix)?;
    let digits: String = [whole, fraction].concat();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    // Of thousandths: three places more.
    let power = power.checked_add(3)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let magnitude = scaled(digits, power, binary);
    let signed = if negative { magnitude.checked_neg()? } else { magnitude };
    Some(signed)
}

/// Powers of ten and of two that a suffix stands for.
fn factor(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        exponent => (exponent.strip_prefix(['e', 'E'])?.parse().ok()?, 0),
    })
}

/// Digits times powers of ten and of two, rounded up; the largest there is where it is more.
fn scaled(digits: &str, power: i32, binary: u32) -> i64 {
    let exact = || {
        let product = digits.parse::<i128>().ok()?.checked_mul(1_i128.checked_shl(binary)?)?;
        let tens = 10_i128.checked_pow(power.unsigned_abs());
        match (power >= 0, tens) {
            (true, Some(tens)) => product.checked_mul(tens),
            (false, Some(tens)) => Some((product - 1) / tens + 1),
            (true, None) => None,
            // Less than the smallest there is.
            (false, None) => Some(1),
        }
    };
    exact().and_then(|value| i64::try_from(value).ok()).unwrap_or(i64::MAX)
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

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (text, expected) in [
            ("4", 4000),
            ("1500m", 1500),
            ("0.1", 100),
            ("100u", 1),
            ("1n", 1),
            ("1000001n", 2),
            ("-1n", -1),
            ("-1500u", -2),
            (".5", 500),
            ("5.", 5000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("12e-4", 2),
            ("9E", i64::MAX),
            ("2k", 2_000_000),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            // Beyond what a double holds exactly.
            ("9007199254740993m", 9_007_199_254_740_993),
            ("0", 0),
            ("-0", 0),
            ("1e-99", 1),
        ] {
            assert_eq!(parse_signed_milli(text), Some(expected), "{text}");
        }
        for text in [
            "",
            ".",
            "-",
            "x",
            "1Zi",
            "1mi",
            "NaN",
            "inf",
            "1.2.3",
            "1 ",
            " 1",
            "1e",
            "0x10",
            "--1",
            "1e99999999999",
        ] {
            assert_eq!(parse_signed_milli(text), None, "{text}");
        }
        assert_eq!(parse_signed_milli("1e30"), Some(i64::MAX));
        assert_eq!(parse_signed_milli(&"9".repeat(60)), Some(i64::MAX));
    }
}
