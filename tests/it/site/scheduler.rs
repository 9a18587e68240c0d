//! Each case changes the shipped configuration in one way, and must produce its finding and no other.

use heliotrope::app::site::{Expectations, Finding, Severity, check_scheduler};
use rstest::rstest;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const SHIPPED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/config/scheduler/kube-scheduler-config.yaml"
);
const KUBEADM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/deploy/kustomize/overlays/kubeadm/control-plane/kube-scheduler-config.yaml"
);

fn expected() -> Expectations {
    Expectations {
        listen: Some("127.0.0.1:8650".parse().unwrap()),
        deadline: Duration::from_millis(300),
    }
}

fn findings(text: &str) -> Vec<Finding> {
    check_scheduler("config.yaml", text, expected())
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

/// A second extender at the end of the shipped file.
const SECOND: &str = "\n- urlPrefix: http://127.0.0.1:9000\n  filterVerb: filter\n  nodeCacheCapable: true\n  ignorable: true\n  httpTimeout: 500ms\n  managedResources: [{name: example.com/device}]\n";

#[rstest]
#[case::two_documents("apiVersion:", "a: 1\n---\napiVersion:", "unreadable")]
#[case::old("config.k8s.io/v1\n", "config.k8s.io/v1beta3\n", "old-version")]
#[case::other_kind("kind: KubeSchedulerConfiguration", "kind: KubeletConfiguration", "other-kind")]
#[case::unknown("  ignorable: true", "  ignorable: true\n  ignoreable: true", "unknown-field")]
#[case::unknown_above("profiles:\n", "profile: {}\nprofiles:\n", "unknown-field")]
#[case::unknown_in_a_profile(
    "- schedulerName: heliotrope\n",
    "- schedulerName: heliotrope\n  weight: 1\n",
    "unknown-field"
)]
#[case::sampling("  percentageOfNodesToScore: 100\n", "", "sampled-nodes")]
#[case::fewer_nodes(
    "  percentageOfNodesToScore: 100\n",
    "  percentageOfNodesToScore: 50\n",
    "sampled-nodes"
)]
#[case::images("      - name: ImageLocality\n", "", "image-locality")]
#[case::balance("      - name: NodeResourcesBalancedAllocation\n", "", "balanced-allocation")]
#[case::least("type: MostAllocated", "type: LeastAllocated", "least-allocated")]
#[case::spreading(
    "      defaultingType: List\n      defaultConstraints: []",
    "      defaultingType: System",
    "default-spreading"
)]
#[case::https_without_ca("  ignorable: true", "  ignorable: true\n  enableHTTPS: true", "https-without-ca")]
#[case::https_unverified(
    "  ignorable: true",
    "  ignorable: true\n  enableHTTPS: true\n  tlsConfig: {caFile: /ca.crt, insecure: true}",
    "https-without-ca"
)]
#[case::https(
    "  ignorable: true",
    "  ignorable: true\n  enableHTTPS: true\n  tlsConfig: {caFile: /ca.crt}",
    "https-not-served"
)]
#[case::plain_http("http://127.0.0.1:8650", "http://heliotrope.example:8650", "plain-http")]
#[case::elsewhere("http://127.0.0.1:8650", "http://127.0.0.1:8999", "other-address")]
#[case::no_address("urlPrefix: http://127.0.0.1:8650", "urlPrefix: ''", "no-address")]
#[case::a_path("http://127.0.0.1:8650", "http://127.0.0.1:8650/v1", "wrong-path")]
#[case::a_verb("prioritizeVerb: prioritize", "prioritizeVerb: score", "wrong-path")]
#[case::no_filter("  filterVerb: filter\n", "", "missing-verb")]
#[case::no_prioritize("  prioritizeVerb: prioritize\n", "", "missing-verb")]
#[case::no_preempt("  preemptVerb: preempt\n", "", "no-preempt-verb")]
#[case::binds(
    "  preemptVerb: preempt\n",
    "  preemptVerb: preempt\n  bindVerb: bind\n",
    "bind-verb"
)]
#[case::no_weight("  weight: 5\n  # Names", "  # Names", "no-weight")]
#[case::weight_zero("  weight: 5\n  # Names", "  weight: 0\n  # Names", "no-weight")]
#[case::not_ignorable("  ignorable: true\n", "  ignorable: false\n", "not-ignorable")]
#[case::ignorable_unsaid("  ignorable: true\n", "", "not-ignorable")]
#[case::whole_nodes("  nodeCacheCapable: true\n", "", "whole-nodes")]
#[case::default_timeout("  httpTimeout: 500ms\n", "", "long-timeout")]
#[case::long_timeout("  httpTimeout: 500ms\n", "  httpTimeout: 30s\n", "long-timeout")]
#[case::short_timeout("  httpTimeout: 500ms\n", "  httpTimeout: 300ms\n", "short-timeout")]
#[case::no_timeout("  httpTimeout: 500ms\n", "  httpTimeout: soon\n", "unreadable-timeout")]
#[case::hidden("ignoredByScheduler: false", "ignoredByScheduler: true", "ignored-by-scheduler")]
#[case::every_pod(
    "  managedResources:\n  - name: nvidia.com/gpu\n    ignoredByScheduler: false",
    "  #",
    "every-pod"
)]
#[case::another("\nextenders:\n", &format!("\nextenders:{SECOND}"), "another-extender")]
#[case::same_resource("\nextenders:\n", &format!("\nextenders:{}", SECOND.replace("example.com/device", "nvidia.com/gpu")), "same-resource-twice")]
#[case::not_asked("\nextenders:\n", "\nextenders: []\nx:\n", "unknown-field heliotrope-not-asked")]
fn every_slip_is_its_finding_and_no_other(#[case] from: &str, #[case] to: &str, #[case] code: &str) {
    let shipped = std::fs::read_to_string(SHIPPED).unwrap();
    assert_eq!(
        shipped.matches(from).count(),
        1,
        "{from:?} is not once in the shipped file"
    );
    let text = shipped.replacen(from, to, 1);
    let found = findings(&text);
    let mut wanted: Vec<&str> = code.split(' ').collect();
    let mut told = codes(&found);
    wanted.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, wanted, "{found:#?}");
    for finding in &found {
        let place = finding.place.as_ref().unwrap();
        assert!(place.at.is_some(), "{finding:?} has no line");
        assert!(!finding.meaning.is_empty() && !finding.remedy.is_empty());
    }
}

#[rstest]
#[case(SHIPPED)]
#[case(KUBEADM)]
fn what_is_shipped_has_no_slip(#[case] path: &str) {
    assert_eq!(findings(&std::fs::read_to_string(path).unwrap()), []);
}

#[test]
fn a_finding_names_its_line_and_never_a_value() {
    let text = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nextenders:\n- urlPrefix: s3cret\n  filterVerb: s3cret\n";
    let found = findings(text);
    let told = format!("{found:?}");
    assert!(!told.contains("s3cret"), "{told}");
    let address = found.iter().find(|finding| finding.code == "no-address").unwrap();
    assert_eq!(
        address.place.as_ref().unwrap().to_string(),
        "config.yaml:4:3 extenders[0].urlPrefix"
    );
    assert_eq!(address.severity, Severity::Error);
}

fn heliotrope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heliotrope"))
        .env_remove("HELIOTROPE_CONFIG")
        .args(arguments)
        .output()
        .unwrap()
}

/// The own stanza in every form of it. That of pods with claims costs what its note says, and is no worse than a note.
#[rstest]
#[case::whole_boards(&[], &[])]
#[case::named(&["--resources", "nvidia.com/gpu,nvidia.com/mig-1g.10gb,amd.com/gpu"], &[])]
#[case::of_the_nodes(&["--from-nodes", "NODES"], &[])]
#[case::light(&["--weight", "1"], &[])]
#[case::heavy(&["--weight", "100"], &[])]
#[case::claims(&["--dra"], &["every-pod"])]
fn what_scheduler_config_prints_has_no_slip(#[case] arguments: &[&str], #[case] noted: &[&str]) {
    let mut nodes = tempfile::NamedTempFile::new().unwrap();
    nodes
        .write_all(br#"{"items":[{"status":{"capacity":{"cpu":"8","nvidia.com/gpu":"8","gpu.intel.com/xe":"2"}}}]}"#)
        .unwrap();
    let nodes = nodes.path().to_str().unwrap();
    for form in ["yaml", "json"] {
        let mut all = vec!["scheduler-config", "-o", form];
        all.extend(arguments.iter().map(|one| if *one == "NODES" { nodes } else { one }));
        let printed = heliotrope(&all);
        let text = String::from_utf8(printed.stdout).unwrap();
        assert!(text.contains("127.0.0.1:8650"), "{text}");
        let found = findings(&text);
        assert_eq!(codes(&found), noted, "{form}: {found:#?}");
        assert!(found.iter().all(|one| one.severity == Severity::Note), "{found:#?}");
    }
}

/// With settings the stanza names their address, and is held to the same.
#[test]
fn a_stanza_from_settings_is_held_to_their_address() {
    let mut settings = tempfile::NamedTempFile::new().unwrap();
    settings
        .write_all(b"apiVersion: heliotrope.dev/v1alpha1\nkind: Settings\nextender: {listen: '127.0.0.1:8700'}\n")
        .unwrap();
    let settings = settings.path().to_str().unwrap();
    let printed = heliotrope(&["scheduler-config", "--config", settings]);
    let text = String::from_utf8(printed.stdout).unwrap();
    let listen = Some("127.0.0.1:8700".parse().unwrap());
    let there = Expectations { listen, ..expected() };
    assert_eq!(check_scheduler("config.yaml", &text, there), []);
    assert_eq!(codes(&findings(&text)), ["other-address"]);
}

#[test]
fn exit_codes_tell_the_worst() {
    let shipped = std::fs::read_to_string(SHIPPED).unwrap();
    let run = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let output = heliotrope(&["check", "--scheduler-config", file.path().to_str().unwrap()]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = run(&shipped);
    assert_eq!((code, told.trim()), (Some(0), "0 errors, 0 warnings, 0 notes"));
    let (code, told) = run(&shipped.replace("ignorable: true", "ignorable: false"));
    assert!(
        code == Some(3) && told.contains("not-ignorable") && told.contains("to do: Write ignorable: true."),
        "{told}"
    );
    let (code, _) = run(&shipped.replace("preemptVerb: preempt", ""));
    assert_eq!(code, Some(4));
    let (code, _) = run(&shipped.replace("      - name: NodeResourcesBalancedAllocation\n", ""));
    assert_eq!(code, Some(0), "a note alone");
    let nowhere = heliotrope(&["check", "--scheduler-config", "nowhere.yaml"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(Path::new(SHIPPED).exists());
}
