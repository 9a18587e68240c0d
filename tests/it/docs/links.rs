//! Links between pages, and from code to pages.

use super::{assert_none, files, pages, read, root, shown};
use std::collections::BTreeSet;
use std::path::Path;

/// Targets of the links of a page, code left out.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else {
                break;
            };
            found.push(target.to_owned());
            rest = after;
        }
    }
    found
}

/// The anchors that the headings of a page get: lower case, spaces become hyphens, other marks go.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut in_code = false;
    let mut found = BTreeSet::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let heading = line.trim_start_matches('#');
        if in_code || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        found.insert(kept.collect::<String>().replace(' ', "-"));
    }
    found
}

/// What is wrong with a link, if anything. Addresses elsewhere are not looked at: tests have no network.
fn problem(page: &Path, target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with("http://") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        page.to_owned()
    } else {
        page.with_file_name("").join(path)
    };
    if !path.exists() {
        return Some(format!("{}: {target} does not exist", shown(page)));
    }
    let lost = !anchor.is_empty() && !anchors(&read(&path)).contains(anchor);
    lost.then(|| format!("{}: {target} has no such heading", shown(page)))
}

#[test]
fn links_between_pages_resolve() {
    let mut problems = Vec::new();
    let mut count = 0;
    for page in pages() {
        for target in links(&read(&page)) {
            count += 1;
            problems.extend(problem(&page, &target));
        }
    }
    assert!(count > 30, "only {count} links found");
    assert_none("links", &problems);
}

#[test]
fn pages_that_files_name_exist() {
    let mut problems = Vec::new();
    for file in files(&[".rs", ".yaml", ".yml", ".toml", ".sh", ".md"]) {
        for rest in read(&file).split("docs/").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'))
                .collect();
            let Some((name, _)) = name.split_once(".md") else {
                continue;
            };
            let name = format!("docs/{name}.md");
            // From the root as in code, or from the page's own folder as in a link.
            let beside = file.with_file_name("").join(&name);
            if !root().join(&name).exists() && !beside.exists() {
                problems.push(format!("{} names {name}, which does not exist", shown(&file)));
            }
        }
    }
    assert_none("pages named", &problems);
}

#[test]
fn every_decision_stands_in_the_list() {
    let list = read(&root().join("docs/adr/README.md"));
    let folder = std::fs::read_dir(root().join("docs/adr")).unwrap();
    for entry in folder {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            name == "README.md" || list.contains(&format!("({name})")),
            "docs/adr/README.md does not list {name}"
        );
    }
}

#[test]
fn every_scenario_stands_in_the_list() {
    let page = read(&root().join("docs/testing.md"));
    let list: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(name, _)| name)
        .filter(|name| !name.contains("HELIOTROPE"))
        .collect();
    let source = read(&root().join("tests/e2e/scenarios/mod.rs"));
    let modules = source
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    // These two are what scenarios stand on.
    let scenarios: BTreeSet<&str> = modules.filter(|name| !["site", "shipped"].contains(name)).collect();
    assert_eq!(list, scenarios, "docs/testing.md against tests/e2e/scenarios/mod.rs");
}

#[test]
fn the_checker_can_fail() {
    let page = root().join("README.md");
    assert!(problem(&page, "no/such/file.md").is_some());
    assert!(problem(&page, "docs/install.md#no-such-heading").is_some());
    assert!(problem(&page, "docs/install.md#a-second-scheduler").is_none());
    assert_eq!(links("a [b](c) [d](e#f)\n```\n[x](y)\n```\n"), ["c", "e#f"]);
}
