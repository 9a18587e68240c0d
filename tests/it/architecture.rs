//! The architecture test: holds the code to the table of rooms.
//!
//! Reads every source file of both packages with `syn`, resolves each `use`, `crate::…`, `super::…` and `self::…` path to
//! the room that it enters, and compares with [`rooms`]. The table in `docs/architecture.md` is compared too. Test
//! modules are held to the same rules. Tests of the checker itself stand beside it, so that it is known to be able to
//! fail.

mod paths;
mod rooms;
mod rules;
mod tree;

use rooms::Package;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn assert_none(violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{} violations of docs/architecture.md:\n{}",
        violations.len(),
        violations.join("\n")
    );
}

#[test]
fn every_room_uses_only_what_the_table_allows() {
    let mut violations = Vec::new();
    for package in [Package::Core, Package::Root] {
        let sources = tree::sources(root(), package);
        assert!(sources.len() > 1, "no sources found for {package:?}");
        for source in sources {
            violations.extend(rules::check(&source));
        }
    }
    assert_none(&violations);
}

#[test]
fn files_are_short_and_folders_say_what_they_own() {
    let sources = [Package::Core, Package::Root].map(|package| tree::sources(root(), package));
    let violations: Vec<String> = sources.iter().flat_map(|sources| tree::check_shape(sources)).collect();
    assert_none(&violations);
}

#[test]
fn the_page_shows_the_same_table() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let mut missing = Vec::new();
    for package in [Package::Core, Package::Root] {
        for room in package.rooms() {
            let found = page.lines().any(|line| {
                line.starts_with(&format!("| `{}` |", room.name)) && line.ends_with(&format!("| {} |", room.may_use))
            });
            if !found {
                missing.push(format!(
                    "docs/architecture.md: no row for `{}` that ends with {}",
                    room.name, room.may_use
                ));
            }
        }
    }
    assert_none(&missing);
}
