//! What is kept over a restart: on the disk, and through the writer of the world.

use heliotrope::history::settings::HistorySettings;
use heliotrope::history::{self, HistoryError, Kept, Refusal, Store};
use heliotrope::telemetry::Metrics;
use heliotrope_core::snapshot::SnapshotRecord;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const NAME: &str = "learned.json";

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

/// What a file holds, for tests.
fn numbers() -> Vec<u32> {
    (0..50).collect()
}

/// A folder with one good file, and that file's bytes.
fn kept() -> (TempDir, PathBuf, Vec<u8>) {
    let dir = folder();
    Store::open(dir.path()).unwrap().save(NAME, &numbers()).unwrap();
    let path = dir.path().join(NAME);
    let bytes = fs::read(&path).unwrap();
    (dir, path, bytes)
}

fn load(dir: &Path) -> Result<Option<Vec<u32>>, HistoryError> {
    Store::open(dir)?.load(NAME)
}

/// Why a file is refused, and where it is now.
fn refused(dir: &Path) -> (Refusal, Option<PathBuf>) {
    match load(dir).unwrap_err() {
        HistoryError::Refused { refusal, aside, .. } => (refusal, aside),
        error => panic!("{error}"),
    }
}

#[test]
fn what_is_saved_is_loaded_and_nobody_else_may_read_it() {
    let (dir, path, _) = kept();
    assert_eq!(load(dir.path()).unwrap(), Some(numbers()));
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(load(folder().path()).unwrap(), None, "a first start");
}

/// A process that is killed leaves a part of the new file beside the old one, or all of it before the rename.
#[test]
fn a_kill_in_the_middle_of_a_write_leaves_the_file_before() {
    let (dir, path, bytes) = kept();
    let beside = path.with_file_name(format!("{NAME}.new"));
    for part in [0, 1, bytes.len() / 2, bytes.len()] {
        fs::write(&beside, &bytes[..part]).unwrap();
        assert_eq!(load(dir.path()).unwrap(), Some(numbers()), "{part} bytes");
    }
    // What is left there is longer than what is written next, and must not show through.
    fs::write(&beside, vec![b'x'; 10_000]).unwrap();
    Store::open(dir.path()).unwrap().save(NAME, &vec![7_u32]).unwrap();
    assert_eq!(load(dir.path()).unwrap(), Some(vec![7]));
    assert!(!beside.exists());
}

#[test]
fn files_of_others_and_of_other_versions_are_refused_and_set_aside() {
    let (_, _, bytes) = kept();
    let text = String::from_utf8(bytes).unwrap();
    for (text, refusal) in [
        (String::new(), Refusal::Foreign),
        ("a letter\n".to_owned(), Refusal::Foreign),
        (r#"{"some":"json"}"#.to_owned(), Refusal::Foreign),
        (
            text.replacen("heliotrope-history", "heliotrope-ledger", 1),
            Refusal::Foreign,
        ),
        (
            text.replacen(r#""version":1"#, r#""version":2"#, 1),
            Refusal::Version(2, 1),
        ),
    ] {
        let dir = folder();
        fs::write(dir.path().join(NAME), &text).unwrap();
        let (why, aside) = refused(dir.path());
        assert_eq!(why, refusal, "{text}");
        assert_eq!(fs::read_to_string(aside.unwrap()).unwrap(), text, "nothing is lost");
        assert_eq!(load(dir.path()).unwrap(), None, "and the next start is a first one");
    }
    let dir = folder();
    Store::open(dir.path()).unwrap().save(NAME, &"no numbers").unwrap();
    assert_eq!(refused(dir.path()).0, Refusal::Contents);
}

#[tokio::test]
async fn refused_files_are_never_overwritten() {
    let dir = folder();
    let path = dir.path().join(NAME);
    for number in 1..=5 {
        fs::write(&path, format!("letter {number}")).unwrap();
        let aside = refused(dir.path()).1.unwrap();
        assert_eq!(aside, dir.path().join(format!("{NAME}.refused-{number}")));
    }
    fs::write(&path, "letter 6").unwrap();
    assert_eq!(refused(dir.path()), (Refusal::Foreign, None));
    assert_eq!(fs::read_to_string(&path).unwrap(), "letter 6");
    let error = load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("move it"), "{error}");
    // Then nothing is kept, rather than written over what is there.
    let opened = history::open(&settings(dir.path()), &Metrics::new());
    assert!(opened.kept.learned.is_none() && opened.kept.report.is_none());
    let (keeper, history) = opened.keeping.unwrap();
    let learned = Some(SnapshotRecord::default());
    keeper.out.send(Kept { learned, report: None }).await.unwrap();
    drop(keeper);
    history.run().await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "letter 6");
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let dir = folder();
    let first = Store::open(dir.path()).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(HistoryError::InUse { .. })));
    drop(first);
    assert!(Store::open(dir.path()).is_ok());
}

#[test]
fn a_folder_that_cannot_be_used_is_told_and_keeps_nobody_from_starting() {
    let dir = folder();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(error.to_string().contains("history.dir"), "{error}");
    let metrics = Metrics::new();
    assert!(history::open(&settings(&file), &metrics).keeping.is_none());
    let page = metrics.exposition();
    assert!(
        page.contains(r#"heliotrope_history_loads_total{what="learned",outcome="failed"} 1"#),
        "{page}"
    );
}

fn settings(dir: &Path) -> HistorySettings {
    HistorySettings {
        dir: Some(dir.to_owned()),
        interval: Duration::from_secs(3600),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However a file was cut or changed, it is refused or as good as before, and what was there is still there.
    #[test]
    fn a_damaged_file_is_refused_and_set_aside(cut in any::<prop::sample::Index>(), bit in 0_u8..8, cuts in any::<bool>()) {
        let (dir, path, bytes) = kept();
        let at = cut.index(bytes.len());
        let mut damaged = bytes;
        if cuts {
            damaged.truncate(at);
        } else {
            damaged[at] ^= 1 << bit;
        }
        fs::write(&path, &damaged).unwrap();
        match load(dir.path()) {
            Ok(read) => prop_assert_eq!(read, Some(numbers())),
            Err(HistoryError::Refused { aside, .. }) => prop_assert_eq!(fs::read(aside.unwrap()).unwrap(), damaged),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

mod restart {
    use super::{folder, settings};
    use crate::rig::PATIENCE;
    use heliotrope::app::settings::parse;
    use heliotrope::app::tables::Tables;
    use heliotrope::history;
    use heliotrope::telemetry::{Clock, Metrics};
    use heliotrope::world::{World, Writer, channels};
    use heliotrope_core::grid::{Basis, IntensityKind, IntensityPoint, Signal};
    use heliotrope_core::quantity::{GramsPerKwh, Rung, Source};
    use heliotrope_core::snapshot::CarbonReport;
    use jiff::{SignedDuration, Timestamp};
    use std::path::Path;
    use std::sync::Arc;
    use tokio::sync::watch;
    use tokio::task::JoinSet;
    use tokio_util::sync::CancellationToken;

    const KIND: IntensityKind = IntensityKind {
        signal: Signal::Average,
        basis: Basis::Lifecycle,
    };

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    /// A process from its start to its end: it hears these reports and is then told to stop.
    async fn life(dir: &Path, reports: Vec<CarbonReport>) -> Arc<World> {
        let file = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\n";
        let loaded = parse(file, Path::new("/")).unwrap();
        let around = loaded.settings.surroundings(&Tables::builtin().unwrap());
        let (_around, around_in) = watch::channel((around, 0.02));
        let clock: Clock = Arc::new(now);
        let metrics = Metrics::new();
        let opened = history::open(&settings(dir), &metrics);
        let (keeper, history) = opened.keeping.unzip();
        let (writer, world) = Writer::new(around_in, clock, metrics);
        let writer = writer.remembering(opened.kept, keeper);
        let ((senders, inbox), stop) = (channels(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(history.unwrap().run());
        tasks.spawn(writer.run(inbox, stop.clone()));
        let generation = world.snapshot().generation;
        for report in reports {
            senders.carbon.send(report).await.unwrap();
        }
        // Two pictures later everything that was sent before is in one.
        let settled = async {
            while world.snapshot().generation < generation + 2
                || senders.carbon.capacity() < senders.carbon.max_capacity()
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.unwrap();
        stop.cancel();
        let ended = async { while tasks.join_next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("both tasks end by themselves");
        world
    }

    fn two_days() -> CarbonReport {
        let point = |half: i64| IntensityPoint {
            from: now() - SignedDuration::from_mins(30 * half),
            value: GramsPerKwh::saturating(300.0),
        };
        CarbonReport {
            zone: "DE".parse().unwrap(),
            kind: KIND,
            source: Source::new("test"),
            priority: 0,
            latest: None,
            forecast: None,
            history: (1..=97).map(point).collect(),
            fixed: None,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_usual_day_is_known_at_once_after_a_restart() {
        let dir = folder();
        life(dir.path(), vec![two_days()]).await;
        let world = life(dir.path(), Vec::new()).await;
        let snapshot = world.snapshot();
        let usual = snapshot.zones()[0].view(Rung::Climatology).unwrap();
        assert!((usual.now.get() - 300.0).abs() < 1e-9);
        let elsewhere = life(folder().path(), Vec::new()).await;
        assert!(elsewhere.snapshot().zones().is_empty(), "it came from the folder");
    }
}
