//! What is wrong in `carbon` and `power`, told with its key.

use heliotrope::app::settings::{SettingsError, parse};
use std::path::Path;

pub(super) fn told(body: &str) -> Vec<String> {
    let text = format!("apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\n{body}");
    match parse(&text, Path::new("/")) {
        Err(SettingsError::Refused { findings }) => findings
            .iter()
            .map(|finding| format!("{}: {}", finding.path, finding.message))
            .collect(),
        other => panic!("must be refused: {other:?}"),
    }
}

/// The one thing that is wrong with a provider.
pub(super) fn provider(keys: &str) -> String {
    let told = told(&format!("carbon: {{providers: [{{name: x, {keys}}}]}}\n"));
    assert_eq!(told.len(), 1, "{told:?}");
    told[0].clone()
}

#[test]
fn a_wrong_provider_is_told_by_its_key() {
    for (keys, expected) in [
        ("type: gb", "providers[0].type: must be"),
        (
            "type: gb-carbon-intensity, callsPerHour: 0",
            "providers[0].callsPerHour: must be from 1",
        ),
        (
            "type: gb-carbon-intensity, url: ftp://a",
            "providers[0].url: is not an http",
        ),
        (
            "type: gb-carbon-intensity, regions: {GB-LON: 18}",
            "providers[0].regions.GB-LON: must be the number",
        ),
        (
            "type: gb-carbon-intensity, regions: {'a b': 3}",
            "providers[0].regions.a b",
        ),
        (
            "type: gb-carbon-intensity, interval: 500ms",
            "providers[0].interval: must be from",
        ),
        (
            "type: gb-carbon-intensity, basis: lifecycle",
            "providers[0].basis: has no effect",
        ),
        (
            "type: gb-carbon-intensity, path: a.csv",
            "providers[0].path: has no effect",
        ),
        (
            "type: static, callsPerHour: 5",
            "providers[0].callsPerHour: has no effect",
        ),
        (
            "type: file, signal: average, basis: direct",
            "providers[0].path: is missing",
        ),
        (
            "type: file, path: a, basis: direct",
            "providers[0].signal: must be average",
        ),
        (
            "type: file, path: a, signal: average",
            "providers[0].basis: must be lifecycle",
        ),
        (
            "type: file, path: a, signal: average, basis: direct, zone: 'a b'",
            "providers[0].zone: ",
        ),
        (
            "type: prometheus, url: 'http://a', query: q, signal: average, basis: direct",
            "providers[0].unit: must be g/kWh",
        ),
        (
            "type: prometheus, url: 'http://a', query: q, unit: percent, signal: average, basis: direct",
            "a percentage ranks nothing",
        ),
        (
            "type: prometheus, url: 'http://a', query: ' ', unit: g/kWh, signal: average, basis: direct",
            "providers[0].query: is missing",
        ),
        (
            "type: prometheus, query: q, unit: g/kWh, signal: average, basis: direct",
            "providers[0].url: is missing",
        ),
    ] {
        let told = provider(keys);
        assert!(told.contains(expected), "{keys}: {told}");
    }
}

#[test]
fn chains_name_providers_each_once() {
    let body = "carbon:\n  providers: [{name: a, type: static}, {name: a, type: static}]\n  zones: {DE: [a, a], FR: [b], 'x y': [a]}\n";
    let told = told(body);
    for expected in [
        "carbon.providers[1].name: `a` is the name of another provider too",
        "carbon.zones.DE: `a` stands twice",
        "carbon.zones.FR: `b` is not the name of a provider",
        "carbon.zones.x y: ",
    ] {
        assert!(
            told.iter().any(|told| told.starts_with(expected)),
            "{expected} is not in {told:#?}"
        );
    }
    assert_eq!(told.len(), 4, "{told:#?}");
}

#[test]
fn a_wrong_power_source_is_told_by_its_key() {
    let source = |keys: &str| format!("power: {{sources: [{{{keys}}}]}}\n");
    for (keys, expected) in [
        ("type: prometheus", "power.sources[0].url: is missing"),
        (
            "type: dcgm, url: 'http://a'",
            "power.sources[0].type: must be prometheus or exporter",
        ),
        (
            "type: prometheus, url: 'http://a', preset: nvidia",
            "power.sources[0].preset: must be one of dcgm, amd, intel-xpum, kepler-gpu, kepler, ",
        ),
        (
            "type: prometheus, url: 'http://a', preset: ipmi, unit: Wh",
            "power.sources[0].unit: must be one of uW, mW, W, kW, J, mJ, uJ",
        ),
        (
            "type: prometheus, url: 'http://a', preset: ipmi, measures: rack",
            "power.sources[0].measures: must be one of boards, machine, packages",
        ),
        (
            "type: prometheus, url: 'http://a', metric: m, unit: W, measures: boards",
            "power.sources[0].boardLabel: is missing",
        ),
        (
            "type: prometheus, url: 'http://a', metric: m, measures: machine",
            "power.sources[0].unit: is missing",
        ),
        (
            "type: prometheus, url: 'http://a', unit: J, measures: machine",
            "power.sources[0].metric: is missing",
        ),
        (
            "type: prometheus, url: 'http://a', rateWindow: 1s",
            "power.sources[0].rateWindow: must be from",
        ),
        (
            "type: prometheus, url: 'http://a', targets: [{url: 'http://b'}]",
            "power.sources[0].targets: is for a source of type exporter",
        ),
        ("type: exporter", "power.sources[0].targets: is missing"),
        (
            "type: exporter, url: 'http://a', targets: [{url: 'http://b'}]",
            "power.sources[0].url: is for a source of type prometheus",
        ),
        (
            "type: exporter, targets: [{url: 'http://a/metrics'}, {node: n}]",
            "power.sources[0].targets[1].url: is missing",
        ),
        (
            "type: exporter, pods: {selector: 'app=x', port: 9400}",
            "power.sources[0].pods.namespace: is missing",
        ),
        (
            "type: exporter, pods: {namespace: gpu, port: 9400}",
            "power.sources[0].pods.selector: is missing",
        ),
        (
            "type: exporter, pods: {namespace: gpu, selector: 'app=x'}",
            "power.sources[0].pods.port: is missing",
        ),
        (
            "type: exporter, pods: {namespace: gpu, selector: 'app=x', port: 9400, scheme: ftp}",
            "power.sources[0].pods.scheme: must be http or https",
        ),
        (
            "type: exporter, pods: {namespace: gpu, selector: 'app=x', port: 9400, path: metrics}",
            "power.sources[0].pods.path: must be a path",
        ),
        (
            "type: prometheus, url: 'http://a', metric: 'sum(a)'",
            "power.sources[0].metric: is not the name",
        ),
        (
            "type: prometheus, url: 'http://a', nodes: {h: ''}",
            "power.sources[0].nodes.h: is missing its node",
        ),
        (
            "type: prometheus, url: 'http://a'}, {type: prometheus, url: 'http://b'",
            "power.sources[1].name: `dcgm` is the name of another source too",
        ),
    ] {
        let told = told(&source(keys));
        assert!(told.len() == 1 && told[0].starts_with(expected), "{keys}: {told:?}");
    }
}

#[test]
fn what_is_right_is_read() {
    let text = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\ncarbon:\n  providers:\n    - {name: gb, type: gb-carbon-intensity}\n    - {name: few, type: gb-carbon-intensity, callsPerHour: 12}\n    - {name: file, type: file, path: a.csv, zone: DE-LU, signal: average, basis: direct}\n    - {name: series, type: prometheus, url: 'https://a/prom', query: q, unit: lb/MWh, signal: marginal, basis: direct}\n\
        power: {sources: [{type: prometheus, url: 'http://a', nodes: {10.0.0.7: gpu-7, 'a.example.com': gpu-8}}]}\n";
    let settings = parse(text, Path::new("/etc/heliotrope"))
        .unwrap_or_else(|error| panic!("{error:?}"))
        .settings;
    let limits: Vec<Option<u32>> = settings
        .carbon
        .providers
        .iter()
        .map(|provider| provider.calls_per_hour)
        .collect();
    assert_eq!(limits, [Some(300), Some(12), None, None]);
    let nodes: Vec<(&str, &str)> = settings.power.sources[0]
        .nodes
        .iter()
        .map(|(host, node)| (host.as_str(), node.as_str()))
        .collect();
    assert_eq!(nodes, [("10.0.0.7", "gpu-7"), ("a.example.com", "gpu-8")]);
    assert!(format!("{:?}", settings.carbon.providers[2].source).contains("/etc/heliotrope/a.csv"));
}
