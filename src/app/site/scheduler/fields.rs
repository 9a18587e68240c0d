//! Which fields there are, after `types.go` of kube-scheduler's `config/v1` and component-base's `config/v1alpha1`, 1.37.

use crate::app::yaml::Document;

/// Fields by the path of what they stand in: `[]` is an item, `*` an extension point.
const FIELDS: [(&str, &[&str]); 12] = [
    (
        "",
        &[
            "apiVersion",
            "kind",
            "parallelism",
            "leaderElection",
            "clientConnection",
            "enableProfiling",
            "enableContentionProfiling",
            "percentageOfNodesToScore",
            "podInitialBackoffSeconds",
            "podMaxBackoffSeconds",
            "profiles",
            "extenders",
            "delayCacheUntilActive",
        ],
    ),
    (
        "leaderElection",
        &[
            "leaderElect",
            "leaseDuration",
            "renewDeadline",
            "retryPeriod",
            "resourceLock",
            "resourceName",
            "resourceNamespace",
        ],
    ),
    (
        "clientConnection",
        &["kubeconfig", "acceptContentTypes", "contentType", "qps", "burst"],
    ),
    (
        "profiles[]",
        &["schedulerName", "percentageOfNodesToScore", "plugins", "pluginConfig"],
    ),
    (
        PLUGINS,
        &[
            "preEnqueue",
            "queueSort",
            "preFilter",
            "filter",
            "postFilter",
            "preScore",
            "score",
            "reserve",
            "permit",
            "preBind",
            "bind",
            "postBind",
            "multiPoint",
            "placementGenerate",
            "placementScore",
            "podGroupPostFilter",
        ],
    ),
    ("profiles[].plugins.*", &["enabled", "disabled"]),
    ("profiles[].plugins.*.enabled[]", &["name", "weight"]),
    ("profiles[].plugins.*.disabled[]", &["name", "weight"]),
    ("profiles[].pluginConfig[]", &["name", "args"]),
    (
        "extenders[]",
        &[
            "urlPrefix",
            "filterVerb",
            "preemptVerb",
            "prioritizeVerb",
            "weight",
            "bindVerb",
            "enableHTTPS",
            "tlsConfig",
            "httpTimeout",
            "nodeCacheCapable",
            "managedResources",
            "ignorable",
        ],
    ),
    (
        "extenders[].tlsConfig",
        &[
            "insecure",
            "serverName",
            "certFile",
            "keyFile",
            "caFile",
            "certData",
            "keyData",
            "caData",
        ],
    ),
    ("extenders[].managedResources[]", &["name", "ignoredByScheduler"]),
];
const PLUGINS: &str = "profiles[].plugins";

/// Path and name of every field that kube-scheduler does not know. Arguments of plugins are theirs and not looked at.
pub(super) fn unknown(document: &Document) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in document.paths().filter(|path| !path.ends_with(']')) {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let parent = general(parent);
        let known = FIELDS.iter().find(|(of, _)| *of == parent);
        if known.is_some_and(|(_, names)| !names.contains(&name)) {
            found.push((path.to_owned(), name.to_owned()));
        }
    }
    found
}

/// `profiles[0].plugins.score.enabled[2]` → `profiles[].plugins.*.enabled[]`.
fn general(path: &str) -> String {
    let mut general = String::new();
    for key in path.split('.').filter(|key| !key.is_empty()) {
        let name = key.split('[').next().unwrap_or_default();
        if !general.is_empty() {
            general.push('.');
        }
        let below_plugins = general.trim_end_matches('.') == PLUGINS;
        general.push_str(if below_plugins { "*" } else { name });
        if key.ends_with(']') {
            general.push_str("[]");
        }
    }
    general
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_their_places() {
        for (path, expected) in [
            ("", ""),
            ("extenders[12].tlsConfig", "extenders[].tlsConfig"),
            ("profiles[0].plugins", "profiles[].plugins"),
            ("profiles[0].plugins.score.enabled[2]", "profiles[].plugins.*.enabled[]"),
        ] {
            assert_eq!(general(path), expected);
        }
    }
}
