//! The section `load`.

use super::*;
use heliotrope::app::settings::SettingsError;
use std::time::Duration;

fn problems(load: &str) -> Vec<String> {
    let text = format!("apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nload: {{{load}}}\n");
    match parse(&text, Path::new("/")) {
        Ok(_) => Vec::new(),
        Err(SettingsError::Refused { findings }) => findings.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn nothing_is_asked_of_prometheus_unless_it_is_named() {
    let load = settings("").load;
    assert_eq!((load.prometheus, load.own_queries), (None, true));
    assert_eq!(
        (load.fresh_for, load.window, load.timeout),
        (seconds(120), seconds(120), Duration::from_secs(5))
    );
    let load =
        settings("prometheus: {url: 'https://p.example.com/prom', podLabel: kubernetes_pod}, queries: presets").load;
    let prometheus = load.prometheus.unwrap();
    assert_eq!(
        (prometheus.namespace_label.as_str(), prometheus.pod_label.as_str()),
        ("namespace", "kubernetes_pod")
    );
    assert!(!load.own_queries);
}

#[test]
fn every_problem_is_told_with_its_key() {
    let found = problems(
        "prometheus: {url: 'ftp://x', podLabel: 'a-b', namespaceLabel: ''}, queries: all, freshFor: 6m, window: 5s, timeout: 2m",
    );
    for key in [
        "load.prometheus.url",
        "load.prometheus.podLabel",
        "load.prometheus.namespaceLabel",
        "load.queries",
        "load.freshFor",
        "load.window",
        "load.timeout",
    ] {
        assert!(found.iter().any(|problem| problem.contains(key)), "{key}: {found:?}");
    }
    assert_eq!(found.len(), 7, "{found:?}");
    assert!(problems("prometheus: {podLabel: pod}")[0].contains("load.prometheus.url"));
}
