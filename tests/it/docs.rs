//! The pages: their links resolve, what they name exists, and what they show is right.

mod blocks;
mod links;
mod names;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files of the repository with one of these endings, in order; nothing that is built or hidden.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let shown = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "target")
    };
    walkdir::WalkDir::new(root())
        .sort_by_file_name()
        .into_iter()
        .filter_entry(shown)
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)))
        .collect()
}

/// Every page.
fn pages() -> Vec<PathBuf> {
    let pages = files(&[".md"]);
    assert!(pages.len() > 15, "too few pages found: {pages:?}");
    pages
}

/// A path as people write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn assert_none(what: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{what}:\n{}", problems.join("\n"));
}
