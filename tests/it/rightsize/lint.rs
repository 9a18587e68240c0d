//! `heliotrope rightsize`: manifests in, findings and an exit code out.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

const MISLED: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: llm, namespace: ml}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: llm}
  minReplicas: 1
  maxReplicas: 40
  metrics:
    - type: Pods
      pods: {metric: {name: DCGM_FI_DEV_FB_USED}, target: {type: AverageValue, averageValue: 40Gi}}
    - type: External
      external: {metric: {name: wva_desired_replicas, selector: {matchLabels: {model: a}}}, target: {type: AverageValue, averageValue: '1'}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0}
";

const RIGHT: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: llm}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: llm}
  maxReplicas: 40
  metrics:
    - type: Pods
      pods: {metric: {name: vllm_num_requests_waiting}, target: {type: AverageValue, averageValue: '4'}}
";

fn lint(manifest: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heliotrope"));
    let command = command.args(["rightsize", "lint", "-"]).args(arguments);
    let pipes = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // Arguments that are wrong end it before it has read.
    let written = child.stdin.take().unwrap().write_all(manifest.as_bytes());
    assert!(written.is_ok() || !arguments.is_empty());
    child.wait_with_output().unwrap()
}

fn faults(output: &Output) -> Vec<Vec<String>> {
    let linted: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |linted: &Value| {
        let findings = linted["findings"].as_array().unwrap().iter();
        let told = findings.map(|found| {
            format!(
                "{} {}",
                found["key"].as_str().unwrap(),
                found["fault"].as_str().unwrap()
            )
        });
        told.collect()
    };
    linted.as_array().unwrap().iter().map(of).collect()
}

#[test]
fn a_manifest_is_linted_with_keys_units_and_an_exit_code() {
    let output = lint(MISLED, &["-o", "json"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        faults(&output),
        [[
            "metrics[0] wrong-unit",
            "behavior.scaleDown.stabilizationWindowSeconds no-down-window",
            "metrics[0] preallocated-memory",
            "metrics[1] swallowed-recommendation",
        ]]
    );
    let table = lint(MISLED, &[]);
    let told = String::from_utf8(table.stdout).unwrap();
    for part in [
        "ml/llm",
        "to do:",
        "1 autoscalers: 1 errors, 3 warnings, 0 pieces of advice",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn what_is_right_is_told_so() {
    let output = lint(RIGHT, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("nothing is wrong"));
}

#[test]
fn lists_documents_and_the_old_version_are_read_and_other_kinds_are_not() {
    let old = "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: old}\nspec: {scaleTargetRef: {kind: Deployment, name: a}, minReplicas: 2, maxReplicas: 2, targetCPUUtilizationPercentage: 70}\n";
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n- {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: bare}, spec: {scaleTargetRef: {kind: Deployment, name: a}, maxReplicas: 3}}\n";
    let output = lint(&format!("{old}---\n{list}---\n{RIGHT}"), &["-o", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        faults(&output),
        [
            vec!["metrics only-cpu", "minReplicas fixed-replicas"],
            vec!["metrics only-cpu"],
            vec![]
        ]
    );
}

/// A tolerance of 0 in the behavior, or of the controller, hides nothing.
#[test]
fn the_tolerance_is_the_behaviors_own_or_that_of_the_controller() {
    let own = MISLED.replace(
        "scaleDown: {",
        "scaleUp: {tolerance: '0'}\n    scaleDown: {tolerance: '0', ",
    );
    let hides = |manifest: &str, arguments: &[&str]| {
        let output = lint(manifest, &[&["-o", "json"], arguments].concat());
        faults(&output)
            .concat()
            .contains(&"metrics[1] swallowed-recommendation".to_owned())
    };
    assert!(hides(MISLED, &[]) && !hides(MISLED, &["--tolerance", "0"]) && !hides(&own, &[]));
}

#[test]
fn what_cannot_be_read_is_told_with_the_key() {
    for (manifest, told) in [
        (
            RIGHT.replace("averageValue: '4'", "averageValue: four"),
            "llm: spec.metrics[0]: target.averageValue: \"four\" is no amount",
        ),
        (
            RIGHT.replace("type: Pods", "type: Object"),
            "llm: spec.metrics[0]: type is Object, and object is missing",
        ),
        (RIGHT.replace("type: Pods", "type: Pod"), "\"Pod\" is none of Resource"),
        (
            RIGHT.replace("autoscaling/v2", "autoscaling/v2beta2"),
            "\"autoscaling/v2beta2\" is not read",
        ),
        (
            RIGHT.replace("  maxReplicas: 40\n", ""),
            "llm: spec.maxReplicas is missing",
        ),
        ("kind: [".to_owned(), "is no YAML"),
        (
            "kind: Deployment".to_owned(),
            "no HorizontalPodAutoscaler and no Rightsizer is in there",
        ),
    ] {
        let output = lint(&manifest, &[]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(told), "{told} is not in {stderr}");
    }
    assert_eq!(lint(RIGHT, &["--tolerance", "1.5"]).status.code(), Some(2));
}

/// Every fault has its line in the page.
#[test]
fn the_page_explains_every_fault() {
    use heliotrope_core::rightsizing::lint::Fault;
    let page = include_str!("../../../docs/rightsizing.md");
    let below = page.split("\n## Lint\n").nth(1).unwrap();
    let section = below.split("\n## ").next().unwrap();
    for fault in Fault::ALL {
        let row = format!("| `{}` | {} |", fault.code(), fault.severity());
        assert!(page.contains(&row), "{row}");
    }
    assert_eq!(
        section.matches("\n| `").count(),
        Fault::ALL.len(),
        "a row of a fault that is not there"
    );
}
