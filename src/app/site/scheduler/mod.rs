//! Slips of a KubeSchedulerConfiguration that cost carbon, pods or the cluster.
//!
//! Owns which fields there are, and what each extender and profile should say and why. A text comes in and is read leniently: what
//! is not a slip of its own does not stop the search for others. Must never print a value that could be a secret.

mod extender;
mod extenders;
mod fields;
mod profile;
mod view;

use super::finding::{Finding, Kind, Place, Severity};
use crate::app::yaml::Document;
use std::net::SocketAddr;
use std::time::Duration;
use view::View;

/// What the settings say that a configuration has to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectations {
    /// Where Heliotrope listens; `None` where no settings were given.
    pub listen: Option<SocketAddr>,
    /// After this it answers neutrally: the scheduler must wait longer.
    pub deadline: Duration,
}

const NOT_YAML: Kind = Kind {
    code: "unreadable",
    severity: Severity::Error,
    meaning: "kube-scheduler does not start with it.",
    remedy: "Write one YAML or JSON document.",
};

const OTHER_KIND: Kind = Kind {
    code: "other-kind",
    severity: Severity::Error,
    meaning: "kube-scheduler does not start with it.",
    remedy: "Write `apiVersion: kubescheduler.config.k8s.io/v1` and `kind: KubeSchedulerConfiguration`.",
};

const OLD_VERSION: Kind = Kind {
    code: "old-version",
    severity: Severity::Error,
    meaning: "kube-scheduler 1.29 and later know `v1` alone and do not start with it.",
    remedy: "Write `apiVersion: kubescheduler.config.k8s.io/v1`.",
};

const UNKNOWN_FIELD: Kind = Kind {
    code: "unknown-field",
    severity: Severity::Error,
    meaning: "kube-scheduler reads its configuration strictly and does not start with a field that it does not know.",
    remedy: "Correct the name or take the field out.",
};

/// Collects findings about one text.
pub(super) struct Found<'d> {
    file: &'d str,
    document: &'d Document,
    findings: Vec<Finding>,
}

impl Found<'_> {
    /// Notes a finding at a key, or where the nearest key above it stands.
    pub(super) fn note(&mut self, kind: Kind, path: &str, what: impl std::fmt::Display) {
        let place = Place {
            file: self.file.to_owned(),
            path: path.to_owned(),
            at: self.document.nearest(path),
        };
        self.findings.push(Finding {
            place: Some(place),
            ..kind.of(what, Vec::new())
        });
    }
}

/// Looks a configuration over. `file` is what it is called in findings. A text that has extenders alone, as `heliotrope
/// scheduler-config` prints it, is a part of a configuration: what it does not say is not held against it.
#[must_use]
pub fn check(file: &str, text: &str, expected: Expectations) -> Vec<Finding> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(wrong) => {
            let place = Place {
                file: file.to_owned(),
                path: wrong.path,
                at: wrong.at,
            };
            return vec![Finding {
                place: Some(place),
                ..NOT_YAML.of(wrong.message, Vec::new())
            }];
        }
    };
    let root = View::root(&document);
    let mut found = Found {
        file,
        document: &document,
        findings: Vec::new(),
    };
    for (path, name) in fields::unknown(&document) {
        found.note(UNKNOWN_FIELD, &path, format_args!("`{name}` is no field here"));
    }
    if is_whole(&root) {
        version(&root, &mut found);
        profile::check(&root, &mut found);
    }
    extenders::check(&root, expected, &mut found);
    found
        .findings
        .sort_by_key(|finding| finding.place.as_ref().and_then(|place| place.at));
    found.findings
}

/// Resources whose pods an extender is asked about, over all extenders of a text; `None` where one of them is asked about
/// every pod.
#[must_use]
pub(super) fn managed(text: &str) -> Option<Vec<String>> {
    let document = Document::parse(text).ok()?;
    let mut managed = Vec::new();
    for extender in View::root(&document).key("extenders").items() {
        let names = extenders::resources(&extender);
        if names.is_empty() {
            return None;
        }
        managed.extend(names);
    }
    Some(managed)
}

fn is_whole(root: &View<'_>) -> bool {
    ["apiVersion", "kind", "profiles"]
        .iter()
        .any(|key| root.key(key).exists())
}

fn version(root: &View<'_>, found: &mut Found<'_>) {
    const GROUP: &str = "kubescheduler.config.k8s.io/";
    let version = root.key("apiVersion").text().unwrap_or_default();
    if root.key("kind").text() != Some("KubeSchedulerConfiguration") || !version.starts_with(GROUP) {
        found.note(OTHER_KIND, "kind", "this is no KubeSchedulerConfiguration");
    } else if version.strip_prefix(GROUP) != Some("v1") {
        found.note(OLD_VERSION, "apiVersion", "the version is not v1");
    }
}
