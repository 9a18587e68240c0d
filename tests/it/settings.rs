//! The settings file: what is wrong is told all at once, with its place.

use heliotrope::app::settings::{Loaded, SettingsError, load, parse};
use heliotrope_core::placement::Throughput;
use heliotrope_core::snapshot::BookingFigure;
use heliotrope_core::workload::Mode;
use jiff::SignedDuration;
use proptest::prelude::*;
use std::path::Path;

const HEAD: &str = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\n";

fn read(body: &str) -> Result<Loaded, SettingsError> {
    parse(&format!("{HEAD}{body}"), Path::new("."))
}

fn told(result: Result<Loaded, SettingsError>) -> Vec<String> {
    match result.unwrap_err() {
        SettingsError::Refused { findings } => findings.iter().map(ToString::to_string).collect(),
        error @ SettingsError::Unreadable { .. } => panic!("{error}"),
    }
}

#[test]
fn the_least_file_is_the_defaults() {
    let loaded = read("").unwrap();
    let placement = &loaded.settings.placement;
    assert_eq!(
        placement.namespaces.default.mode,
        Mode::Shadow,
        "an operator meets it in shadow"
    );
    assert!(placement.namespaces.exempt.contains("kube-system"));
    assert_eq!(
        read("placement:\nlog:\n").unwrap().settings,
        loaded.settings,
        "an empty section is none"
    );
}

#[test]
fn what_is_written_is_what_is_read() {
    let body = "placement: {mode: strict, keep: 90, throughput: rated, ceiling: 0.4 kg/kWh, maxDuration: 2 days,
  allowZones: [NO-NO1, DE], wake: {default: 0.5, pools: {spare: 0}},
  namespaces: {ml: {mode: prefer, jobDuration: 2h}, web: }}\nlog: {level: 'warn', format: json}\n";
    let settings = read(body).unwrap().settings;
    let placement = &settings.placement;
    assert_eq!(placement.policy.keep, Some(90));
    assert_eq!(placement.policy.throughput, Throughput::Rated);
    assert!((placement.policy.ceiling.unwrap().get() - 400.0).abs() < 1e-9);
    assert!(
        (placement.wake.of(Some("spare")).get()).abs() < 1e-9 && (placement.wake.of(None).get() - 0.5).abs() < 1e-9
    );
    let ml = placement.namespaces.rules("ml");
    assert_eq!(
        (ml.mode, ml.job_duration),
        (Mode::Prefer, SignedDuration::from_hours(2))
    );
    assert_eq!(
        ml.max_duration,
        SignedDuration::from_hours(48),
        "what is not said is inherited"
    );
    assert_eq!(ml.allow_zones, placement.namespaces.default.allow_zones);
    assert_eq!(placement.namespaces.rules("web"), &placement.namespaces.default);
    assert_eq!(settings.log.level, "warn");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let body = "log: {level: inof, format: xml}
placement:
  mode: gentle
  selectableModes: [prefer, hard]
  band: 2
  fullSpread: 0.01
  keep: 0
  throughput: fast
  ceiling: 300
  strandedGrams: -1
  wake: {default: 1.5, pools: {a: -1}}
  allowZones: [DE, 'a b']
  jobDuration: soon
  serviceHorizon: 5s
  utilisation: 1.5
  groups: [job, crowd]
  exemptNamespaces: [Kube]
  namespaces:
    kube_system: {}
    ml: {maxDuration: 30m, jobDuration: 1h}
";
    let told = told(read(body));
    let places: Vec<&str> = told.iter().map(|told| told.split(": ").nth(1).unwrap()).collect();
    assert_eq!(
        places,
        [
            "log.level",
            "log.format",
            "placement.mode",
            "placement.selectableModes[1]",
            "placement.band",
            "placement.fullSpread",
            "placement.keep",
            "placement.throughput",
            "placement.ceiling",
            "placement.strandedGrams",
            "placement.wake.default",
            "placement.wake.pools.a",
            "placement.allowZones[1]",
            "placement.jobDuration",
            "placement.serviceHorizon",
            "placement.utilisation",
            "placement.groups[1]",
            "placement.exemptNamespaces[0]",
            "placement.namespaces.kube_system",
            "placement.namespaces.ml.jobDuration",
        ],
        "{told:#?}"
    );
    assert_eq!(
        told[8],
        "line 11, column 3: placement.ceiling: `300` is not a quantity: write a number and one of g/kWh, kg/kWh, kg/MWh, lb/MWh"
    );
}

#[test]
fn a_type_error_is_told_beside_the_unknown_keys() {
    let told = told(read("placement:\n  bnad: 0.1\n  wake:\n    pools: [1]\nlgo: {}\n"));
    assert_eq!(
        told,
        [
            "line 4, column 3: placement.bnad: unknown key, did you mean `band`?",
            "line 6, column 12: placement.wake.pools: expected a map of keys",
            "line 7, column 1: lgo: unknown key, did you mean `log`?",
        ]
    );
}

#[test]
fn a_key_in_the_wrong_place_is_shown_its_own() {
    assert_eq!(
        told(read("log:\n  referenceModel: x\n")),
        ["line 4, column 3: log.referenceModel: unknown key here, did you mean `placement.referenceModel`?"]
    );
}

#[test]
fn secrets_are_never_written_inline() {
    let told = told(read(
        "log:\n  token: hunter2\n  api_key: hunter2\n  format: 'https://me:hunter2@example.org/'\n",
    ));
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].contains("log.token: secrets are never written inline") && told[0].contains("`tokenFile`"));
    assert!(told[1].contains("log.api_key: secrets are never written inline"));
    assert!(told.iter().all(|told| !told.contains("hunter2")), "{told:?}");
}

#[test]
fn the_envelope_is_checked_before_anything_else() {
    let parsed = |text: &str| told(parse(text, Path::new(".")));
    assert_eq!(
        parsed("placement: {nonsense: 1}\n"),
        [
            "apiVersion: is missing: write `apiVersion: heliotrope.dev/v1alpha1`",
            "kind: is missing: write `kind: Settings`",
        ]
    );
    assert_eq!(
        parsed("apiVersion: heliotrope.dev/v2\nkind: Settings\nnonsense: 1\n"),
        ["line 1, column 1: apiVersion: is not supported: this version reads `apiVersion: heliotrope.dev/v1alpha1`"]
    );
    for text in ["", "just a text", "- a list\n"] {
        assert_eq!(parsed(text).len(), 2, "{text:?}");
    }
}

#[test]
fn rules_that_cannot_hold_together_are_refused() {
    for (body, part) in [
        ("{allowZones: []}", "allows no zone at all"),
        ("{allowZones: [DE], denyZones: [DE, FR]}", "is denied by `denyZones`"),
        ("{maxDuration: 10m}", "below the run time of jobs"),
        ("{namespaces: {kube-system: {mode: strict}}}", "is exempt"),
        ("{referenceModel: RTX-9090}", "`RTX-9090` has no gpu profile"),
        ("{referenceModel: A10G, throughput: rated}", "has no rated throughput"),
        ("{throughput: measured}", "has no measured throughput"),
    ] {
        let told = told(read(&format!("placement: {body}\n")));
        assert!(told.len() == 1 && told[0].contains(part), "{body}: {told:?}");
    }
}

#[test]
fn what_is_wrong_with_power_domains_is_told_with_its_place() {
    let rule = |name: &str| format!("{{name: {name}, gpuWatts: 1 kW}}");
    let nine: Vec<String> = (0..9).map(|i| rule(&format!("d{i}"))).collect();
    for (domains, key, part) in [
        (nine.join(", "), "power.domains", "holds at most 8 kinds of domains"),
        ("{gpuWatts: 1 kW}".into(), "power.domains[0].name", "must be 1 to 32"),
        (rule("Rack"), "power.domains[0].name", "must be 1 to 32"),
        (rule(&"r".repeat(33)), "power.domains[0].name", "must be 1 to 32"),
        (
            format!("{}, {}", rule("rack"), rule("rack")),
            "power.domains[1].name",
            "`rack` is taken by another domain",
        ),
        (
            "{name: rack, label: 'a b', gpuWatts: 1 kW}".into(),
            "power.domains[0].label",
            "is not a label key",
        ),
        ("{name: rack, gpuWatts: plenty}".into(), "power.domains[0].gpuWatts", ""),
        ("{name: rack, gpuWatts: -5 W}".into(), "power.domains[0].gpuWatts", ""),
        (
            "{name: rack, values: {r17: plenty}}".into(),
            "power.domains[0].values",
            "",
        ),
        (
            "{name: rack}".into(),
            "power.domains[0].gpuWatts",
            "is missing: write a cap",
        ),
        (
            "{name: rack, gpuWatts: 1 kW, shares: [{share: 0.5}]}".into(),
            "power.domains[0].shares[0].belowPriority",
            "is missing",
        ),
        (
            "{name: rack, gpuWatts: 1 kW, shares: [{belowPriority: 5}]}".into(),
            "power.domains[0].shares[0].share",
            "is missing",
        ),
        (
            "{name: rack, gpuWatts: 1 kW, shares: [{belowPriority: 5, share: 1}, {belowPriority: 9, share: 1.5}]}"
                .into(),
            "power.domains[0].shares[1].share",
            "",
        ),
    ] {
        let told = told(read(&format!("power: {{domains: [{domains}]}}\n")));
        assert!(
            told.len() == 1 && told[0].contains(&format!("{key}: ")) && told[0].contains(part),
            "{domains}: {told:?}"
        );
    }
    let several = told(read(
        "power: {booking: mean, learnedAfter: 31 days, ramp: 2h, inFlightFor: 0s, domains: [{name: R}, {name: rack, gpuWatts: x}]}\n",
    ));
    for key in [
        "booking: must be max or p95",
        "learnedAfter",
        "ramp",
        "inFlightFor",
        "domains[0].name",
        "domains[0].gpuWatts",
        "domains[1].gpuWatts",
    ] {
        let found = several
            .iter()
            .filter(|told| told.contains(&format!("power.{key}")))
            .count();
        assert_eq!(found, 1, "{key}: {several:#?}");
    }
    assert_eq!(several.len(), 7, "{several:#?}");
    let read = read("power: {booking: p95, learnedAfter: 2h}\n")
        .unwrap()
        .settings
        .power
        .bookings;
    assert_eq!(
        (read.figure, read.learned_after),
        (BookingFigure::P95, SignedDuration::from_hours(2))
    );
}

#[test]
fn tables_that_the_file_names_are_laid_over_ours_or_told_under_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "regions.yaml",
        "regions:\n  - {provider: on-prem, region: hall-2, zone: DE}\n",
    );
    write("gpus.yaml", "profiles:\n  - modle: X\n");
    let body = "carbon: {regionsFile: regions.yaml, zonesFile: missing.yaml}\npower: {gpuProfilesFile: gpus.yaml}\n";
    write("settings.yaml", &format!("{HEAD}{body}"));
    let told = told(load(&folder.path().join("settings.yaml")));
    assert!(
        told.iter()
            .all(|told| told.starts_with("line 3,") || told.starts_with("line 4,")),
        "{told:#?}"
    );
    assert!(
        told[0].contains("carbon.zonesFile") && told[0].contains("cannot be read"),
        "{told:#?}"
    );
    assert!(
        told[1].contains("gpus.yaml: line 2, column 5: profiles[0].modle: unknown key, did you mean `model`?"),
        "{told:#?}"
    );

    write(
        "settings.yaml",
        &format!("{HEAD}carbon: {{regionsFile: regions.yaml}}\n"),
    );
    let loaded = load(&folder.path().join("settings.yaml")).unwrap();
    let zone = loaded.tables.regions.table.zone(None, &"hall-2".parse().unwrap());
    assert_eq!(zone, Some(&"DE".parse().unwrap()));
    assert_eq!(loaded.files.len(), 2);
}

#[test]
fn a_file_that_is_not_there_or_too_large_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.yaml");
    assert!(matches!(load(&path), Err(SettingsError::Unreadable { .. })));
    std::fs::write(&path, "#".repeat(1024 * 1024 + 1)).unwrap();
    assert!(matches!(load(&path), Err(SettingsError::Unreadable { .. })));
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(load(&path), Err(SettingsError::Unreadable { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_reader_panic(body in "[ -~\n]{0,120}", lines in prop::collection::vec(
        prop::sample::select(vec!["placement:", "  band: 1e999", "  keep: -", " - [", "log: {", "}", "  wake: *a", "&a x: y", "  <<: {a: 1}", "? q", "\t"]), 0..8,
    )) {
        // Whatever comes out, every finding has a message.
        for text in [format!("{HEAD}{body}"), format!("{HEAD}{}", lines.join("\n"))] {
            if let Err(SettingsError::Refused { findings }) = parse(&text, Path::new(".")) {
                prop_assert!(!findings.is_empty() && findings.iter().all(|finding| !finding.message.is_empty()));
            }
        }
    }
}
