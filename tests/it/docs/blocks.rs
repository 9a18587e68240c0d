//! What pages show to be copied: YAML that parses, settings that Heliotrope takes, alerts on what it exports.

use super::names::{exported, names_in, request_outcomes};
use super::{assert_none, files, pages, read, root, shown};
use serde_json::Value;
use std::collections::BTreeSet;

/// The YAML blocks of a page, without the indentation of the list they stand in.
fn blocks(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for line in page.lines() {
        let indent = line.len() - line.trim_start().len();
        match &mut open {
            None if line.trim() == "```yaml" => open = Some((indent, String::new())),
            Some(_) if line.trim() == "```" => found.extend(open.take().map(|(_, text)| text)),
            Some((indent, text)) => {
                *text += line.get(*indent..).unwrap_or_default();
                *text += "\n";
            }
            None => {}
        }
    }
    found
}

#[test]
fn yaml_that_pages_show_parses() {
    let mut problems = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for block in blocks(&read(&page)) {
            seen += 1;
            if let Err(error) = serde_saphyr::from_multiple::<Value>(&block) {
                problems.push(format!("{}: {error}", shown(&page)));
            }
        }
    }
    assert!(seen >= 4, "too few blocks found: {seen}");
    assert_none("YAML in pages", &problems);
}

#[test]
fn settings_that_pages_and_files_show_are_right() {
    let in_pages = pages().into_iter().flat_map(|page| {
        let blocks = blocks(&read(&page)).into_iter();
        blocks.map(move |block| (page.clone(), block))
    });
    let in_files = files(&[".yaml"]).into_iter().map(|path| (path.clone(), read(&path)));
    let is_settings = |text: &str| text.lines().any(|line| line.starts_with("kind: Settings"));
    let mut problems = Vec::new();
    let mut seen = 0;
    for (path, text) in in_pages.chain(in_files).filter(|(_, text)| is_settings(text)) {
        seen += 1;
        if let Err(error) = heliotrope::app::settings::parse(&text, path.parent().unwrap()) {
            problems.push(format!("{}: {error:?}", shown(&path)));
        }
    }
    assert!(seen >= 4, "too few settings found: {seen}");
    assert_none("settings", &problems);
}

/// The expression of every alert that operations shows.
fn alerts() -> Vec<(String, String)> {
    let page = read(&root().join("docs/operations.md"));
    let block = blocks(&page).into_iter().find(|block| block.starts_with("groups:"));
    let rules: Value = serde_saphyr::from_str(&block.unwrap()).unwrap();
    let groups = rules["groups"].as_array().unwrap().iter();
    let alerts = groups.flat_map(|group| group["rules"].as_array().unwrap());
    let text = |alert: &Value, key: &str| alert[key].as_str().unwrap().to_owned();
    alerts
        .map(|alert| (text(alert, "alert"), text(alert, "expr")))
        .collect()
}

/// The values that a label of a metric may have, where they are few and named in the code.
fn values(metric: &str, label: &str) -> Option<BTreeSet<String>> {
    match (metric, label) {
        ("heliotrope_bindings_total", "outcome") => Some(names_in("src/world/bindings.rs")),
        ("heliotrope_extender_requests_total", "outcome") => Some(request_outcomes()),
        ("heliotrope_power_nodes", "rung") => Some(["fresh", "stale", "model"].map(str::to_owned).into()),
        (_, "rung") => Some(names_in("core/src/quantity/reading.rs")),
        _ => None,
    }
}

/// What is wrong with `LABEL=~"A|B.*"` of a metric.
fn problem(metric: &str, matcher: &str) -> Option<String> {
    let (label, quoted) = matcher.trim().split_once(['=', '!'])?;
    let Some(text) = quoted.split('"').nth(1) else {
        return Some(format!("{metric}: {matcher} has no value"));
    };
    if !exported().get(metric)?.contains(label) {
        return Some(format!("{metric} has no label {label}"));
    }
    let known = values(metric, label)?;
    let fits = |wanted: &str| match wanted.strip_suffix(".*") {
        Some(start) => known.iter().any(|value| value.starts_with(start)),
        None => known.contains(wanted),
    };
    let never = text.split('|').find(|wanted| !fits(wanted))?;
    Some(format!("{metric}: {label} is never {never}"))
}

#[test]
fn alerts_select_labels_and_values_that_are_exported() {
    let mut problems = Vec::new();
    let alerts = alerts();
    assert!(alerts.len() >= 5, "too few alerts found: {alerts:?}");
    for (alert, expression) in &alerts {
        let mut labels = BTreeSet::from(["le".to_owned()]);
        for rest in expression.split("heliotrope_").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
            let metric = format!("heliotrope_{}", name.trim_end_matches("_bucket"));
            // That every metric exists is asked of all pages.
            labels.extend(exported().remove(&metric).unwrap_or_default());
            if let Some((matchers, _)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                let wrong = matchers.split(',').filter_map(|matcher| problem(&metric, matcher));
                problems.extend(wrong.map(|wrong| format!("{alert}: {wrong}")));
            }
        }
        for list in expression.split("by (").skip(1) {
            let by = list.split(')').next().unwrap().split(',').map(str::trim);
            let unknown = by.filter(|label| !labels.contains(*label));
            problems.extend(unknown.map(|label| format!("{alert}: by {label}, which no metric in it has")));
        }
    }
    assert_none("alerts", &problems);
}
