//! The source tree: which files there are, which module each is, and the rules that need no parsing of paths.

use super::rooms::Package;
use std::path::Path;

/// A longer file is two files.
pub(super) const MAX_LINES: usize = 500;
/// `main.rs` starts the program and does nothing else.
pub(super) const MAX_MAIN_LINES: usize = 25;

/// One source file.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) package: Package,
    /// Path from the root of the repository.
    pub(super) name: String,
    /// Module path from the root of its crate; `["main"]` for `main.rs`, empty for `lib.rs`.
    pub(super) module: Vec<String>,
    pub(super) text: String,
}

impl Source {
    /// The room that the file stands in; `None` for `lib.rs`.
    pub(super) fn room(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }
}

/// Reads all sources of a package.
pub(super) fn sources(root: &Path, package: Package) -> Vec<Source> {
    let folder = match package {
        Package::Core => root.join("core/src"),
        Package::Root => root.join("src"),
    };
    let files = walkdir::WalkDir::new(&folder).sort_by_file_name();
    files
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| Source {
            package,
            name: entry.path().strip_prefix(root).unwrap().display().to_string(),
            module: module(entry.path().strip_prefix(&folder).unwrap()),
            text: std::fs::read_to_string(entry.path()).unwrap(),
        })
        .collect()
}

fn module(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|p| p.to_string_lossy().into_owned())
        .collect();
    if parts == ["lib"] || parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Length of files, and a header in every folder.
pub(super) fn check_shape(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        let most = if source.name.ends_with("src/main.rs") {
            MAX_MAIN_LINES
        } else {
            MAX_LINES
        };
        if lines > most {
            violations.push(format!("{}: {lines} lines, at most {most} are allowed", source.name));
        }
        let tells = source.name.ends_with("/mod.rs") || source.name.ends_with("src/lib.rs");
        if tells && !source.text.starts_with("//! ") {
            violations.push(format!(
                "{}: no `//!` header that says what the folder owns",
                source.name
            ));
        }
        let Some((folder, _)) = source.name.rsplit_once('/') else {
            continue;
        };
        let story = format!("{folder}/mod.rs");
        if !folder.ends_with("src") && !sources.iter().any(|other| other.name == story) {
            violations.push(format!("{}: its folder has no mod.rs", source.name));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source {
            package: Package::Root,
            name: name.to_owned(),
            module: module(Path::new(name.strip_prefix("src/").unwrap())),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_file_knows_its_module() {
        for (name, path) in [
            ("src/lib.rs", ""),
            ("src/main.rs", "main"),
            ("src/carbon/mod.rs", "carbon"),
            ("src/carbon/gb/wire.rs", "carbon::gb::wire"),
        ] {
            assert_eq!(source(name, "").module.join("::"), path, "{name}");
        }
    }

    #[test]
    fn long_files_are_found() {
        let long = "// x\n".repeat(MAX_LINES + 1);
        let main = "// x\n".repeat(MAX_MAIN_LINES + 1);
        let found = check_shape(&[
            source("src/a/mod.rs", "//! A.\n"),
            source("src/a/b.rs", &long),
            source("src/main.rs", &main),
        ]);
        assert_eq!(
            found,
            [
                "src/a/b.rs: 501 lines, at most 500 are allowed",
                "src/main.rs: 26 lines, at most 25 are allowed"
            ]
        );
    }

    #[test]
    fn folders_without_a_story_are_found() {
        let found = check_shape(&[source("src/a/mod.rs", "use std::fmt;\n"), source("src/b/c.rs", "")]);
        assert_eq!(
            found,
            [
                "src/a/mod.rs: no `//!` header that says what the folder owns",
                "src/b/c.rs: its folder has no mod.rs"
            ]
        );
    }
}
