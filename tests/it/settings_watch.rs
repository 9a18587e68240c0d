//! Reload by looking at the file.

use heliotrope::app::settings::{Change, load, watch_file};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const HEAD: &str = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\n";
const LOOK: Duration = Duration::from_millis(10);

/// Replaces a file the way a ConfigMap is replaced: the name points to new contents at once.
fn swap(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

async fn next(changes: &mut UnboundedReceiver<Change>) -> Change {
    tokio::time::timeout(Duration::from_secs(20), changes.recv())
        .await
        .expect("no change told")
        .unwrap()
}

#[tokio::test]
async fn a_good_change_is_taken_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.yaml");
    swap(&path, &format!("{HEAD}placement: {{band: 0.1}}\n"));
    let first = load(&path).unwrap();
    let (tell, mut changes) = unbounded_channel();
    let watched = path.clone();
    let watch =
        tokio::spawn(
            async move { watch_file(&watched, LOOK, first, move |change| tell.send(change).unwrap()).await },
        );

    swap(
        &path,
        &format!("{HEAD}placement: {{band: 0.2}}\nlog: {{format: json}}\n"),
    );
    let Change::Taken { loaded, restart_keys } = next(&mut changes).await else {
        panic!("must be taken")
    };
    assert!((loaded.settings.placement.policy.band.get() - 0.2).abs() < 1e-9);
    assert_eq!(restart_keys, ["log.format"]);

    swap(&path, &format!("{HEAD}placement: {{band: 7}}\n"));
    assert!(matches!(next(&mut changes).await, Change::Refused(_)));
    tokio::time::sleep(LOOK * 10).await;
    assert!(changes.try_recv().is_err(), "a refused file is told once");

    std::fs::remove_file(&path).unwrap();
    assert!(matches!(next(&mut changes).await, Change::Refused(_)));
    swap(
        &path,
        &format!("{HEAD}placement: {{band: 0.25}}\nlog: {{format: json}}\n"),
    );
    let Change::Taken { restart_keys, .. } = next(&mut changes).await else {
        panic!("must be taken")
    };
    assert_eq!(
        restart_keys,
        Vec::<String>::new(),
        "compared with the last that was taken"
    );
    watch.abort();
}

#[tokio::test]
async fn a_table_is_watched_like_the_file_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, table) = (folder.path().join("settings.yaml"), folder.path().join("regions.yaml"));
    let row = |zone: &str| format!("regions:\n  - {{provider: on-prem, region: hall-2, zone: {zone}}}\n");
    swap(&path, HEAD);
    let first = load(&path).unwrap();
    let (tell, mut changes) = unbounded_channel();
    let watched = path.clone();
    let watch =
        tokio::spawn(
            async move { watch_file(&watched, LOOK, first, move |change| tell.send(change).unwrap()).await },
        );

    swap(&path, &format!("{HEAD}carbon: {{regionsFile: regions.yaml}}\n"));
    assert!(
        matches!(next(&mut changes).await, Change::Refused(_)),
        "the table is not there yet"
    );
    swap(&table, &row("DE"));
    let Change::Taken { loaded, .. } = next(&mut changes).await else {
        panic!("must be taken")
    };
    let hall = "hall-2".parse().unwrap();
    assert_eq!(
        loaded.tables.regions.table.zone(None, &hall),
        Some(&"DE".parse().unwrap())
    );
    swap(&table, &row("FR"));
    let Change::Taken { loaded, .. } = next(&mut changes).await else {
        panic!("must be taken")
    };
    assert_eq!(
        loaded.tables.regions.table.zone(None, &hall),
        Some(&"FR".parse().unwrap())
    );
    watch.abort();
}
