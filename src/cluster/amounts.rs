//! Kubernetes resource amounts: `500m`, `4Gi`, `1e3`.

/// Reads an amount as thousandths of a unit, rounded up as Kubernetes does; `None` when it is not one.
pub(super) fn milli(text: &str) -> Option<u64> {
    scaled(text, 1000.0)
}

/// Reads an amount as whole units, rounded up.
pub(super) fn whole(text: &str) -> Option<u64> {
    scaled(text, 1.0)
}

fn scaled(text: &str, unit: f64) -> Option<u64> {
    let amount = (amount(text)? * unit - 1e-9).ceil().max(0.0);
    to_u64(amount)
}

/// Reads an amount as it is; `None` when it is not one, or negative.
#[must_use]
pub fn amount(text: &str) -> Option<f64> {
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

/// Amounts above 2^63 are not amounts that a node has.
fn to_u64(amount: f64) -> Option<u64> {
    const LARGEST: f64 = 9.2e18;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be within 0 and 2^63"
    )]
    (0.0..LARGEST).contains(&amount).then_some(amount as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_writes() {
        for (text, expected) in [
            ("1", 1000),
            ("500m", 500),
            ("0.1", 100),
            ("1500u", 2),
            ("2k", 2_000_000),
            ("1e3", 1_000_000),
        ] {
            assert_eq!(milli(text), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("768Gi", 824_633_720_832),
            ("1e3", 1000),
            ("129M", 129_000_000),
            ("0", 0),
            ("1E", 10u64.pow(18)),
        ] {
            assert_eq!(whole(text), Some(expected), "{text}");
        }
        for text in ["", "x", "-1", "1Zi", "NaN", "inf"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
