//! The suite as a guest on a cluster that it did not start.
//!
//! Owns what that changes, once `HELIOTROPE_E2E_KUBECONFIG` names a cluster: names of its own, so that nothing of the cluster is
//! met by accident, a mark on everything it makes, and the removal of all that is marked. Without the variable everything here
//! is as if it were not. Must never touch what does not carry the mark.

mod removal;

pub(crate) use removal::{prepare, remove_everything};

use serde_json::{Value, json};
use std::path::PathBuf;

/// Names the kubeconfig of the cluster to be a guest on.
const KUBECONFIG: &str = "HELIOTROPE_E2E_KUBECONFIG";

/// Label of everything the suite makes; on its nodes also the annotation that tells KWOK which are its own, and a taint.
pub(crate) const MARK: &str = "heliotrope-e2e";

/// The mark's value.
const SUITE: &str = "suite";

/// The kubeconfig of the cluster to be a guest on, if one is named.
pub(crate) fn kubeconfig() -> Option<PathBuf> {
    let named = PathBuf::from(std::env::var_os(KUBECONFIG).filter(|name| !name.is_empty())?);
    // Processes of the suite run in folders of their own.
    let found = std::fs::canonicalize(&named);
    Some(found.unwrap_or_else(|e| panic!("{KUBECONFIG}={}: {e}", named.display())))
}

/// Whether the cluster is somebody else's.
pub(crate) fn is_guest() -> bool {
    kubeconfig().is_some()
}

/// Namespace of all work.
pub(crate) fn namespace() -> &'static str {
    if is_guest() { "heliotrope-e2e" } else { "default" }
}

/// The scheduler that the suite's pods name.
pub(crate) fn scheduler_name() -> &'static str {
    if is_guest() {
        "heliotrope-e2e"
    } else {
        "default-scheduler"
    }
}

/// The name of an object that has no namespace.
pub(crate) fn cluster_wide(name: &str) -> String {
    if is_guest() {
        format!("{MARK}-{name}")
    } else {
        name.to_owned()
    }
}

/// `KEY=VALUE` of the mark: a selector for labels and for KWOK.
pub(crate) fn selector() -> String {
    format!("{MARK}={SUITE}")
}

/// Marks an object.
pub(crate) fn mark(object: &mut Value) {
    if is_guest() {
        object["metadata"]["labels"][MARK] = json!(SUITE);
    }
}

/// Marks a node, and closes it to everything but the suite's pods.
pub(crate) fn mark_node(node: &mut Value) {
    if !is_guest() {
        return;
    }
    mark(node);
    node["metadata"]["annotations"][MARK] = json!(SUITE);
    node["spec"]["taints"] = json!([{ "key": MARK, "value": SUITE, "effect": "NoSchedule" }]);
    // DaemonSets of the cluster tolerate every taint, but select Linux: without the label none of them comes.
    node["metadata"]["labels"]
        .as_object_mut()
        .unwrap()
        .remove("kubernetes.io/os");
}

/// Keeps a pod on the suite's nodes.
pub(crate) fn keep_on_marked_nodes(pod_spec: &mut Value) {
    if is_guest() {
        pod_spec["nodeSelector"] = json!({ MARK: SUITE });
        pod_spec["tolerations"] =
            json!([{ "key": MARK, "operator": "Equal", "value": SUITE, "effect": "NoSchedule" }]);
    }
}

/// Whether a scenario must not run because the cluster is not the suite's own; says so and why.
pub(crate) fn leaves_out(scenario: &str, why: &str) -> bool {
    if is_guest() {
        say_left_out(
            scenario,
            &format!("on the cluster of {KUBECONFIG} it cannot run: {why}"),
        );
    }
    is_guest()
}

/// Says that a scenario does not run. `hack/test.sh` looks for these lines, since to the test runner it has passed.
pub(crate) fn say_left_out(scenario: &str, why: &str) {
    println!("\n!! SKIPPED {scenario}: {why}");
}
