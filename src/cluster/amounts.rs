//! Kubernetes resource amounts: `500m`, `4Gi`, `1e3`.

use heliotrope_core::quantity::parse_amount;

/// Reads an amount as thousandths of a unit, rounded up as Kubernetes does; `None` when it is not one.
pub(super) fn milli(text: &str) -> Option<u64> {
    scaled(text, 1000.0)
}

/// Reads an amount as whole units, rounded up.
pub(super) fn whole(text: &str) -> Option<u64> {
    scaled(text, 1.0)
}

fn scaled(text: &str, unit: f64) -> Option<u64> {
    let amount = (parse_amount(text)? * unit - 1e-9).ceil().max(0.0);
    to_u64(amount)
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
