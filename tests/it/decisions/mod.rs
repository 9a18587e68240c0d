//! The decision log on the disk, written by the real extender over HTTP and asked again.

mod files;
mod gangs;
mod replay;
mod report;
mod size;

use crate::rig::Rig;
use heliotrope::app::replay::{Report, replay};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A rig that logs into a folder.
async fn logging(placement: &str, limits: &str) -> (Rig, TempDir) {
    logging_under(placement, limits, "{}").await
}

/// The same with settings of `power`.
async fn logging_under(placement: &str, limits: &str, power: &str) -> (Rig, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let sections = format!(
        "placement: {placement}\npower: {power}\ndecisions: {{dir: {}{limits}}}",
        dir.path().display()
    );
    (Rig::start(&sections).await, dir)
}

/// The files of a folder, oldest first.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

/// Asks everything again.
fn replayed(dir: &Path) -> Report {
    let mut report = Report::default();
    for path in files(dir) {
        let file = BufReader::new(File::open(&path).unwrap());
        replay(file, &path.display().to_string(), None, &mut report, |_| {}).unwrap();
    }
    report
}
