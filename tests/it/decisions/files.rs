use super::{files, logging, replayed};
use crate::rig::{Rig, all, job, names_body, until};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

async fn ask(rig: &Rig, from: u32, to: u32) {
    for n in from..to {
        // Another ask each time: what is written does not repeat.
        rig.post("/filter", names_body(&job(&format!("p{n}"), 1 + n % 8), &all()))
            .await;
    }
    rig.settle().await;
}

fn heliotrope(path: &std::path::Path) -> (Option<i32>, String) {
    let told = Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .arg("replay")
        .arg(path)
        .output()
        .unwrap();
    let text = [told.stdout, told.stderr].concat();
    (told.status.code(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn nothing_is_written_before_something_was_decided() {
    let (rig, dir) = logging("{mode: prefer}", "").await;
    rig.post("/filter", names_body(&crate::rig::daemon("d", 1), &all()))
        .await;
    rig.close_log().await;
    assert_eq!(files(dir.path()).len(), 0);
}

#[tokio::test]
async fn g9_files_are_bounded_in_size_and_number_and_each_stands_for_itself() {
    let (rig, dir) = logging("{mode: prefer}", ", maxBytes: 1048576, maxFiles: 2").await;
    let mut asked = 0;
    while rig.counted("heliotrope_decision_log_bytes_total") < 3_500_000 {
        ask(&rig, asked, asked + 100).await;
        asked += 100;
        until("all that was asked", || {
            rig.counted(r#"heliotrope_decision_log_lines_total{outcome="written"}"#) >= u64::from(asked)
        })
        .await;
    }
    rig.close_log().await;
    let kept = files(dir.path());
    assert_eq!(kept.len(), 2);
    assert!(kept[0].ends_with("decisions-000000003.jsonl"), "{kept:?}");
    for path in &kept {
        let metadata = fs::metadata(path).unwrap();
        assert!(metadata.len() < 1_048_576 + 200_000, "{}", metadata.len());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let first: Value = serde_json::from_str(fs::read_to_string(path).unwrap().lines().next().unwrap()).unwrap();
        assert_eq!((&first["line"], &first["version"]), (&"file".into(), &1.into()));
        let (code, told) = heliotrope(path);
        assert_eq!(code, Some(0), "{told}");
    }
    let report = replayed(dir.path());
    assert!(report.calls() > 100 && report.different == 0, "{report:?}");
}

#[tokio::test]
async fn a_process_that_starts_again_begins_a_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let sections = format!(
        "placement: {{mode: prefer}}\ndecisions: {{dir: {}}}",
        dir.path().display()
    );
    for start in 0..2 {
        let rig = Rig::start(&sections).await;
        ask(&rig, start, start + 1).await;
        rig.close_log().await;
    }
    assert_eq!(files(dir.path()).len(), 2);
    assert_eq!(replayed(dir.path()).calls(), 2);
}

#[tokio::test]
async fn a_last_line_that_broke_off_is_told_and_the_rest_is_read() {
    let (rig, dir) = logging("{mode: prefer}", "").await;
    ask(&rig, 0, 3).await;
    rig.close_log().await;
    let path = &files(dir.path())[0];
    let text = fs::read(path).unwrap();
    let last = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
    for end in [last + 2, text.len() - 1] {
        fs::write(path, &text[..end]).unwrap();
        let report = replayed(dir.path());
        assert_eq!((report.calls(), report.torn, report.different), (2, 1, 0));
        let (code, told) = heliotrope(path);
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("1 files end in a line that broke off"), "{told}");
    }
}

#[tokio::test]
async fn what_is_no_log_is_unreadable_and_its_contents_are_not_repeated() {
    let (rig, dir) = logging("{mode: prefer}", "").await;
    ask(&rig, 0, 2).await;
    rig.close_log().await;
    let path = files(dir.path())[0].clone();
    let text = fs::read_to_string(&path).unwrap();
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    let broken = text.replacen("\"line\":\"state\"", "\"line\":\"tenants-secret\"", 1);
    for (text, expected) in [
        ("", "is no decision log"),
        ("{\"line\":\"tenants-secret\"}\n", "is no decision log"),
        (newer.as_str(), "is version 2 of the format"),
        (broken.as_str(), "line 2: not what this version writes"),
    ] {
        fs::write(&path, text).unwrap();
        let (code, told) = heliotrope(&path);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(expected) && !told.contains("tenants-secret"), "{told}");
    }
    assert_eq!(heliotrope(&dir.path().join("nothing")).0, Some(2));
}

#[tokio::test]
async fn g1_a_disk_that_cannot_be_written_is_counted_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("a");
    // The folder cannot be made: where it should be stands a file.
    fs::write(&blocked, "").unwrap();
    let sections = format!(
        "placement: {{mode: prefer}}\ndecisions: {{dir: {}}}",
        blocked.join("b").display()
    );
    let rig = Rig::start(&sections).await;
    ask(&rig, 0, 3).await;
    until("the failures", || {
        rig.counted(r#"heliotrope_decision_log_lines_total{outcome="failed"}"#) == 3
    })
    .await;
    assert_eq!(rig.answered("filter", "applied"), 3);
    assert_eq!(rig.get("/explain?pod=ml/p1").await.status, 200);
    rig.close_log().await;
}
