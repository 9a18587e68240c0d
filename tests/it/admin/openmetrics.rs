//! A strict reader of OpenMetrics 1.0 text: what a scraper that follows the specification would refuse, panics here.

use std::collections::{BTreeMap, BTreeSet};

/// A family of samples.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) kind: String,
    pub(super) help: String,
    /// Sample name and labels → value.
    pub(super) samples: BTreeMap<(String, Labels), f64>,
}

pub(super) type Labels = BTreeMap<String, String>;

/// The page by family.
pub(super) fn parse(page: &str) -> BTreeMap<String, Family> {
    let body = page.strip_suffix("# EOF\n").expect("the page ends with EOF");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in body.lines() {
        if let Some(meta) = line.strip_prefix("# ") {
            let mut parts = meta.splitn(3, ' ');
            let (what, name, rest) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            if name != current {
                assert!(!families.contains_key(name), "family {name} is not in one piece");
                name.clone_into(&mut current);
            }
            let family = families.entry(current.clone()).or_default();
            assert!(family.samples.is_empty(), "{line} comes after samples");
            match what {
                "HELP" => rest.clone_into(&mut family.help),
                "TYPE" => rest.clone_into(&mut family.kind),
                "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                other => panic!("{other} in {line}"),
            }
        } else {
            let (name, labels, value) = sample(line);
            let family = families
                .get_mut(&current)
                .unwrap_or_else(|| panic!("no family before {line}"));
            let suffix = name
                .strip_prefix(&current)
                .unwrap_or_else(|| panic!("{line} is not of {current}"));
            let allowed: &[&str] = match family.kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_bucket", "_sum", "_count"],
                other => panic!("unknown type {other}"),
            };
            assert!(allowed.contains(&suffix), "{suffix} of a {}: {line}", family.kind);
            assert!(family.kind == "gauge" || value >= 0.0, "{line}");
            let before = family.samples.insert((name, labels), value);
            assert!(before.is_none(), "{line} is there twice");
        }
    }
    for (name, family) in &families {
        assert!(
            legal(name) && !family.help.is_empty() && !family.kind.is_empty(),
            "{name}"
        );
        assert!(family.kind != "counter" || !name.ends_with("_total"), "{name}");
        if family.kind == "histogram" {
            histogram(name, family);
        }
    }
    families
}

fn legal(name: &str) -> bool {
    let mut characters = name.chars();
    let first = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn sample(line: &str) -> (String, Labels, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value in {line}"));
    let value = value.parse().unwrap_or_else(|_| panic!("no number in {line}"));
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"))),
        None => (series, ""),
    };
    assert!(legal(name), "{line}");
    (name.to_owned(), labels_of(labels, line), value)
}

fn labels_of(mut text: &str, line: &str) -> Labels {
    let mut labels = Labels::new();
    while !text.is_empty() {
        let (key, rest) = text.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(legal(key), "{line}");
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters
                .next()
                .unwrap_or_else(|| panic!("a label does not end in {line}"))
            {
                (at, '"') => break at,
                (_, '\\') => match characters.next().map(|(_, c)| c) {
                    Some('n') => value.push('\n'),
                    Some(c @ ('\\' | '"')) => value.push(c),
                    other => panic!("escape {other:?} in {line}"),
                },
                (_, c) => value.push(c),
            }
        };
        assert!(labels.insert(key.to_owned(), value).is_none(), "{key} twice in {line}");
        let (_, rest) = rest.split_at(end + 1);
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
    labels
}

/// Buckets grow, end with infinity, and agree with the count.
fn histogram(name: &str, family: &Family) {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for ((sample, labels), value) in &family.samples {
        if sample.ends_with("_bucket") {
            let mut labels = labels.clone();
            let le = labels
                .remove("le")
                .unwrap_or_else(|| panic!("a bucket of {name} without le"));
            let edge = if le == "+Inf" {
                f64::INFINITY
            } else {
                le.parse().unwrap()
            };
            series.entry(labels).or_default().push((edge, *value));
        }
    }
    let with_count: BTreeSet<&Labels> = family
        .samples
        .keys()
        .filter(|(sample, _)| sample.ends_with("_count"))
        .map(|(_, labels)| labels)
        .collect();
    assert_eq!(with_count, series.keys().collect(), "{name}");
    for (labels, mut buckets) in series {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(
            buckets.is_sorted_by(|a, b| a.1 <= b.1),
            "{name} {labels:?} is not cumulative"
        );
        let (edge, all) = *buckets.last().unwrap();
        assert!(edge.is_infinite(), "{name} {labels:?} has no +Inf");
        let value = |suffix: &str| family.samples[&(format!("{name}{suffix}"), labels.clone())];
        assert!((value("_count") - all).abs() < 0.5, "{name} {labels:?}");
        assert!(value("_sum") >= 0.0);
    }
}

#[test]
fn what_is_not_openmetrics_is_refused() {
    let head = "# HELP a_b Words.\n# TYPE a_b counter\n";
    assert_eq!(
        parse(&format!("{head}a_b_total{{x=\"\\\"1\\\\\"}} 3\n# EOF\n"))["a_b"]
            .samples
            .len(),
        1
    );
    for wrong in [
        format!("{head}a_b_total 3\n"),
        format!("{head}a_b 3\n# EOF\n"),
        format!("{head}a_b_total 3\na_b_total 3\n# EOF\n"),
        format!("{head}a_b_total{{x=\"1}} 3\n# EOF\n"),
        format!("{head}a_b_total x\n# EOF\n"),
        "a 1\n# EOF\n".to_owned(),
        "# HELP h W\n# TYPE h histogram\nh_sum 1\nh_count 2\nh_bucket{le=\"1\"} 2\n# EOF\n".to_owned(),
        "# HELP h W\n# TYPE h histogram\nh_sum 1\nh_count 2\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\n# EOF\n"
            .to_owned(),
    ] {
        let refused = std::panic::catch_unwind(|| parse(&wrong));
        assert!(refused.is_err(), "{wrong}");
    }
}
