//! `config/heliotrope.yaml` against the types that read it.

use heliotrope::app::settings::{RELOAD, RawSettings, Reload, parse, reload_of};
use heliotrope::app::tables;
use heliotrope::app::yaml::{Document, Keys};
use heliotrope::settings::Problems;
use tempfile::TempDir;

const EXAMPLE: &str = include_str!("../../config/heliotrope.yaml");

/// Sections whose rooms are not composed yet.
const UNREAD: [&str; 0] = [];

/// A folder with every file that the complete example names.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("kubeconfig.yaml", "");
    write("zones.yaml", tables::ZONES);
    write("regions.yaml", tables::REGIONS);
    write("gpu-profiles.yaml", tables::GPU_PROFILES);
    folder
}

/// In a section `access` a token or a password is shown, of which the example explains both.
const TOKEN: [&str; 1] = ["tokenFile:"];
const PASSWORD: [&str; 2] = ["username:", "passwordFile:"];

/// The example with the keys that have no default: a `#` directly before a word, without a space, is taken away.
fn complete() -> String {
    complete_without(&PASSWORD)
}

/// The same with some keys of `access` left out.
fn complete_without(left_out: &[&str]) -> String {
    let mut access = None;
    let uncommented = |line: &str| {
        let rest = line.trim_start();
        let indent = line.len() - rest.len();
        let key = rest.strip_prefix('#').unwrap_or_default();
        if !key.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-' && key.starts_with("- ")) {
            return line.to_owned();
        }
        access = access.filter(|outer| indent > *outer);
        if access.is_some() && left_out.iter().any(|left_out| key.starts_with(left_out)) {
            return line.to_owned();
        }
        if key == "access:" {
            access = Some(indent);
        }
        " ".repeat(indent) + key
    };
    EXAMPLE.lines().map(uncommented).collect::<Vec<_>>().join("\n")
}

fn known() -> Vec<String> {
    let paths = Keys::of::<RawSettings>().unwrap().paths();
    paths
        .into_iter()
        .filter(|path| !UNREAD.contains(&path.as_str()))
        .collect()
}

/// Whether a path of a file is one of a known key, where `*` is any name and `[]` any item.
fn is(path: &str, known: &str) -> bool {
    let generic = |path: &str| {
        let parts = path.split('.').map(|part| match part.split_once('[') {
            Some((name, _)) => format!("{name}[]"),
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>()
    };
    let (path, known) = (generic(path), generic(known));
    path.len() == known.len()
        && path
            .iter()
            .zip(&known)
            .all(|(part, known)| part == known || known == "*")
}

#[test]
fn the_example_as_it_stands_changes_nothing() {
    let loaded = parse(EXAMPLE, folder().path()).unwrap_or_else(|error| panic!("{error:?}"));
    let mut problems = Problems::default();
    let defaults = RawSettings::default().validate(&mut problems);
    assert_eq!(problems.into_found(), []);
    assert_eq!(loaded.settings, defaults);
}

#[test]
fn the_complete_example_is_right_and_has_every_known_key() {
    let documents = [complete(), complete_without(&TOKEN)].map(|text| {
        parse(&text, folder().path()).unwrap_or_else(|error| panic!("{error:?}"));
        Document::parse(&text).unwrap()
    });
    let known = known();
    let has = |known: &str| {
        documents
            .iter()
            .any(|document| document.paths().any(|path| is(path, known.trim_end_matches("[]"))))
    };
    // One section that stands in several places is explained in one, and is in the others.
    let explained = |known: &str| match known.split_once(".access.") {
        Some((at, key)) => has(&format!("load.prometheus.access.{key}")) && has(&format!("{at}.access.tokenFile")),
        None => has(known),
    };
    let missing: Vec<&String> = known.iter().filter(|known| !explained(known)).collect();
    assert_eq!(missing, Vec::<&String>::new(), "keys that the example does not explain");
}

#[test]
fn every_key_of_the_example_says_truly_when_it_takes_effect() {
    let (mut section, mut told, mut checked) = (String::new(), None, 0);
    for line in complete().lines() {
        let text = line.trim_start();
        let marker = if text.contains("[live]") {
            Some(Reload::Live)
        } else if text.contains("[restart]") {
            Some(Reload::Restart)
        } else {
            None
        };
        told = marker.or(told);
        let Some((key, _)) = text.split_once(':').filter(|_| !text.starts_with(['#', '-'])) else {
            continue;
        };
        match line.len() - text.len() {
            0 if marker.is_none() => (section, told) = (key.to_owned(), None),
            0 => assert_eq!(told, Some(reload_of(key)), "{key}"),
            2 => {
                let path = format!("{section}.{key}");
                assert_eq!(told, Some(reload_of(&path)), "{path}");
                checked += 1;
            }
            _ => {}
        }
    }
    assert!(checked > 30, "{checked} keys were checked");
}

#[test]
fn reload_rules_cover_exactly_the_known_keys() {
    let below = |path: &str, rule: &str| {
        path.strip_prefix(rule)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    for path in known() {
        assert!(
            RELOAD.iter().any(|rule| below(&path, rule.key)),
            "{path} has no reload rule"
        );
    }
    for rule in RELOAD
        .iter()
        .filter(|rule| !UNREAD.iter().any(|section| below(rule.key, section)))
    {
        assert!(
            known().iter().any(|path| below(path, rule.key)),
            "{} is no key",
            rule.key
        );
    }
}
