//! What a real scheduler was answered, under caps and with a gang, is decided again from the log alone, to the last bit; an
//! altered byte is found.

use super::site::Site;
use crate::cluster::{Images, Work};
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::Heliotrope;
use crate::figures::Figures;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SINGLES: usize = 40;
const RANKS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

/// The exit code and the report of a replay.
fn replay(heliotrope: &Heliotrope, files: &[PathBuf]) -> (Option<i32>, Value) {
    let mut arguments = vec!["replay", "-o", "json"];
    arguments.extend(files.iter().map(|path| path.to_str().unwrap()));
    let told = heliotrope.command(&arguments);
    let report = serde_json::from_slice(&told.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&told.stderr)));
    (told.status.code(), report)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A copy of a file with another digit right after the first of some words.
fn altered(file: &Path, words: &str) -> PathBuf {
    let mut text = std::fs::read(file).unwrap();
    let found = text.windows(words.len()).position(|window| window == words.as_bytes());
    let at = found.unwrap_or_else(|| panic!("{words} is not in the log")) + words.len();
    assert!(text[at].is_ascii_digit(), "{words} is not followed by a digit");
    text[at] = if text[at] == b'1' { b'2' } else { b'1' };
    let copy = file.with_extension("altered");
    std::fs::write(&copy, text).unwrap();
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_decision_log_gives_the_same_bits_again() {
    let mut figures = Figures::of("r_decision_log");
    let mut site = Site::start(36, Images::Uneven).await;
    let dir = site.plane.folder().join("decisions");
    // A node holds three pods on eight boards of H100 or seven on those of A100, so that the greenest region cannot hold all;
    // no region fills up, for a pod that is refused everywhere may wait for five minutes.
    let domains = json!([
        { "name": "region", "label": "topology.kubernetes.io/region", "gpuWatts": "20 kW" },
        { "name": "node", "gpuWatts": "3 kW" },
    ]);
    let settings = site.settings().power_key("domains", domains).decisions(&dir);
    let mut heliotrope = site.heliotrope(&settings).await;
    let config = SchedulerConfig::shipped().with_extender(&heliotrope.url());
    let mut scheduler = site.plane.scheduler(Which::Current, &config);

    let gang = Work::new("gang", 1)
        .annotated("heliotrope.dev/group", "gang")
        .annotated("heliotrope.dev/group-size", &RANKS.to_string());
    let singles = Work::new("single", 1);
    site.cluster.create_pods(&gang, RANKS).await;
    site.cluster.create_pods(&singles, SINGLES).await;
    site.cluster.wait_placed(&gang, RANKS, PATIENCE).await;
    site.cluster.wait_placed(&singles, SINGLES, PATIENCE).await;
    scheduler.assert_running();
    scheduler.stop().await;

    let metrics = heliotrope.metrics().await;
    let counted = |name: &str, labels: &[(&str, &str)]| metrics.get(name, labels).unwrap_or(0.0);
    let capped = counted("heliotrope_refused_nodes_total", &[("rule", "power-cap")]);
    assert!(capped > 0.0, "no cap refused anything");
    figures.note("nodes refused by caps", capped);

    // The log reaches the disk a moment after the last binding was seen.
    let until = Instant::now() + PATIENCE;
    let (code, report) = loop {
        let (code, report) = replay(&heliotrope, &files(&dir));
        if report["bound"].as_u64() >= Some((RANKS + SINGLES) as u64) {
            break (code, report);
        }
        assert!(Instant::now() < until, "{report:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(
        (&report["different"], &report["dropped"]),
        (&json!(0), &json!(0)),
        "{report:#}"
    );
    for (what, least) in [("filter", RANKS + SINGLES), ("prioritize", 1)] {
        assert!(report[what].as_u64() >= Some(least as u64), "{report:#}");
        figures.note(&format!("{what} calls decided again"), report[what].clone());
    }

    // Nothing is written any more.
    heliotrope.kill();
    let first = files(&dir).remove(0);
    let bytes = std::fs::metadata(&first).unwrap().len();
    figures.note("bytes of the log", bytes);
    for words in [r#""host_idle":"#, r#""kept":["#, r#""costs":[["#] {
        let (code, report) = replay(&heliotrope, &[altered(&first, words)]);
        assert_eq!(code, Some(1), "after {words}: {report:#}");
        assert!(report["different"].as_u64() > Some(0), "after {words}: {report:#}");
    }
    site.plane.assert_running();
}
