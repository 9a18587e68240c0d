//! What a path may lead to: the table of rooms, the purity of core, and two rules of the edges.

use super::paths::{Found, Target, paths};
use super::rooms::Package;
use super::tree::Source;

/// What core may not reach: a clock, a socket, a file, a thread, the environment, an async runtime, Kubernetes.
const FORBIDDEN_IN_CORE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "axum",
    "kube",
    "k8s_openapi",
    "reqwest",
    "tokio",
    "tracing",
    "rand",
];

/// Calls that read the clock, however the type was imported.
const CLOCKS: &[&str] = &["Timestamp::now", "Zoned::now", "SystemTime::now", "Instant::now"];

/// Tasks are started where they are supervised.
const SPAWNS: &[&str] = &["tokio::spawn", "tokio::task::spawn", "tokio::task::spawn_local"];

/// Everything that is wrong in one file.
pub(super) fn check(source: &Source) -> Vec<String> {
    let mut violations: Vec<String> = modules(source);
    for found in paths(source) {
        let wrong = match &found.target {
            Target::Inside(package, path) => inside(source, *package, path),
            Target::Outside(path) => outside(source, path, &found),
        };
        violations.extend(wrong.map(|what| format!("{}: `{}`: {what}", source.name, found.text)));
    }
    violations.sort();
    violations.dedup();
    violations
}

/// `lib.rs` declares rooms of the table; a module is where its name says.
fn modules(source: &Source) -> Vec<String> {
    let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.name));
    let mut violations = Vec::new();
    for item in file.items {
        let syn::Item::Mod(item) = item else { continue };
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            violations.push(format!("{}: `mod {}` has a #[path]", source.name, item.ident));
        }
        let name = item.ident.to_string();
        let declares_room = source.module.is_empty() && item.content.is_none();
        if declares_room && (name == "main" || source.package.room(&name).is_none()) {
            violations.push(format!("{}: `mod {name}` is not in the table of rooms", source.name));
        }
    }
    violations
}

fn inside(source: &Source, package: Package, path: &[String]) -> Option<String> {
    let from = source.room()?;
    let Some(to) = path.first().filter(|first| *first != "*") else {
        return Some("takes a whole crate; name the room".to_owned());
    };
    if package.room(to).is_none() {
        return Some(format!("`{to}` is not a room"));
    }
    if package != source.package {
        // The edges use all of core. Core cannot even name the edges: its manifest does not have them.
        return (package == Package::Root).then(|| "core knows nothing of the edges".to_owned());
    }
    let Some(room) = package.room(from) else {
        return Some(format!("`{from}` is not in the table of rooms"));
    };
    let allowed = to == from || room.may_use.allows(to);
    (!allowed).then(|| format!("room `{from}` may not use room `{to}`"))
}

fn outside(source: &Source, path: &[String], found: &Found) -> Option<String> {
    let text = path.join("::");
    if source.package == Package::Core {
        let leads_to = |wanted: &&&str| text == **wanted || text.starts_with(&format!("{wanted}::"));
        if let Some(forbidden) = FORBIDDEN_IN_CORE.iter().find(leads_to) {
            return Some(format!("core may not reach `{forbidden}`"));
        }
        if ["std", "std::time", "std::time::*", "std::*"].contains(&text.as_str()) {
            return Some("core names what it takes from std::time".to_owned());
        }
        if CLOCKS.iter().any(|clock| text.ends_with(clock)) {
            return Some("core is given `now`".to_owned());
        }
        return None;
    }
    let spawns = SPAWNS.contains(&text.as_str()) && !found.in_test && source.room() != Some("app");
    spawns.then(|| "tasks are spawned by `app` alone".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn violations(package: Package, module: &str, text: &str) -> Vec<String> {
        let module: Vec<String> = module
            .split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        check(&Source {
            package,
            name: "f.rs".to_owned(),
            module,
            text: text.to_owned(),
        })
    }

    #[rstest]
    #[case::a_use("use crate::world::World;")]
    #[case::a_group("use crate::{carbon, outbound::{HttpClient, Url}, world::{World}};")]
    #[case::a_rename("use crate::world as w;")]
    #[case::a_type("fn f(w: &crate::world::World) {}")]
    #[case::a_call("fn f() { crate::world::publish(); }")]
    #[case::generic_arguments("fn f(w: Vec<crate::world::World>) {}")]
    #[case::a_pattern("fn f(x: E) { if let crate::world::E::A = x {} }")]
    #[case::super_to_the_root("use super::super::world::World;")]
    #[case::from_a_nested_module("mod inner { use super::super::super::world::World; }")]
    #[case::from_a_test("#[cfg(test)] mod tests { use crate::world::World; }")]
    #[case::a_macro("fn f() { println!(\"{}\", crate::world::generation()); }")]
    #[case::an_unparsed_macro("fn f() { select! { x = crate::world::next() => {} } }")]
    #[case::a_macro_rule("macro_rules! m { () => { $crate::world::x() } }")]
    #[case::an_attribute("struct S { #[serde(default = \"crate::world::zero\")] a: u8 }")]
    #[case::a_visibility("pub(in crate::world) fn f() {}")]
    fn a_forbidden_room_is_found(#[case] text: &str) {
        let found = violations(Package::Root, "carbon::chain", text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with("room `carbon` may not use room `world`"),
            "{found:?}"
        );
    }

    #[test]
    fn what_the_table_allows_passes() {
        let text = "
            //! Reads crate::world in prose.
            use crate::outbound::HttpClient;
            use super::provider::Provider;
            use heliotrope_core::grid::ZoneId;
            use std::time::Instant;
            fn f() { let _ = \"crate::world\"; self::g(); carbon::x(); }
            #[cfg(test)] mod tests { use super::*; fn g() { tokio::spawn(async {}); } }";
        assert_eq!(violations(Package::Root, "carbon::chain", text), [""; 0]);
        assert_eq!(violations(Package::Root, "main", "use heliotrope::cli::Cli;"), [""; 0]);
        assert_eq!(
            violations(Package::Core, "snapshot", "use std::time::Duration;"),
            [""; 0]
        );
    }

    #[rstest]
    #[case("carbon", "use crate::Thing;", "`Thing` is not a room")]
    #[case("carbon", "use crate::*;", "takes a whole crate; name the room")]
    #[case("carbon", "use super::*;", "takes a whole crate; name the room")]
    #[case("carbon", "use crate as all;", "takes a whole crate; name the room")]
    #[case("carbon", "use heliotrope_core as core;", "takes a whole crate; name the room")]
    #[case("carbon", "use heliotrope_core::nowhere::X;", "`nowhere` is not a room")]
    #[case("attic", "use crate::carbon::X;", "`attic` is not in the table of rooms")]
    #[case("main", "use heliotrope::app::run;", "room `main` may not use room `app`")]
    #[case("app", "use crate::cli::Cli;", "room `app` may not use room `cli`")]
    #[case("world", "fn f() { tokio::spawn(async {}); }", "tasks are spawned by `app` alone")]
    #[case("", "pub mod attic;", "`mod attic` is not in the table of rooms")]
    #[case("carbon", "#[path = \"../x.rs\"] mod x;", "`mod x` has a #[path]")]
    fn the_edges_are_held(#[case] module: &str, #[case] text: &str, #[case] wanted: &str) {
        let found = violations(Package::Root, module, text);
        assert!(found.len() == 1 && found[0].ends_with(wanted), "{found:?}");
    }

    #[rstest]
    #[case(
        "use std::time::{Duration, SystemTime};",
        "core may not reach `std::time::SystemTime`"
    )]
    #[case("use std::time;", "core names what it takes from std::time")]
    #[case("fn f() { std::net::TcpListener::bind(\"\"); }", "core may not reach `std::net`")]
    #[case("async fn f() { tokio::time::sleep(d).await; }", "core may not reach `tokio`")]
    #[case("fn f() { let now = jiff::Timestamp::now(); }", "core is given `now`")]
    #[case("fn f() { let now = Timestamp::now(); }", "core is given `now`")]
    #[case("use heliotrope::carbon::X;", "core knows nothing of the edges")]
    #[case("use crate::placement::decide;", "room `grid` may not use room `placement`")]
    fn core_stays_pure(#[case] text: &str, #[case] wanted: &str) {
        let found = violations(Package::Core, "grid::zone", text);
        assert!(found.len() == 1 && found[0].ends_with(wanted), "{found:?}");
    }
}
