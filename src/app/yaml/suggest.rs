/// The known name that a wrong one most likely meant.
pub(super) fn closest<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let folded = fold(wrong);
    let allowed = (folded.len() / 3).max(1);
    known
        .into_iter()
        .map(|name| (distance(&folded, &fold(name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// `last_known_for`, `last-known-for` and `LastKnownFor` are one wish.
pub(super) fn fold(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .take(64)
        .collect()
}

/// Edits from one name to the other: insert, delete, replace, swap neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_a = None;
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        let mut previous_b = None;
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let replace = at(&last, j) + usize::from(ca != cb);
            let mut best = replace.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if let (Some(pa), Some(pb)) = (previous_a, previous_b)
                && pa == cb
                && pb == ca
            {
                best = best.min(at(&before, j.saturating_sub(1)) + 1);
            }
            row.push(best);
            previous_b = Some(cb);
        }
        before = std::mem::replace(&mut last, row);
        previous_a = Some(ca);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        let d = |a: &str, b: &str| distance(&fold(a), &fold(b));
        assert_eq!(d("", "abc"), 3);
        assert_eq!(d("band", "band"), 0);
        assert_eq!(d("bnad", "band"), 1, "a swap is one edit");
        assert_eq!(d("kitten", "sitting"), 3);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["lastKnownFor", "forecastFor", "providers"];
        assert_eq!(closest("last_known_for", known), Some("lastKnownFor"));
        assert_eq!(closest("provders", known), Some("providers"));
        assert_eq!(closest("colour", known), None);
    }
}
