//! The command line: what it prints and how it exits.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/heliotrope.yaml");

fn heliotrope(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heliotrope"));
    command
        .env_remove("HELIOTROPE_CONFIG")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn a_right_file_is_explained() {
    let output = heliotrope(&["check", "--config", EXAMPLE]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    for part in [
        "is right",
        "NVIDIA-H100-80GB-HBM3",
        "aws us-west-2",
        "placement",
        "with the next decision",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let output = heliotrope(&["check", "--config", EXAMPLE, "-o", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["ok"], true);
    let gpus = answer["overview"]["gpus"].as_array().unwrap();
    let h200 = gpus.iter().find(|gpu| gpu["model"] == "NVIDIA-H200").unwrap();
    assert!(h200["sources"]["bare"].as_str().unwrap().contains("80.3 W"), "{h200}");
}

#[test]
fn chains_are_explained_by_the_rungs_they_can_reach() {
    let settings = "apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\ncarbon:\n  basis: direct\n  providers:\n    - {name: gb, type: gb-carbon-intensity}\n    - {name: table, type: static}\n  zones: {GB: [gb, table], AU-NSW: [table], US-NW-BPAT: [table]}\n";
    let file = file(settings);
    let output = heliotrope(&["check", "--config", file.path().to_str().unwrap(), "-o", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let zones = answer["overview"]["zones"].as_array().unwrap();
    let rungs = |zone: &str| zones.iter().find(|row| row["zone"] == zone).unwrap()["rungs"].clone();
    assert_eq!(
        rungs("GB"),
        serde_json::json!(["live", "last-known", "forecast", "climatology", "static"])
    );
    assert_eq!(rungs("AU-NSW"), serde_json::json!(["static"]));
    assert_eq!(
        rungs("US-NW-BPAT"),
        serde_json::json!([]),
        "the table has no figure for it"
    );
    let notes = answer["overview"]["notes"].to_string();
    assert!(notes.contains("zone US-NW-BPAT can reach no rung"), "{notes}");
}

#[test]
fn a_wrong_file_is_told_and_exits_with_2() {
    let file = file("apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nplacement: {bnad: 1, band: 7}\n");
    let path = file.path().to_str().unwrap();
    let output = heliotrope(&["check", "--config", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let told = text(&output.stderr);
    assert!(
        told.contains("did you mean `band`?") && told.contains("placement.band: a ratio must be at most 1"),
        "{told}"
    );
    let output = heliotrope(&["check", "--config", path, "-o", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["problems"][0]["at"]["line"], 3);
    assert_eq!(answer["problems"].as_array().unwrap().len(), 2);
}

#[test]
fn wrong_arguments_exit_with_2_and_help_with_0() {
    for arguments in [
        &["check"][..],
        &["nonsense"],
        &[],
        &["check", "--config", "/nowhere/at-all.yaml"],
    ] {
        assert_eq!(heliotrope(arguments).status.code(), Some(2), "{arguments:?}");
    }
    for arguments in [
        &["--help"][..],
        &["check", "--help"],
        &["scheduler-config", "--help"],
        &["--version"],
    ] {
        let output = heliotrope(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        if arguments.len() == 2 {
            assert!(text(&output.stdout).contains("Examples:"), "{arguments:?}");
        }
    }
}

#[test]
fn the_extender_stanza_is_what_kube_scheduler_reads() {
    let output = heliotrope(&[
        "scheduler-config",
        "--resources",
        "nvidia.com/gpu,amd.com/gpu,nvidia.com/gpu",
        "-o",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stanza: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!({"extenders": [{
        "urlPrefix": "http://127.0.0.1:8650", "filterVerb": "filter", "prioritizeVerb": "prioritize", "preemptVerb": "preempt",
        "weight": 5, "enableHTTPS": false, "httpTimeout": "500ms", "nodeCacheCapable": true, "ignorable": true,
        "managedResources": [
            {"name": "nvidia.com/gpu", "ignoredByScheduler": false},
            {"name": "amd.com/gpu", "ignoredByScheduler": false},
        ],
    }]});
    assert_eq!(stanza, expected);
    let yaml = heliotrope(&["scheduler-config", "--resources", "nvidia.com/gpu,amd.com/gpu"]);
    let read: Value = serde_saphyr::from_str(text(&yaml.stdout)).unwrap();
    assert_eq!(read, expected, "YAML and JSON say the same");
}

/// An empty list means every pod: the only way in which pods with claims are asked about.
#[test]
fn a_stanza_for_claims_has_no_managed_resources() {
    let output = heliotrope(&["scheduler-config", "--dra", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stanza: Value = serde_json::from_slice(&output.stdout).unwrap();
    let extender = stanza["extenders"][0].as_object().unwrap();
    assert!(
        !extender.contains_key("managedResources") && extender["ignorable"] == true,
        "{stanza}"
    );
    let both = heliotrope(&["scheduler-config", "--dra", "--resources", "nvidia.com/gpu"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn resources_are_taken_from_the_nodes() {
    let nodes = r#"{"apiVersion":"v1","kind":"List","items":[
        {"metadata":{"name":"a"},"status":{"capacity":{"cpu":"8","nvidia.com/mig-1g.10gb":"7","nvidia.com/gpu":"0"}}},
        {"metadata":{"name":"b"},"status":{"capacity":{"cpu":"8","amd.com/gpu":"8"}}},
        {"metadata":{"name":"c"}}]}"#;
    let mut child = Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .args(["scheduler-config", "--from-nodes", "-", "-o", "json"])
        .env_remove("HELIOTROPE_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(nodes.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stanza: Value = serde_json::from_slice(&output.stdout).unwrap();
    let managed = stanza["extenders"][0]["managedResources"].as_array().unwrap();
    let names: Vec<&str> = managed.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["amd.com/gpu", "nvidia.com/gpu", "nvidia.com/mig-1g.10gb"]);

    let (none, broken) = (file(r#"{"items":[{"status":{"capacity":{"cpu":"8"}}}]}"#), file("[]"));
    for file in [none, broken] {
        let output = heliotrope(&["scheduler-config", "--from-nodes", file.path().to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    }
}

#[test]
fn a_stanza_is_only_printed_for_loopback_and_known_resources() {
    let file = file("apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nextender: {listen: '0.0.0.0:8650'}\n");
    let output = heliotrope(&["scheduler-config", "--config", file.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("loopback"), "{}", text(&output.stderr));
    let output = heliotrope(&["scheduler-config", "--resources", "example.org/gpu"]);
    assert_eq!(output.status.code(), Some(2));
}
