//! What pages name: metrics with their labels, outcomes, annotations, settings.

use super::{assert_none, pages, read, root, shown};
use heliotrope::crds::{FINALIZER, PAUSED};
use heliotrope::telemetry::{DomainSample, Metrics, PowerNodes, ZoneSample};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use syn::visit::Visit;

pub(super) type Labels = BTreeMap<String, BTreeSet<String>>;

/// Every metric with its labels, as exported once each was used.
pub(super) fn exported() -> Labels {
    let metrics = Metrics::new();
    metrics.answered("filter", "applied", Duration::from_millis(1));
    metrics.decided("live");
    metrics.refused("zone", 1);
    metrics.grouped("held");
    metrics.bound("top");
    metrics.fetched("gb", "GB", "ok");
    metrics.mismatched();
    metrics.carbon_budget("gb", 10, 9);
    metrics.carbon_access("em", "DE", "forecast", true);
    metrics.power_fetched("dcgm", "ok");
    metrics.implausible("dcgm", 1);
    metrics.nameless("dcgm", 1);
    metrics.load_read("prometheus", "ok");
    metrics.watch_error("nodes");
    metrics.expected("history");
    metrics.history_loaded("learned", "ok");
    metrics.history_written("learned", Some(1));
    metrics.learned(&[("bare", "observed", 1, 3)], [("watts", 1), ("run-time", 1)]);
    metrics.record_dropped();
    metrics.logged("written", 1);
    metrics.log_bytes(1);
    metrics.log_files(1);
    metrics.caller("allowed");
    metrics.event("created");
    metrics.leading(true);
    metrics.term("elected");
    metrics.rightsizers(1);
    metrics.rightsized("kept");
    metrics.rightsizer_wrote("status-done");
    metrics.rightsizer_round(Duration::from_secs(1), true);
    let zone = ZoneSample {
        zone: "GB".into(),
        source: "gb".into(),
        rung: "live",
        intensity: 1.0,
        age: 1.0,
        best: true,
    };
    metrics.picture(1, 1.0, 1, &[zone], PowerNodes::default());
    metrics.domains(vec![DomainSample {
        domain: "rack".into(),
        value: "r17".into(),
        cap: 1.0,
        committed: 1.0,
        unseen: 1.0,
        reserved: 1.0,
        unrated: 1,
    }]);
    let mut found = Labels::new();
    for line in metrics.exposition().lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        let labels = rest.split('"').step_by(2).filter_map(|part| part.strip_suffix('='));
        let labels = labels.map(|label| label.trim_start_matches(['{', ',']).to_owned());
        let labels = labels.filter(|label| label != "le");
        found.entry(name.to_owned()).or_default().extend(labels);
    }
    found
}

/// The words in backticks of a text.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn operations() -> String {
    read(&root().join("docs/operations.md"))
}

/// The rows of the tables of a page: their cells.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn operations_has_every_metric_with_its_labels_and_no_other() {
    let page = operations();
    let mut documented = Labels::new();
    for cells in rows(&page) {
        if let Some(name) = quoted(cells[0])
            .into_iter()
            .find(|name| name.starts_with("heliotrope_"))
        {
            documented.insert(name, quoted(cells[1]));
        }
    }
    assert_eq!(documented, exported());
}

/// The first argument of every call of a method, where it is a literal text.
struct FirstArguments<'a> {
    method: &'a str,
    found: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for FirstArguments<'_> {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == self.method
            && let Some(syn::Expr::Lit(literal)) = call.args.first()
            && let syn::Lit::Str(text) = &literal.lit
        {
            self.found.insert(text.value());
        }
        syn::visit::visit_expr_method_call(self, call);
    }
}

#[test]
fn the_list_of_exported_metrics_is_complete() {
    let source = read(&root().join("src/telemetry/metrics/registered.rs"));
    let mut registered = FirstArguments {
        method: "register",
        found: BTreeSet::new(),
    };
    registered.visit_file(&syn::parse_file(&source).unwrap());
    let exported: BTreeSet<String> = exported()
        .into_keys()
        .map(|name| {
            name.trim_start_matches("heliotrope_")
                .trim_end_matches("_total")
                .to_owned()
        })
        .collect();
    assert_eq!(
        exported, registered.found,
        "use the new metric in `exported` and describe it in docs/operations.md"
    );
}

#[test]
fn metrics_that_pages_name_exist() {
    let exported = exported();
    let mut problems = Vec::new();
    for page in pages() {
        let text = read(&page);
        for rest in text.split("heliotrope_").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let name = format!("heliotrope_{name}");
            let series = name.trim_end_matches("_bucket");
            if name != "heliotrope_core" && !exported.contains_key(series) {
                problems.push(format!("{}: {name} is not exported", shown(&page)));
            }
        }
    }
    assert_none("metrics", &problems);
}

/// Texts of the arms `Self::X => "text"` and of `Self::X(…) => "text"` in a file.
pub(super) fn names_in(path: &str) -> BTreeSet<String> {
    let text = read(&root().join(path));
    let arms = text.lines().filter_map(|line| line.trim().strip_prefix("Self::"));
    let arms = arms.filter_map(|arm| arm.split_once("=> \"")?.1.strip_suffix("\","));
    arms.map(str::to_owned).collect()
}

/// The names in the first column of the table below a heading.
fn first_column(page: &str, heading: &str) -> BTreeSet<String> {
    let (_, below) = page
        .split_once(heading)
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let table = below.split("\n#").next().unwrap();
    rows(table).flat_map(|cells| quoted(cells[0])).collect()
}

/// Every outcome of a request.
pub(super) fn request_outcomes() -> BTreeSet<String> {
    let mut outcomes: BTreeSet<String> = ["applied", "shadow", "undecodable", "body-too-large", "body-too-slow"]
        .map(str::to_owned)
        .into();
    outcomes.extend(names_in("src/extender/neutral.rs"));
    outcomes.extend(names_in("core/src/workload/ask.rs"));
    outcomes
}

#[test]
fn operations_has_every_outcome_and_no_other() {
    let page = operations();
    assert_eq!(
        first_column(&page, "### Outcomes of bindings\n"),
        names_in("src/world/bindings.rs")
    );
    assert_eq!(first_column(&page, "### Outcomes of requests\n"), request_outcomes());
    let rules = rows(&page).find(|cells| cells[0] == "`heliotrope_refused_nodes_total`");
    assert_eq!(quoted(rules.unwrap()[2]), names_in("core/src/placement/filter.rs"));
}

/// The keys that pods may use, from the constant that the parser reads.
fn annotation_keys() -> BTreeSet<String> {
    let source = syn::parse_file(&read(&root().join("core/src/workload/ask.rs"))).unwrap();
    let constant = source.items.iter().find_map(|item| match item {
        syn::Item::Const(constant) if constant.ident == "KNOWN" => Some(&*constant.expr),
        _ => None,
    });
    let Some(syn::Expr::Array(array)) = constant else {
        panic!("core/src/workload/ask.rs has no array KNOWN")
    };
    let text = |expr: &syn::Expr| match expr {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => text.value(),
        _ => panic!("KNOWN holds something else than text"),
    };
    array.elems.iter().map(text).collect()
}

#[test]
fn operations_has_every_annotation_and_no_other() {
    let documented = first_column(&operations(), "## Annotations of pods\n");
    let known: BTreeSet<String> = annotation_keys()
        .iter()
        .map(|key| format!("{}{key}", heliotrope_core::workload::ANNOTATION_PREFIX))
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn keys_under_our_prefix_that_pages_name_exist() {
    let mut known = annotation_keys();
    // The API version of the settings, and the node label that names the grid zone.
    known.extend(["v1alpha1".to_owned(), "grid-zone".to_owned()]);
    // What stands on a Rightsizer.
    known.extend([PAUSED, FINALIZER].map(|key| key.trim_start_matches("heliotrope.dev/").to_owned()));
    let prefix = heliotrope_core::workload::ANNOTATION_PREFIX;
    let mut problems = Vec::new();
    for page in pages() {
        let text = read(&page);
        for rest in text.split(prefix).skip(1) {
            let key: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect();
            if !known.contains(&key) {
                problems.push(format!("{}: {prefix}{key} is not known", shown(&page)));
            }
        }
    }
    assert_none("annotations and labels", &problems);
}

#[test]
fn settings_that_pages_name_exist() {
    const SECTIONS: [&str; 8] = [
        "log",
        "extender",
        "admin",
        "outbound",
        "cluster",
        "carbon",
        "power",
        "placement",
    ];
    let example = read(&root().join("config/heliotrope.yaml"));
    let keys: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '#', '-']).split_once(':'))
        .map(|(key, _)| key)
        .collect();
    let mut problems = Vec::new();
    for page in pages() {
        for name in quoted(&read(&page)) {
            let path = name.split(':').next().unwrap();
            let mut parts = path.split('.');
            let is_key = parts.next().is_some_and(|section| SECTIONS.contains(&section)) && path.contains('.');
            let is_file = path
                .rsplit('.')
                .next()
                .is_some_and(|end| ["rs", "md", "yaml"].contains(&end));
            if is_key && !is_file && !parts.all(|part| keys.contains(part)) {
                problems.push(format!("{}: `{path}` is not in config/heliotrope.yaml", shown(&page)));
            }
        }
    }
    assert_none("settings", &problems);
}
